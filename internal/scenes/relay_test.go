package scenes

import (
	"cmp"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const haproxyTCP = `
defaults
	mode tcp
	timeout connect 5s
	timeout client 1h
	timeout server 1h
`

// TestRelay: clients have left, and a program between them and the server waits for the server, which reads to the end and does not close.
func TestRelay(t *testing.T) {
	play(t, map[string]scene{
		"haproxy": func(p *place) []want {
			g := p.haproxy(haproxyTCP + "listen a\n\tbind 127.0.0.1:8000\n\tserver s 127.0.0.1:9000\n")
			return relayed(p, 3, func() []int { return []int{g.pid} })
		},
		"go": func(p *place) []want {
			g := p.start("go:relay", "127.0.0.1:8000", "127.0.0.1:9000")
			return relayed(p, 3, func() []int { return []int{g.pid} })
		},
		"socat": func(p *place) []want { // nobody listens any more once it has its connection
			g := p.start("socat", "-t", "600", "TCP-LISTEN:8000,bind=127.0.0.1", "TCP:127.0.0.1:9000")
			return relayed(p, 1, func() []int { return []int{g.pid} })
		},
		"socat forks": func(p *place) []want { // a process for each connection
			g := p.start("socat", "-t", "600", "TCP-LISTEN:8000,bind=127.0.0.1,fork", "TCP:127.0.0.1:9000")
			return relayed(p, 1, func() []int { return g.children(1) })
		},
		"nginx does not look": func(p *place) []want { // at clients, while it waits for the answer to their request
			p.start("serve.py", "leak_unread", "127.0.0.1", "9000")
			p.listening(9000)
			p.nginx("server { listen 127.0.0.1:8000; location / { proxy_pass http://127.0.0.1:9000; proxy_ignore_client_abort on; } }")
			p.listening(8000)
			p.impatient("127.0.0.1:8000", request, 3, 3, 0)
			leg := culprit{what: "other_leg", peer: "127.0.0.1:9000"}
			return []want{{code: "CW108", severity: "warning", count: 3, role: "relay", pids: p.holders(p.table().at(8000, closeWait)), culprits: []culprit{leg, leg, leg}}}
		},
		"two relays":       twoRelays,
		"blocked back-end": relayToBlocked,
		"unix back-end": func(p *place) []want { // a thread for each request, which sleeps
			server, relay := relayToUnix(p, "threads_sleep")
			return []want{{code: "CW108", severity: "warning", count: 3, role: "relay", pids: []int{relay.pid}, culprits: []culprit{{what: "other_leg", pid: server.pid}}}}
		},
		"stopped unix back-end": func(p *place) []want { // which has accepted nothing
			server, relay := relayToUnix(p, "")
			return []want{
				{code: "CW111", severity: "critical", pids: []int{server.pid}, culprits: []culprit{{what: "stopped", pid: server.pid}}}, // which holds nothing of TCP
				{code: "CW108", count: 3, role: "relay", pids: []int{relay.pid}, root: "CW111", culprits: []culprit{{what: "other_leg", pid: server.pid}}},
			}
		},
	})
}

func relayed(p *place, n int, relays func() []int) []want {
	p.t.Helper()
	server := p.start("go:leak", "-", "127.0.0.1", "9000")
	p.listening(8000, 9000)
	p.leave(n, "127.0.0.1:8000", request)
	p.stuck(9000, n, 0)
	var legs []culprit
	pids := relays()
	for _, r := range p.await("open legs", func(t table) bool { return len(t.to(9000, finWait2)) == n && len(t.at(8000, closeWait)) == n }).to(9000, finWait2) {
		legs = append(legs, culprit{what: "other_leg", pid: pids[0], fd: p.fd(pids[0], r), peer: "127.0.0.1:9000"})
	}
	return []want{
		{code: "CW101", count: n, pids: []int{server.pid}, role: "server", local: "127.0.0.1:9000"},
		{code: "CW108", count: n, pids: pids, role: "relay", root: "CW101", culprits: legs},
	}
}

// twoRelays: one relay behind the other; the server is the cause of both.
func twoRelays(p *place) []want {
	server := p.start("serve.py", "leak_read", "127.0.0.1", "9000")
	second := p.start("go:relay", "127.0.0.1:8001", "127.0.0.1:9000")
	first := p.haproxy(haproxyTCP + "listen a\n\tbind 127.0.0.1:8000\n\tserver s 127.0.0.1:8001\n")
	p.listening(8000, 8001, 9000)
	p.leave(3, "127.0.0.1:8000", request)
	p.stuck(9000, 3, 0)
	p.stuck(8000, 3, 0)
	relay := func(g *program, to uint16) want {
		leg := culprit{what: "other_leg", pid: g.pid, peer: fmt.Sprintf("127.0.0.1:%d", to)}
		return want{code: "CW108", count: 3, pids: []int{g.pid}, role: "relay", root: "CW101", culprits: []culprit{leg, leg, leg}}
	}
	return []want{{code: "CW101", count: 3, pids: []int{server.pid}, local: "127.0.0.1:9000", ends: "never"}, relay(first, 8001), relay(second, 9000)}
}

// relayToBlocked: the server has one thread, which sleeps for the first client, and does not look at the others.
func relayToBlocked(p *place) []want {
	server := p.start("serve.py", "sleeps", "127.0.0.1", "9000")
	relay := p.haproxy(haproxyTCP + "listen a\n\tbind 127.0.0.1:8000\n\tserver s 127.0.0.1:9000\n")
	p.listening(8000, 9000)
	p.impatient("127.0.0.1:8000", request, 4, 4, 0)
	p.stuck(9000, 1, 3)
	return []want{
		{code: "CW105", severity: "critical", count: 4, pids: []int{server.pid}, culprits: []culprit{{what: "sleeping", pid: server.pid}}},
		{code: "CW108", count: 4, pids: []int{relay.pid}, role: "relay", root: "CW105"},
	}
}

// relayToUnix: clients of a proxy leave while the server that it asks over a unix socket does something, or is stopped.
func relayToUnix(p *place, does string) (server, relay *program) {
	p.t.Helper()
	at := filepath.Join(p.dir, "b.sock")
	server = p.start("serve.py", cmp.Or(does, "leak_read"), at, "0")
	relay = p.haproxy(strings.ReplaceAll(haproxyTCP, "mode tcp", "mode http") + "listen a\n\tbind 127.0.0.1:8000\n\tserver s unix@" + at + "\n")
	p.listening(8000)
	eventually(p.t, patience, 20*time.Millisecond, func() string {
		c, err := net.Dial("unix", at)
		if err != nil {
			return err.Error()
		}
		c.Close()
		return ""
	})
	if does == "" {
		server.signal(unix.SIGSTOP)
		awaitTask(p.t, server.pid, server.pid, "T", "")
	}
	p.impatient("127.0.0.1:8000", request, 3, 3, 0)
	return server, relay
}
