package scenes

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStopped: processes that do not run at all.
func TestStopped(t *testing.T) {
	stopped := func(p *place, pid int, port uint16, address string) []want {
		var kept []net.Conn
		for range 3 {
			kept = append(kept, p.dial(address))
		}
		p.await("three are accepted", func(t table) bool { return len(t.at(port, established).owned()) == 3 })
		if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
			p.t.Fatal(err)
		}
		awaitTask(p.t, pid, pid, "T", "")
		for _, c := range kept {
			c.Close()
		}
		p.leave(3, address, request)
		p.stuck(port, 3, 3)
		return []want{{code: "CW111", severity: "critical", count: 6, pids: []int{pid}, culprits: []culprit{{what: "stopped", pid: pid}}, ends: "never|unknown"}}
	}
	play(t, map[string]scene{
		"nginx": func(p *place) []want { // the master runs
			g := p.nginx("server { listen 127.0.0.1:8000; root " + p.dir + "; }")
			p.listening(8000)
			return stopped(p, g.children(1)[0], 8000, "127.0.0.1:8000")
		},
		"redis": func(p *place) []want {
			g := p.redis(6379)
			p.listening(6379)
			return stopped(p, g.pid, 6379, "127.0.0.1:6379")
		},
	})
}
