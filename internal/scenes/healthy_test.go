package scenes

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestHealthy_halfCloseStreaming: the client has shut down its side and takes what the server sends, byte by byte.
func TestHealthy_halfCloseStreaming(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("serve.py", "drips", "127.0.0.1", "7000")
	p.listening(7000)
	p.halfClose("127.0.0.1:7000")
	p.stuck(7000, 1, 0)
	stays(t, p)
}

// TestHealthy_halfCloseWaiting: several clients have shut down their side and wait for the answer.
func TestHealthy_halfCloseWaiting(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("serve.py", "late_answer", "::1", "7000")
	p.listening(7000)
	for range 12 {
		p.halfClose("[::1]:7000")
	}
	p.stuck(7000, 12, 0)
	stays(t, p)
}

// TestHealthy_halfCloseSocat: the same with a program people use for that.
func TestHealthy_halfCloseSocat(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("serve.py", "late_answer", "127.0.0.1", "7000")
	p.listening(7000)
	for range 3 {
		p.start("socat", "-t", "600", "EXEC:echo question", "TCP:127.0.0.1:7000,shut-down")
	}
	p.stuck(7000, 3, 0)
	stays(t, p)
}

// halfClose asks, shuts down its sending side and reads what comes.
func (p *place) halfClose(address string) {
	p.t.Helper()
	c := p.ask(address, request)
	if err := c.CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, c) }()
}

// TestHealthy_burst: hundreds of connections a second, each closed 50 ms after its end.
func TestHealthy_burst(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("serve.py", "healthy", "127.0.0.1", "7000")
	p.listening(7000)
	p.goesOn(50*time.Millisecond, func() { p.leave(15, "127.0.0.1:7000", request) })
	stays(t, p)
}

// TestHealthy_slow: one thread serves one client after the other, and many wait. It is slow, and it gets on.
func TestHealthy_slow(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("serve.py", "slow", "127.0.0.1", "7000", "200")
	p.listening(7000)
	p.leave(120, "127.0.0.1:7000", request)
	p.goesOn(100*time.Millisecond, func() { p.leave(1, "127.0.0.1:7000", request) })
	stays(t, p)
}

// TestHealthy_late: each takes longer for an answer than clients wait, and works off what they have left behind.
func TestHealthy_late(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		what    string
		seconds string
	}{{"one_thread", "2.5"}, {"one_thread", "0.7"}, {"pool", "3"}, {"loop", "0.7"}} {
		t.Run(c.what+" "+c.seconds, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			port := uint16(7000 + i)
			address := fmt.Sprintf("127.0.0.1:%d", port)
			p.start("late.py", c.what, c.seconds, "127.0.0.1", fmt.Sprint(port))
			p.listening(port)
			p.leave(40, address, request)
			p.goesOn(600*time.Millisecond, func() { p.leave(1, address, request) })
			staysForRoot(t, p)
		})
	}
}

// TestHealthy_servers: servers of many kinds with clients that keep their connections and use them.
func TestHealthy_servers(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.file("index.html", "hello\n")
	p.nginx("server { listen 127.0.0.1:8001; root " + p.dir + "; }")
	p.haproxy("defaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 60s\n\ttimeout server 60s\nlisten a\n\tbind 127.0.0.1:8002\n\tserver s 127.0.0.1:8001\n")
	p.apache(8003, 5, "")
	p.lighttpd(8004)
	p.gunicorn(8005, "-k", "gthread", "--threads", "4")
	p.puma(8006, 4)
	p.start("keep_alive.js", "127.0.0.1", "8007")
	p.start("go:web", "127.0.0.1", "8008")
	p.listening(8001, 8002, 8003, 8004, 8005, 8006, 8007, 8008)
	var kept []net.Conn
	for port := 8001; port <= 8008; port++ {
		for range 2 {
			kept = append(kept, p.dial(net.JoinHostPort("127.0.0.1", "800"+string(rune('0'+port-8000)))))
		}
	}
	p.goesOn(300*time.Millisecond, func() {
		for i, c := range kept {
			kept[i] = p.again(c)
		}
	})
	stays(t, p)
}

// again asks once more on a connection, or on a new one when the server has closed it.
func (p *place) again(c net.Conn) net.Conn {
	address := c.RemoteAddr().String()
	for {
		_, _ = c.Write([]byte(request))
		answer := make([]byte, 4096)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, err := c.Read(answer)
		if err == nil && strings.HasPrefix(string(answer[:n]), "HTTP/1.1 ") {
			return c
		}
		c.Close()
		c = p.dial(address)
	}
}

// TestHealthy_idle: databases with idle connections, a stream without events, and nothing else.
func TestHealthy_idle(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.redis(6379)
	p.postgres()
	p.start("keep_alive.js", "127.0.0.1", "8000")
	p.listening(6379, 5432, 8000)
	for range 5 {
		p.ask("127.0.0.1:6379", "PING\r\n")
		p.ask("127.0.0.1:8000", "GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
		p.start("psql", "-h", "127.0.0.1", "-U", "me", "postgres")
	}
	p.await("idle connections", func(t table) bool {
		return len(t.at(5432, established).owned()) == 5 && len(t.at(6379, established).owned()) == 5 && len(t.at(8000, established).owned()) == 5
	})
	stays(t, p)
}

// TestHealthy_empty: a host where nothing happens says so, in one screen without a finding.
func TestHealthy_empty(t *testing.T) {
	t.Parallel()
	p := open(t)
	stays(t, p)
	v, raw := root(t, []*place{p})
	if len(v.Findings) != 0 {
		t.Errorf("findings about nothing: %s", raw)
	}
}
