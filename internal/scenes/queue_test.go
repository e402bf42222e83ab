package scenes

import (
	"testing"
)

// TestQueue: connections wait in a listener's queue, and nobody accepts them.
func TestQueue(t *testing.T) {
	never := func(p *place, g *program, n int) want {
		p.listening(7000)
		p.leave(n, "127.0.0.1:7000", "abc")
		p.stuck(7000, 0, n)
		return want{
			code: "CW104", severity: "warning", count: n, role: "listener", local: "127.0.0.1:7000", victims: new(n), ends: "never",
			culprits: []culprit{{what: "not_accepting", pid: g.pid, listener: "127.0.0.1:7000"}},
		}
	}
	play(t, map[string]scene{
		"holder": func(p *place) []want {
			return []want{never(p, p.start("serve.py", "never_accepts", "127.0.0.1", "7000", "4"), 3)}
		},
		"full": func(p *place) []want {
			w := never(p, p.start("serve.py", "never_accepts", "127.0.0.1", "7000", "2"), 3)
			w.severity = "critical"
			return []want{w}
		},
		"go": func(p *place) []want { // its runtime has the listener in an epoll set and waits for that
			return []want{never(p, p.start("go:never_accepts", "127.0.0.1", "7000"), 3)}
		},
		"forgets": func(p *place) []want { // its only thread begins anew all the time, and comes to nobody
			g := p.start("late.py", "forgets", "2", "127.0.0.1", "7000")
			p.listening(7000)
			p.leave(4, "127.0.0.1:7000", "abc")
			p.stuck(7000, 1, 3)
			return []want{
				{code: "CW104", severity: "warning", count: 3, ends: "never", culprits: []culprit{{what: "not_accepting", pid: g.pid, listener: "127.0.0.1:7000"}}},
				{code: "CW107", severity: "warning", count: 1, ends: "never"},
			}
		},
		"descriptors":                  func(p *place) []want { return descriptorsRunOut(p, "leak_limit") },
		"descriptors, without a pause": func(p *place) []want { return descriptorsRunOut(p, "leak_limit_spins") },
	})
}

// descriptorsRunOut: a leak uses up the descriptors, so accept fails, so the queue grows.
func descriptorsRunOut(p *place, how string) []want {
	g := p.start("serve.py", how, "127.0.0.1", "7000")
	p.listening(7000)
	p.leave(45, "127.0.0.1:7000", "abc")
	var owned int
	p.await("45 that are closed, most accepted, and none for a while", func(t table) bool {
		before := owned
		owned = len(t.at(7000, closeWait).owned())
		return owned > 30 && owned == before && owned+len(t.at(7000, closeWait).queued()) == 45
	})
	return []want{
		{code: "CW101", severity: "critical", count: owned, pids: []int{g.pid}, role: "server", ends: "never"},
		{code: "CW104", count: 45 - owned, root: "CW101", victims: new(45 - owned), culprits: []culprit{{what: "fd_limit", pid: g.pid}}, ends: "never"},
		{code: "CW401", root: "CW101", optional: true}, // the finding of the leak has the limit too
	}
}
