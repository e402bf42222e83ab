package scenes

import (
	"os"
	"testing"
)

// TestHeld: the socket is where nobody looks for it.
func TestHeld(t *testing.T) {
	play(t, map[string]scene{
		"dead": deadDescriptors,
	})
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
