package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// Stuck is what is stuck in a scene when it has come to its point.
type Stuck struct {
	// Filter selects the sockets, Sockets is how many there are.
	Filter  string
	Sockets int
	// Queued is how many of them nobody has accepted.
	Queued int
	// Holder is the process that has their descriptors, nil where there is none.
	Holder *Process
	// Told waits for the error by which the program is told that its socket has ended; nil where it does not listen.
	Told func() string
	// Closes says that the program closes a descriptor when a call on it fails: more is freed then than an action can promise.
	Closes bool
	// Mute says that nothing this host sends gets as far as the wire.
	Mute bool
}

// over ends a play that has come to its end early.
type over struct{}

// Stuck waits until the sockets are as the scene says. When something is to be done about them it is done, held against what its plan promised, and the play is over.
func (p *Play) Stuck(s Stuck) {
	targets := p.selected(&s)
	act, wanted := findAction(p.Settings.Act)
	if !wanted {
		return
	}
	p.eventually(patience, 20*time.Millisecond, func() (bool, string) {
		n := p.queued()
		return n == s.Queued, fmt.Sprintf("%d connections in accept queues, but %d", s.Queued, n)
	})
	r := &remedy{Play: p, action: act, stuck: s, targets: targets}
	r.take()
	panic(over{})
}

// target is one stuck socket, and what becomes of it by an action.
type target struct {
	key   tcp.Socket
	ends  report.Ends // as foretold, with what the action does to this socket
	taken time.Time   // when that was
	now   bool        // the action promises the end at once
	// itself says that the target would end at the same moment without the action.
	itself bool
	ended  time.Duration
	gone   bool
}

// selected waits for the sockets and returns them as targets.
func (p *Play) selected(s *Stuck) []target {
	var targets []target
	p.eventually(patience, 20*time.Millisecond, func() (bool, string) {
		_, sockets, err := p.look(p.ctx, p.near.Path(), s.Filter)
		p.must(err)
		targets = targets[:0]
		for i := range sockets {
			targets = append(targets, target{key: p.key(&sockets[i]), ends: sockets[i].Ends})
		}
		return len(targets) == s.Sockets, fmt.Sprintf("%d sockets with %s, but %d", s.Sockets, s.Filter, len(targets))
	})
	return targets
}

// key is a socket as sock_diag wants it named.
func (p *Play) key(s *report.Socket) tcp.Socket {
	state, err := tcp.ParseState(s.State)
	p.must(err)
	key := tcp.Socket{Family: tcp.IPv4, State: state, Local: p.endpoint(s.Local), Cookie: cookie(s.Cookie)}
	if s.Peer != nil {
		key.Peer = p.endpoint(*s.Peer)
	}
	if s.Family == "ipv6" {
		key.Family = tcp.IPv6
	}
	if s.Inode != nil {
		key.Inode = *s.Inode
	}
	return key
}

func (p *Play) endpoint(e report.Endpoint) tcp.Endpoint {
	address, err := netip.ParseAddr(e.Address)
	p.must(err)
	return tcp.EndpointFrom(address, e.Port)
}

// between is the filter for one connection.
func between(server *Process, client *Client) string {
	return fmt.Sprintf("sport = :%d and dport = :%d", server.At.Port(), client.Local.Port())
}

// of is the filter for the connections of a server in CLOSE_WAIT.
func of(server *Process) string {
	return fmt.Sprintf("state close-wait and sport = :%d", server.At.Port())
}

// descriptors counts the socket descriptors of a process.
func (p *Play) descriptors(w *Process) int {
	if w == nil {
		return 0
	}
	dir := fmt.Sprintf("/proc/%d/fd", w.PID)
	entries, err := os.ReadDir(dir)
	p.must(err)
	n := 0
	for _, e := range entries {
		if link, err := os.Readlink(dir + "/" + e.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}

// queued counts the connections that wait in the accept queues of the scene's network.
func (p *Play) queued() int {
	_, listeners, err := p.look(p.ctx, p.near.Path(), "state listen")
	p.must(err)
	n := 0
	for i := range listeners {
		n += int(listeners[i].RecvQueueBytes)
	}
	return n
}
