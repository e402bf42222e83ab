package nstest

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// Socket is one TCP socket of this process: plain, without keepalive, non-blocking, closed at the latest at the end of the test. Its methods end the test when
// something goes wrong. They act on the descriptor, in whatever namespace it was made.
type Socket struct {
	t           testing.TB
	fd          stage.Socket // -1 when closed
	fam         Family
	local, peer netip.AddrPort
}

// adopt makes a Socket of a new descriptor, or ends the test if that could not be had.
func adopt(t testing.TB, fam Family, fd stage.Socket, err error) *Socket {
	t.Helper()
	if err != nil {
		lacksFamily(t, fam, err)
		t.Fatalf("%v socket: %v", fam, err)
	}
	s := &Socket{t: t, fd: fd, fam: fam, peer: fam.Unspecified()}
	t.Cleanup(s.Abort)
	if s.local, err = fd.Local(); err != nil {
		t.Fatal(err)
	}
	return s
}

// lacksFamily ends the test if an error says that the machine has no IPv6.
func lacksFamily(t testing.TB, fam Family, err error) {
	t.Helper()
	if fam != IPv4 && (stage.Absent(err) || errors.Is(err, unix.EADDRNOTAVAIL)) {
		Missing(t, "IPv6 ("+err.Error()+")")
	}
}

// Listen makes a listening socket on the loopback address.
func Listen(t testing.TB, fam Family, backlog int) *Socket {
	t.Helper()
	return ListenAt(t, fam, fam.Loopback(), backlog)
}

// ListenAt makes a listening socket on an address of the calling thread's namespace.
func ListenAt(t testing.TB, fam Family, addr netip.Addr, backlog int) *Socket {
	t.Helper()
	Require(t)
	fd, err := stage.Listen(fam, netip.AddrPortFrom(addr, 0), backlog)
	return adopt(t, fam, fd, err)
}

// Open makes a socket that is neither bound nor connected.
func Open(t testing.TB, fam Family) *Socket {
	t.Helper()
	Require(t)
	fd, err := stage.Open(fam)
	return adopt(t, fam, fd, err)
}

// Connect makes a loopback connection and returns its two ends, the accepted one first. No listener is left.
func Connect(t testing.TB, fam Family) (server, client *Socket) {
	t.Helper()
	client = Open(t, fam)
	listener := Listen(t, fam, 1)
	client.Connect(listener.local)
	server = listener.Accept()
	listener.Abort()
	return server, client
}

// ConnectAcross makes a connection between two namespaces of a [Pair] and returns its two ends, the accepted one, in to, first.
func ConnectAcross(t testing.TB, fam Family, from, to *Namespace) (server, client *Socket) {
	t.Helper()
	var listener *Socket
	to.Do(func() { listener = ListenAt(t, fam, to.Address(fam), 1) })
	from.Do(func() { client = Open(t, fam) })
	client.Connect(listener.local)
	server = listener.Accept()
	listener.Abort()
	return server, client
}

// FD returns the descriptor, -1 once the socket is closed.
func (s *Socket) FD() int { return int(s.fd) }

// Local returns the socket's address, in the form the kernel reports it.
func (s *Socket) Local() netip.AddrPort { return s.local }

// Peer returns the peer's address in that form; it is unspecified, with port 0, for a socket without one.
func (s *Socket) Peer() netip.AddrPort { return s.peer }

// Inode returns the socket's inode number in sockfs.
func (s *Socket) Inode() uint32 {
	s.t.Helper()
	inode, err := s.fd.Inode()
	s.check(err)
	return inode
}

// Connect connects and waits for the handshake.
func (s *Socket) Connect(to netip.AddrPort) {
	s.t.Helper()
	s.connected(s.fd.Connect(to), to)
}

// Begin starts to connect and does not wait.
func (s *Socket) Begin(to netip.AddrPort) {
	s.t.Helper()
	s.connected(s.fd.Begin(to), to)
}

func (s *Socket) connected(err error, to netip.AddrPort) {
	s.t.Helper()
	if err == nil {
		s.local, err = s.fd.Local()
	}
	s.check(err)
	s.peer = to
}

// BindPort binds the socket to a port on the loopback address; 0 leaves the choice to the kernel.
func (s *Socket) BindPort(port uint16) {
	s.t.Helper()
	err := s.fd.Bind(netip.AddrPortFrom(s.fam.Loopback(), port))
	if err == nil {
		s.local, err = s.fd.Local()
	} else {
		lacksFamily(s.t, s.fam, err)
	}
	s.check(err)
}

// Accept waits for a connection and accepts it.
func (s *Socket) Accept() *Socket {
	s.t.Helper()
	fd, err := s.fd.Accept()
	child := adopt(s.t, s.fam, fd, err)
	child.peer, err = fd.Peer()
	s.check(err)
	return child
}

// Write writes n bytes, or as many as the send buffer takes, and returns their number.
func (s *Socket) Write(n int) int {
	s.t.Helper()
	n, err := unix.Write(int(s.fd), make([]byte, n))
	s.check(os.NewSyscallError("write", err))
	return n
}

// Read waits for n bytes and reads them.
func (s *Socket) Read(n int) {
	s.t.Helper()
	for buf := make([]byte, n); len(buf) > 0; {
		s.check(s.fd.Wait(unix.POLLIN))
		got, err := unix.Read(int(s.fd), buf)
		s.check(os.NewSyscallError("read", err))
		if got == 0 {
			s.t.Fatalf("the connection ended %d bytes too early", len(buf))
		}
		buf = buf[got:]
	}
}

// ReadEnd reads up to the end of what the peer sent, waiting for it.
func (s *Socket) ReadEnd() {
	s.t.Helper()
	for buf := make([]byte, 4096); ; {
		s.check(s.fd.Wait(unix.POLLIN))
		n, err := unix.Read(int(s.fd), buf)
		s.check(os.NewSyscallError("read", err))
		if n == 0 {
			return
		}
	}
}

// Close closes the socket as a program does. The kernel may go on with it: an orphan. While another goroutine starts a process, the kernel acts on a close only a moment
// later: wait for the effect before doing what depends on it.
func (s *Socket) Close() {
	if s.fd >= 0 {
		s.fd.Close()
		s.fd = -1
	}
}

// Abort closes the socket by a reset, at once. A listener resets the connections that wait.
func (s *Socket) Abort() {
	if s.fd >= 0 {
		s.fd.Abort()
		s.fd = -1
	}
}

// CloseWrite sends a FIN and keeps the socket open.
func (s *Socket) CloseWrite() { s.t.Helper(); s.check(s.fd.CloseWrite()) }

// Set sets an integer option.
func (s *Socket) Set(level, option, value int) { s.t.Helper(); s.check(s.fd.Set(level, option, value)) }

// Deafen loses every packet that arrives for the socket from now on, as [stage.Socket.Deafen] does.
func (s *Socket) Deafen() { s.t.Helper(); s.check(s.fd.Deafen()) }

// Undeafen ends what Deafen began.
func (s *Socket) Undeafen() { s.t.Helper(); s.check(s.fd.Undeafen()) }

// Info returns the socket's struct tcp_info as getsockopt(TCP_INFO) gives it.
func (s *Socket) Info() tcp.Info {
	s.t.Helper()
	info, err := s.fd.Info()
	s.check(err)
	return info
}

// State returns the socket's state (tcpi_state).
func (s *Socket) State() tcp.State {
	s.t.Helper()
	info := s.Info()
	return tcp.State(info.Bytes()[0])
}

// Await waits until the socket is in a state.
func (s *Socket) Await(want tcp.State) {
	s.t.Helper()
	Eventually(s.t, func() (bool, any) {
		got := s.State()
		return got == want, "state " + got.String() + ", want " + want.String()
	})
}

// AwaitInfo waits until a condition on the socket's struct tcp_info is true.
func (s *Socket) AwaitInfo(what string, condition func(*tcp.Info) bool) {
	s.t.Helper()
	Eventually(s.t, func() (bool, any) {
		info := s.Info()
		return condition(&info), "not yet: " + what
	})
}

func (s *Socket) check(err error) {
	if err != nil {
		s.t.Helper()
		s.t.Fatalf("%v socket %v: %v", s.fam, s.local, err)
	}
}

// Eventually asks again and again, pausing briefly in between, until the answer is true, and ends the test with the last explanation if that takes longer than five seconds.
func Eventually(t testing.TB, ask func() (bool, any)) {
	t.Helper()
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(stage.Patience); ; <-pause.C {
		ok, why := ask()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("gave up after %v: %v", stage.Patience, why)
		}
	}
}
