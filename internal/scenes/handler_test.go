package scenes

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHandler: something still works for clients that have left, and nobody waits behind it.
func TestHandler(t *testing.T) {
	play(t, map[string]scene{
		"threads": func(p *place) []want {
			g := p.start("serve.py", "threads_sleep", "127.0.0.1", "7000")
			p.listening(7000)
			p.impatient("127.0.0.1:7000", request, 3, 3, 0)
			var culprits []culprit
			for range 3 {
				culprits = append(culprits, culprit{what: "sleeping", pid: g.pid, tid: tid(p.t, g.pid, g.said("handles")[0])})
			}
			return []want{handler(3, g.pid, culprits...)}
		},
		"scripts of a loop": func(p *place) []want {
			g := p.start("scripts.py", "serve", "127.0.0.1", "7000")
			p.listening(7000)
			p.impatient("127.0.0.1:7000", request, 3, 3, 0)
			var culprits []culprit
			for _, script := range g.children(3) {
				awaitTask(p.t, script, script, "S", "")
				culprits = append(culprits, culprit{what: "sleeping", pid: script})
			}
			return []want{handler(3, g.pid, culprits...)}
		},
		"gone before they were read": func(p *place) []want { // one call reads the request and the end
			g := p.start("serve.py", "threads_sleep", "127.0.0.1", "7000")
			p.listening(7000)
			g.signal(unix.SIGSTOP)
			awaitTask(p.t, g.pid, g.pid, "T", "")
			for range 3 {
				c := p.dial("127.0.0.1:7000")
				cork(p, c) // the request and the FIN are one segment
				if _, err := c.Write([]byte(request)); err != nil {
					p.t.Fatal(err)
				}
				c.Close()
			}
			p.stuck(7000, 0, 3)
			g.signal(unix.SIGCONT)
			for range 3 {
				g.said("handles")
			}
			p.stuck(7000, 3, 0)
			return []want{handler(3, g.pid)}
		},
		"gunicorn": func(p *place) []want {
			g := p.gunicorn(8000, "-k", "gthread", "-w", "1", "--threads", "4")
			p.listening(8000)
			worker := g.children(1)[0]
			p.impatient("127.0.0.1:8000", "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n", 1, 1, 0)
			return []want{handler(1, worker, culprit{what: "sleeping", pid: worker, tid: tid(p.t, worker, g.said("handles")[1])})}
		},
		"apache": func(p *place) []want {
			p.start("serve.py", "leak_unread", "127.0.0.1", "9000")
			p.apache(8000, 4, apacheProxy)
			p.listening(8000, 9000)
			worker := p.holders(p.impatient("127.0.0.1:8000", request, 1, 1, 0))[0]
			w := handler(1, worker, culprit{what: "blocked_in_read", pid: worker, peer: "127.0.0.1:9000"})
			w.root = "|CW102"
			return []want{w, silentBackEnd}
		},
		"postgres": func(p *place) []want {
			p.postgres()
			p.listening(5432)
			client := p.start("psql", "-h", "127.0.0.1", "-U", "me", "-c", "do $$ begin loop end loop; end $$", "postgres")
			p.await("a connection", func(t table) bool { return len(t.at(5432, established).owned()) == 1 })
			server := p.holders(p.table().at(5432, established))[0]
			awaitTask(p.t, server, server, "R", "")
			client.signal(unix.SIGKILL)
			p.stuck(5432, 1, 0)
			return []want{handler(1, server, culprit{what: "busy_cpu", pid: server, tid: server})}
		},
	})
}

// cork keeps what is written until the connection is closed.
func cork(p *place, c *net.TCPConn) {
	p.t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1) }), err)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func handler(n, pid int, culprits ...culprit) want {
	return want{code: "CW107", severity: "warning", count: n, pids: []int{pid}, role: "server", culprits: culprits}
}
