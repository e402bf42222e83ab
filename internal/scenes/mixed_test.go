package scenes

import (
	"io"
	"testing"
	"time"
)

// TestMixed: several causes on one host, and programs that are well beside them.
func TestMixed(t *testing.T) {
	play(t, map[string]scene{
		"four causes": fourCauses,
		"probes":      probes,
	})
}

func fourCauses(p *place) []want {
	blocked := gunicornSync(p)
	p.file("index.html", "hello\n")
	p.nginx("keepalive_timeout 1s; server { listen 127.0.0.1:8081; root " + p.dir + "; }")
	leak := p.start("leak.js", "-", "127.0.0.1", "7001")
	relay := p.haproxy(haproxyTCP + "listen a\n\tbind 127.0.0.1:7002\n\tserver s 127.0.0.1:7001\n")
	p.redis(6379)
	p.start("serve.py", "late_answer", "127.0.0.1", "7003")
	p.listening(8081, 7001, 7002, 7003, 6379)
	p.leave(14, "127.0.0.1:7001", request)
	p.leave(3, "127.0.0.1:7002", request)
	p.halfClose("127.0.0.1:7003")
	for range 4 {
		p.ask("127.0.0.1:6379", "PING\r\n")
	}
	p.stuck(7001, 17, 0)
	p.stuck(7002, 3, 0)
	p.stuck(7003, 1, 0)
	return append(
		blocked,
		want{code: "CW101", count: 17, pids: []int{leak.pid}, role: "server", local: "127.0.0.1:7001", ends: "never"},
		want{code: "CW108", count: 3, pids: []int{relay.pid}, role: "relay", root: "CW101"},
	)
}

// probes: somebody connects five times a second and says nothing, and the program keeps every connection.
func probes(p *place) []want {
	g := p.start("serve.py", "leak_read", "127.0.0.1", "7000")
	p.listening(7000)
	p.goesOn(200*time.Millisecond, func() { p.leave(1, "127.0.0.1:7000", "") })
	return []want{
		{code: "CW101", atLeast: 12, pids: []int{g.pid}, role: "server", ends: "never"},
		{code: "CW114", severity: "info", atLeast: 5, feeds: "CW101"},
	}
}

// TestHealthy_halfCloseRelayed: the same as halfCloseWaiting, through a relay that passes on the end of what the client sends.
func TestHealthy_halfCloseRelayed(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("serve.py", "late_answer", "127.0.0.1", "9000")
	p.haproxy(haproxyTCP + "listen a\n\tbind 127.0.0.1:8000\n\tserver s 127.0.0.1:9000\n")
	p.listening(8000, 9000)
	for range 3 {
		p.halfClose("127.0.0.1:8000")
	}
	p.stuck(9000, 3, 0)
	p.stuck(8000, 3, 0)
	stays(t, p)
}

// TestHealthy_pool: clients whose kept connections are closed under them, and who replace them when they ask again.
func TestHealthy_pool(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.forgetful()
	p.start("pool.py", "reused")
	p.start("pool.py", "reused")
	p.await("a connection that was closed", func(t table) bool { return len(t.to(8000, closeWait)) > 0 })
	stays(t, p)
}

// TestHealthy_slowReader: a client takes what nginx sends slowly, but it takes it.
func TestHealthy_slowReader(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.truncated("much", 50_000_000)
	p.nginx("server { listen 127.0.0.1:8000; root " + p.dir + "; }")
	p.listening(8000)
	c := p.ask("127.0.0.1:8000", "GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
	p.await("a closed window", func(t table) bool {
		return len(t.at(8000, established).where(func(r row) bool { return r.timer == 4 })) == 1
	})
	p.goesOn(200*time.Millisecond, func() { _, _ = io.CopyN(io.Discard, c, 400_000) })
	stays(t, p)
}
