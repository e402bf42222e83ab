package scenes

import (
	"os"
	"testing"
)

// TestPeer: a client has asked for much and reads nothing; nobody else is kept waiting.
func TestPeer(t *testing.T) {
	play(t, map[string]scene{
		"nginx": func(p *place) []want {
			p.truncated("much", 50_000_000)
			g := p.nginx("server { listen 127.0.0.1:8000; root " + p.dir + "; }")
			p.listening(8000)
			return notReading(p, g.children(1)[0])
		},
		"python": func(p *place) []want { // the thread that writes is blocked, but it is there for that client alone
			g := p.start("serve.py", "flood", "127.0.0.1", "8000")
			p.listening(8000)
			return notReading(p, g.pid)
		},
	})
}

func notReading(p *place, pid int) []want {
	p.t.Helper()
	c := p.ask("127.0.0.1:8000", "GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
	p.await("a closed window", func(t table) bool {
		return len(t.at(8000, established).where(func(r row) bool { return r.timer == 4 })) == 1
	})
	return []want{{code: "CW202", severity: "warning|info", count: 1, pids: []int{pid}, culprits: []culprit{{what: "peer", peer: c.LocalAddr().String()}}, ends: "never"}}
}

// truncated makes a file that is a hole.
func (p *place) truncated(name string, bytes int64) {
	p.t.Helper()
	if err := os.Truncate(p.file(name, ""), bytes); err != nil {
		p.t.Fatal(err)
	}
}
