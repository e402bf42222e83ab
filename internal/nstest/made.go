package nstest

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/closewait/closewait/tcp"
)

// Made is a scene that was built.
type Made struct {
	// Subject is the socket the scene is named after.
	Subject Expected
	// Others are all other sockets the scene has left in the namespace: peers, listeners.
	Others []Expected
}

// All returns the subject and the others.
func (m Made) All() []Expected { return append([]Expected{m.Subject}, m.Others...) }

// Listed returns those of All that the kernel's tables show.
func (m Made) Listed() []Expected {
	var listed []Expected
	for _, e := range m.All() {
		if e.Listed {
			listed = append(listed, e)
		}
	}
	return listed
}

// Expected is what the kernel must say of one socket.
type Expected struct {
	Family tcp.Family
	// Local and Peer are in the form the kernel reports them. A socket without a peer has the unspecified address and port 0 there.
	Local, Peer netip.AddrPort
	State       tcp.State
	Timer       tcp.TimerKind
	// RecvQueue and SendQueue are as sock_diag reports them; /proc/net/tcp shows 0 as the send queue of a listener, not its backlog.
	RecvQueue, SendQueue uint32
	// Inode is 0 for a socket without a file: not accepted yet, closed by its owner, or a mini socket.
	Inode uint32
	// FD is the descriptor by which this process holds the socket, -1 for none.
	FD int
	// Listed is false for a socket that is in no table: only its descriptor shows it. Bound sockets are listed by sock_diag alone, since Linux 6.8, when it is
	// asked for tcp.Bound; it then reports them as tcp.Closed.
	Listed bool
}

// Tuple returns the 4-tuple, IPv4-mapped addresses as IPv4, like tcp.Socket.Tuple.
func (e Expected) Tuple() tcp.Tuple {
	s := tcp.Socket{Local: tcp.EndpointOf(e.Local), Peer: tcp.EndpointOf(e.Peer)}
	return s.Tuple()
}

// String returns the socket in one line, for messages.
func (e Expected) String() string {
	return fmt.Sprintf("%v %v recv-q %d send-q %d %v > %v timer %v ino %d",
		e.Family, e.State, e.RecvQueue, e.SendQueue, e.Local, e.Peer, e.Timer, e.Inode)
}

// as says what the kernel must say of an open socket.
func (s *Socket) as(state tcp.State, timer tcp.TimerKind, recvQueue, sendQueue uint32) Expected {
	s.t.Helper()
	return Expected{
		Family: s.fam.Kernel(), Local: s.local, Peer: s.peer, State: state, Timer: timer,
		RecvQueue: recvQueue, SendQueue: sendQueue, Inode: s.Inode(), FD: s.FD(), Listed: true,
	}
}

// unheld is the same socket without a file.
func (e Expected) unheld() Expected {
	e.Inode, e.FD = 0, -1
	return e
}

// unlisted is the same socket in no table.
func (e Expected) unlisted() Expected {
	e.Listed = false
	return e
}

// otherEnd is a connection's other end that nobody holds.
func (e Expected) otherEnd(state tcp.State, timer tcp.TimerKind, recvQueue, sendQueue uint32) Expected {
	return Expected{
		Family: e.Family, Local: e.Peer, Peer: e.Local, State: state, Timer: timer,
		RecvQueue: recvQueue, SendQueue: sendQueue, FD: -1, Listed: true,
	}
}

// settle waits until the tables show every socket as expected.
func settle(t testing.TB, m Made) {
	t.Helper()
	Eventually(t, func() (bool, any) {
		table := readTable(t)
		for _, want := range m.Listed() {
			if want.State == tcp.Closed {
				continue // bound: not in these tables
			}
			if got, ok := table.find(want); !ok || !got.shows(want) {
				return false, fmt.Sprintf("the tables show\n\t%v\nwant\n\t%v", got, want)
			}
		}
		return true, ""
	})
}
