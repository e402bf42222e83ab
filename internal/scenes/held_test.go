package scenes

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// TestHeld: the socket is where nobody looks for it.
func TestHeld(t *testing.T) {
	play(t, map[string]scene{
		"handed down": func(p *place) []want { return handedDown(p, p.start("serve.py", "hands_down", "127.0.0.1", "7000")) },
		"handed down by php": func(p *place) []want {
			return handedDown(p, p.start("hands_down.php", "-", "127.0.0.1", "7000"))
		},
		"parent gone": func(p *place) []want {
			g := p.start("serve.py", "forks_away", "127.0.0.1", "7000")
			p.listening(7000)
			p.leave(1, "127.0.0.1:7000", request)
			var heir []int
			eventually(t, patience, 100*time.Millisecond, func() string {
				if heir = p.holders(p.stuck(7000, 1, 0)); len(heir) != 1 || heir[0] == g.pid {
					return "it still runs"
				}
				return ""
			})
			return []want{{code: "CW109", severity: "warning", count: 1, pids: heir, culprits: []culprit{{what: "inherited", pid: heir[0]}}, ends: "never"}}
		},
		"socket activation": func(p *place) []want {
			g := p.start("serve.py", "activates", "127.0.0.1", "7000")
			p.listening(7000)
			p.leave(1, "127.0.0.1:7000", request)
			child := g.children(1)[0]
			p.stuck(7000, 1, 0)
			return []want{{code: "CW107", severity: "warning", count: 1, pids: []int{child}, role: "server", ends: "never"}}
		},
		"shared": func(p *place) []want {
			g := p.start("serve.py", "shares", "127.0.0.1", "7000")
			p.listening(7000)
			p.leave(1, "127.0.0.1:7000", request)
			children := g.children(3)
			p.stuck(7000, 1, 0)
			return []want{{code: "CW109", severity: "warning", count: 1, pids: append(children, g.pid), ends: "never"}}
		},
		"in flight": func(p *place) []want {
			p.start("serve.py", "in_flight", "127.0.0.1", "7000")
			p.listening(7000)
			p.leave(3, "127.0.0.1:7000", request)
			all := p.stuck(7000, 3, 0)
			eventually(p.t, patience, 100*time.Millisecond, func() string {
				if len(p.holders(all)) > 0 {
					return "somebody still has one"
				}
				return ""
			})
			return []want{{code: "CW112", severity: "info", count: 3, pids: []int{}, ends: "never"}}
		},
		"io_uring": func(p *place) []want {
			g := p.start("go:ring", "127.0.0.1", "7000")
			p.listening(7000)
			p.leave(3, "127.0.0.1:7000", request)
			all := p.stuck(7000, 3, 0)
			eventually(p.t, patience, 100*time.Millisecond, func() string {
				if pids := p.holders(all); len(pids) > 0 {
					return fmt.Sprintf("%v, %d among them, still has one", pids, g.pid)
				}
				return ""
			})
			return []want{{code: "CW112", severity: "info", count: 3, pids: []int{}, ends: "never|unknown|at"}}
		},
		"dead": deadDescriptors,
	})
}

// handedDown: a program has inherited connections from the server that started it, which has closed its own descriptors.
func handedDown(p *place, g *program) []want {
	p.t.Helper()
	p.listening(7000)
	p.leave(3, "127.0.0.1:7000", request)
	heir := g.children(1)[0]
	eventually(p.t, patience, 100*time.Millisecond, func() string {
		if all := p.holders(p.table().at(7000, closeWait).owned()); !slices.Equal(all, []int{heir}) {
			return "the server has not closed all"
		}
		return ""
	})
	p.stuck(7000, 3, 0)
	return []want{{
		code: "CW109", severity: "warning", count: 3, pids: []int{heir}, culprits: []culprit{{what: "inherited", pid: heir}}, ends: "never",
	}}
}

// deadDescriptors: keepalive has found out that the peers are gone, and their sockets have left all tables.
func deadDescriptors(p *place) []want {
	var err error
	p.do(func() { err = os.WriteFile("/proc/sys/net/ipv4/tcp_fin_timeout", []byte("2"), 0) })
	if err != nil {
		p.t.Fatal(err)
	}
	g := p.start("serve.py", "keepalive", "127.0.0.1", "7000")
	p.listening(7000)
	p.leave(12, "127.0.0.1:7000", request)
	p.stuck(7000, 12, 0)
	p.await("no sockets but the listener", func(t table) bool { return len(t) == 1 })
	return []want{{code: "CW110", severity: "warning", count: 12, pids: []int{g.pid}, ends: "never"}}
}
