package scenes

import (
	"net"
	"testing"
)

// TestLoop: the thread that runs an event loop is held up. Connections it has accepted and connections it would accept wait for it.
func TestLoop(t *testing.T) {
	play(t, map[string]scene{
		"node busy": func(p *place) []want {
			g := p.start("loop.js", "busy", "127.0.0.1", "7000")
			return heldUp(p, g, "stop", func() { awaitTask(t, g.pid, g.pid, "R", "") }, culprit{what: "busy_cpu"})
		},
		"node waits for a child": func(p *place) []want { // in a second epoll set
			g := p.start("loop.js", "child", "127.0.0.1", "7000")
			return heldUp(p, g, "stop", func() { g.children(1) }, culprit{what: "sleeping|blocked_in_read"})
		},
		"asyncio sleeps": func(p *place) []want {
			g := p.start("loop.py", "sleeps", "127.0.0.1", "7000")
			return heldUp(p, g, "stop", func() { awaitTask(t, g.pid, g.pid, "S", "hrtimer_nanosleep") }, culprit{what: "sleeping"})
		},
		"asyncio asks": func(p *place) []want {
			p.start("serve.py", "leak_read", "127.0.0.1", "9000")
			p.listening(9000)
			g := p.start("loop.py", "asks", "127.0.0.1", "7000")
			return heldUp(p, g, "stop", func() { awaitTask(t, g.pid, g.pid, "S", "wait_woken") }, culprit{what: "blocked_in_read", peer: "127.0.0.1:9000"})
		},
		"redis": func(p *place) []want {
			g := p.redis(7000)
			return heldUp(p, g, "DEBUG SLEEP 600\r\n", func() { awaitTask(t, g.pid, g.pid, "S", "hrtimer_nanosleep") }, culprit{what: "sleeping"})
		},
	})
}

// heldUp: three connections are accepted, a fourth holds up the loop, three more come; then all leave.
func heldUp(p *place, g *program, word string, standing func(), by culprit) []want {
	p.t.Helper()
	p.listening(7000)
	var kept []net.Conn
	for range 4 {
		kept = append(kept, p.dial("127.0.0.1:7000"))
	}
	p.await("four are accepted", func(t table) bool { return len(t.at(7000, established).owned()) == 4 })
	if _, err := kept[0].Write([]byte(word)); err != nil {
		p.t.Fatal(err)
	}
	standing()
	for _, c := range kept {
		c.Close()
	}
	p.leave(3, "127.0.0.1:7000", request)
	p.stuck(7000, 4, 3)
	by.pid, by.tid = g.pid, g.pid
	return []want{{code: "CW106", severity: "critical", count: 7, pids: []int{g.pid}, culprits: []culprit{by}, ends: "never|unknown"}}
}
