package scenes

import (
	"testing"
	"time"
)

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// TestLeak: the peers closed, and the program reads to the end and does not close.
func TestLeak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ program, listen, dial, ends string }{
		"python":  {"serve.py", "127.0.0.1", "127.0.0.1:7000", "never"},
		"python6": {"serve.py", "::1", "[::1]:7000", "never"},
		"node":    {"leak.js", "127.0.0.1", "127.0.0.1:7000", "never"},
		"ruby":    {"leak.rb", "::1", "[::1]:7000", "never"},
		"php":     {"leak.php", "127.0.0.1", "127.0.0.1:7000", "never"},
		"perl":    {"leak.pl", "127.0.0.1", "127.0.0.1:7000", "never"},
		"java":    {"Leak.java", "::", "127.0.0.1:7000", "never"},        // IPv4-mapped addresses
		"go":      {"go:leak", "127.0.0.1", "127.0.0.1:7000", "unknown"}, // it switches keepalive on, and the peers, who answer for a minute more, will have forgotten
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			server := p.start(c.program, "leak_read", c.listen, "7000")
			p.listening(7000)
			p.leave(20, c.dial, request)
			p.stuck(7000, 20, 0)
			judge(t, []*place{p}, want{
				code: "CW101", severity: "warning", count: 20, pids: []int{server.pid}, role: "server", local: c.dial, victims: new(0), ends: c.ends,
			})
		})
	}
}

// TestLeak_unread: the program keeps what it accepts without ever looking, and more comes all the time.
func TestLeak_unread(t *testing.T) {
	t.Parallel()
	p := open(t)
	server := p.start("serve.py", "leak_unread", "127.0.0.1", "7000")
	p.listening(7000)
	p.leave(15, "127.0.0.1:7000", request)
	p.goesOn(400*time.Millisecond, func() { p.leave(1, "127.0.0.1:7000", request) })
	judge(t, []*place{p}, want{
		code: "CW101", severity: "warning", atLeast: 15, pids: []int{server.pid}, role: "server", local: "127.0.0.1:7000", victims: new(0), ends: "never",
	})
}

// TestLeak_ownPeer: the program is its own peer, so nobody waits for anything.
func TestLeak_ownPeer(t *testing.T) {
	t.Parallel()
	p := open(t)
	both := p.start("half_open.js", "127.0.0.1", "7000", "12")
	p.stuck(7000, 12, 0)
	judge(t, []*place{p}, want{code: "CW101", count: 12, pids: []int{both.pid}, role: "server", local: "127.0.0.1:7000", ends: "never"})
}

// TestLeak_sameAddresses: two namespaces with the same addresses, each with its own leak.
func TestLeak_sameAddresses(t *testing.T) {
	t.Parallel()
	var places []*place
	var wanted []want
	for n := 12; n < 14; n++ {
		p := open(t)
		server := p.start("serve.py", "leak_read", "127.0.0.1", "7000")
		p.listening(7000)
		p.leave(n, "127.0.0.1:7000", request)
		p.stuck(7000, n, 0)
		places = append(places, p)
		wanted = append(wanted, want{code: "CW101", count: n, pids: []int{server.pid}, local: "127.0.0.1:7000", ends: "never"})
	}
	judge(t, places, wanted...)
}
