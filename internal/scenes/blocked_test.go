package scenes

import (
	"net"
	"testing"
)

// TestBlocked: all threads or processes that could serve are blocked, and connections wait for them: accepted ones, or in the listener's queue.
func TestBlocked(t *testing.T) {
	play(t, map[string]scene{
		"one thread sleeps":        oneThreadSleeps,
		"one thread asks":          oneThreadAsks,
		"pool asks itself":         poolAsksItself,
		"pool in a lock":           func(p *place) []want { return poolOfTwo(p, "locked", "blocked_in_lock") },
		"pool waits for one":       poolWaitsForOne,
		"pool sleeps":              func(p *place) []want { return poolOfTwo(p, "pool_sleeps", "sleeping") },
		"pool writes":              func(p *place) []want { return poolWrites(p, p.start("serve.py", "pool_writes", "127.0.0.1", "7000")) },
		"java pool writes":         func(p *place) []want { return poolWrites(p, p.start("Pool.java", "127.0.0.1", "7000")) },
		"java pool deadlocked":     javaDeadlock,
		"java thread reads":        javaThreadReads,
		"gunicorn sync":            gunicornSync,
		"gunicorn threads":         gunicornThreads,
		"uwsgi":                    uwsgiSleeps,
		"php-fpm behind nginx":     phpBehindNginx,
		"php web server":           phpSleeps,
		"apache waits for another": apacheAsks,
		"puma asks":                pumaAsks,
		"pool is handed requests":  handedRequests,
		"chain":                    chain,
	})
}

// oneThreadSleeps: one client is being served, three wait to be accepted, and all have left.
func oneThreadSleeps(p *place) []want {
	g := p.start("serve.py", "sleeps", "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 1, 1, 3)
	return []want{{
		code: "CW105", severity: "critical", count: 4, pids: []int{g.pid}, ends: "never",
		culprits: []culprit{{what: "sleeping", pid: g.pid, tid: g.pid}},
	}}
}

// oneThreadAsks: the same, but the thread waits for an answer.
func oneThreadAsks(p *place) []want {
	p.start("serve.py", "leak_read", "127.0.0.1", "7001")
	p.listening(7001)
	g := p.start("serve.py", "asks", "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 1, 1, 3)
	fd := g.said("handles")[1]
	return []want{{
		code: "CW105", severity: "critical", count: 4, pids: []int{g.pid}, ends: "never",
		culprits: []culprit{{what: "blocked_in_read", pid: g.pid, tid: g.pid, fd: fd, peer: "127.0.0.1:7001"}},
	}}
}

// twoHandle waits until both threads of a pool are at work and returns them as culprits.
func twoHandle(g *program, what, peer string) (both []culprit) {
	for range 2 {
		said := g.said("handles")
		both = append(both, culprit{what: what, pid: g.pid, tid: tid(g.t, g.pid, said[0]), peer: peer})
		if peer != "" {
			both[len(both)-1].fd = said[1]
		}
	}
	return both
}

// poolOfTwo: two threads serve two of five clients, the program has accepted the others as well, and all have left.
func poolOfTwo(p *place, how, what string) []want {
	g := p.start("serve.py", how, "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 2, 5, 0)
	return []want{{code: "CW105", severity: "critical", count: 5, pids: []int{g.pid}, role: "server", ends: "never", culprits: twoHandle(g, what, "")}}
}

// poolWaitsForOne: one of the two threads has the lock and does not come to an end.
func poolWaitsForOne(p *place) []want {
	g := p.start("serve.py", "takes_turns", "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 2, 5, 0)
	by := culprit{what: "sleeping", pid: g.pid, tid: tid(p.t, g.pid, g.said("handles")[0])}
	return []want{{code: "CW105", severity: "critical", count: 5, pids: []int{g.pid}, role: "server", ends: "never", culprits: []culprit{by}}}
}

// poolAsksItself: both threads wait for answers of their own program, which they would have to give.
func poolAsksItself(p *place) []want {
	g := p.start("serve.py", "asks_itself", "127.0.0.1", "7000")
	p.listening(7000)
	clients := []net.Conn{p.ask("127.0.0.1:7000", request), p.ask("127.0.0.1:7000", request)}
	both := twoHandle(g, "blocked_in_read", "127.0.0.1:7000")
	for _, c := range clients {
		c.Close()
	}
	p.leave(3, "127.0.0.1:7000", request)
	p.stuck(7000, 5, 0)
	return []want{{code: "CW105", severity: "critical", atLeast: 5, pids: []int{g.pid}, role: "server", culprits: both}}
}

// poolWrites: two clients have asked for much, shut down their side and read nothing; five others wait for the two threads that write to them, and have left.
func poolWrites(p *place, g *program) []want {
	p.listening(7000)
	var culprits []culprit
	for range 2 {
		c := p.ask("127.0.0.1:7000", "GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
		if err := c.CloseWrite(); err != nil {
			p.t.Fatal(err)
		}
		culprits = append(culprits, culprit{what: "blocked_in_write", pid: g.pid, peer: c.LocalAddr().String()})
	}
	full := p.await("two full send queues", func(t table) bool {
		return len(t.at(7000, closeWait).where(func(r row) bool { return r.sendQ > 0 && r.timer == 4 })) == 2
	}).at(7000, closeWait)
	for i := range culprits {
		for _, r := range full {
			if r.peer.String() == culprits[i].peer {
				culprits[i].fd = p.fd(g.pid, r)
			}
		}
	}
	p.leave(5, "127.0.0.1:7000", request)
	p.stuck(7000, 7, 0)
	return []want{{code: "CW105", severity: "critical", count: 7, pids: []int{g.pid}, role: "server", victims: new(5), culprits: culprits}}
}

// javaDeadlock: the two threads of a pool wait for each other. They look after their monitors at intervals, as the virtual machine's own threads look after other things.
func javaDeadlock(p *place) []want {
	g := p.start("Pool.java", "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", "GET /cross HTTP/1.1\r\nHost: a\r\n\r\n", 2, 5, 0)
	var both []culprit
	for _, name := range []string{"pool-1-thread-1", "pool-1-thread-2"} {
		both = append(both, culprit{what: "blocked_in_lock", pid: g.pid, tid: named(g.t, g.pid, name)})
	}
	return []want{{code: "CW105", severity: "critical", count: 5, pids: []int{g.pid}, role: "server", ends: "never", culprits: both}}
}

// javaThreadReads: a client that says nothing keeps the only thread; it is alive and well, and those behind it have left.
func javaThreadReads(p *place) []want {
	g := p.start("Single.java", "127.0.0.1", "7000")
	p.listening(7000)
	silent := p.ask("127.0.0.1:7000", "a")
	served := p.await("one is served", func(t table) bool {
		return len(t.at(7000, established).owned().where(func(r row) bool { return r.recvQ == 0 })) == 1
	})
	p.leave(3, "127.0.0.1:7000", request)
	p.stuck(7000, 0, 3)
	return []want{{
		code: "CW105", severity: "critical", count: 3, pids: []int{g.pid}, victims: new(3), ends: "never",
		culprits: []culprit{{what: "blocked_in_read", pid: g.pid, fd: p.fd(g.pid, served.at(7000, established).owned()[0]), peer: silent.LocalAddr().String()}},
	}}
}

// gunicornSync: one worker sleeps in its handler. The master has the listener too, and does nothing wrong.
func gunicornSync(p *place) []want {
	g := p.gunicorn(8000, "-w", "1", "--backlog", "8")
	p.listening(8000)
	worker := g.children(1)[0]
	p.impatient("127.0.0.1:8000", "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n", 1, 1, 3)
	return []want{{
		code: "CW105", severity: "critical", count: 4, pids: []int{worker}, ends: "never",
		culprits: []culprit{{what: "sleeping", pid: worker, tid: worker}},
	}}
}

// gunicornThreads: both threads of the worker wait for a back-end, and its main thread goes on accepting.
func gunicornThreads(p *place) []want {
	p.start("serve.py", "leak_unread", "127.0.0.1", "9000")
	g := p.gunicorn(8000, "-k", "gthread", "-w", "1", "--threads", "2")
	p.listening(8000, 9000)
	worker := g.children(1)[0]
	p.impatient("127.0.0.1:8000", "GET /ask HTTP/1.1\r\nHost: a\r\n\r\n", 2, 5, 0)
	var culprits []culprit
	for range 2 {
		said := g.said("handles")
		culprits = append(culprits, culprit{what: "blocked_in_read", pid: worker, tid: tid(p.t, worker, said[1]), fd: said[2], peer: "127.0.0.1:9000"})
	}
	return []want{{code: "CW105", severity: "critical", count: 5, pids: []int{worker}, role: "server", root: "|CW102", culprits: culprits}, silentBackEnd}
}

// silentBackEnd is a back-end on port 9000 that has not read the questions: it may be said to be the cause.
var silentBackEnd = want{code: "CW102", local: "127.0.0.1:9000", optional: true}

// uwsgiSleeps: two processes sleep; the first of them is the master of the other.
func uwsgiSleeps(p *place) []want {
	p.start("uwsgi-core", "--plugin", "python3", "--http-socket", "127.0.0.1:8000", "--processes", "2", "--chdir", testdata(p), "--module", "app", "--die-on-term")
	p.listening(8000)
	pids := p.holders(p.impatient("127.0.0.1:8000", "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n", 2, 2, 3))
	var culprits []culprit
	for _, pid := range pids {
		culprits = append(culprits, culprit{what: "sleeping", pid: pid})
	}
	return []want{{code: "CW105", severity: "critical", count: 5, pids: pids, ends: "never", culprits: culprits}}
}

// phpBehindNginx: the processes of PHP-FPM sleep. nginx has closed its connections to them when the clients left.
func phpBehindNginx(p *place) []want {
	fpm := p.phpFPM(9000, 2)
	p.listening(9000)
	p.nginx("server { listen 127.0.0.1:8000; location / { fastcgi_pass 127.0.0.1:9000; fastcgi_param REQUEST_METHOD GET; fastcgi_param SCRIPT_FILENAME " +
		testdata(p) + "/sleep.php; } }")
	p.listening(8000)
	workers := fpm.children(2)
	var clients []net.Conn
	for range 5 {
		clients = append(clients, p.ask("127.0.0.1:8000", request))
	}
	p.await("five are passed on, two are accepted", func(t table) bool {
		return len(t.at(9000, established)) == 5 && len(t.at(9000, established).owned()) == 2
	})
	for _, c := range clients {
		c.Close()
	}
	p.stuck(9000, 2, 3)
	return []want{{
		code: "CW105", severity: "critical", count: 5, pids: workers, ends: "never",
		culprits: []culprit{{what: "sleeping", pid: workers[0]}, {what: "sleeping", pid: workers[1]}},
	}}
}

// phpSleeps: the web server of PHP's command line is one thread, which waits for connections by poll. What it waits for does not show while it does not.
func phpSleeps(p *place) []want {
	g := p.start("php", "-S", "127.0.0.1:8000", testdata(p)+"/sleep.php")
	p.listening(8000)
	client := p.ask("127.0.0.1:8000", request)
	awaitTask(p.t, g.pid, g.pid, "S", "hrtimer_nanosleep")
	client.Close()
	p.leave(3, "127.0.0.1:8000", request)
	p.stuck(8000, 1, 3)
	return []want{{
		code: "CW105|CW106", severity: "critical", count: 4, pids: []int{g.pid}, ends: "never",
		culprits: []culprit{{what: "sleeping", pid: g.pid, tid: g.pid}},
	}}
}

// apacheAsks: both processes wait, with a time limit, for the answer of a back-end.
func apacheAsks(p *place) []want {
	p.start("serve.py", "leak_unread", "127.0.0.1", "9000")
	g := p.apache(8000, 2, apacheProxy)
	p.listening(8000, 9000)
	workers := g.children(2)
	p.impatient("127.0.0.1:8000", request, 2, 2, 3)
	p.await("two wait", func(t table) bool { return len(t.to(9000, established)) == 2 })
	var culprits []culprit
	for _, pid := range workers {
		culprits = append(culprits, culprit{what: "blocked_in_read", pid: pid, peer: "127.0.0.1:9000"})
	}
	return []want{{code: "CW105", severity: "critical", count: 5, pids: workers, root: "|CW102", culprits: culprits}, silentBackEnd}
}

// pumaAsks: both threads wait for a back-end. How many of the others puma has accepted is its own affair.
func pumaAsks(p *place) []want {
	p.start("serve.py", "leak_unread", "127.0.0.1", "9000")
	g := p.puma(8000, 2)
	p.listening(8000, 9000)
	var clients []net.Conn
	for range 5 {
		clients = append(clients, p.ask("127.0.0.1:8000", "GET /ask HTTP/1.1\r\nHost: a\r\n\r\n"))
	}
	p.await("two ask", func(t table) bool { return len(t.to(9000, established)) == 2 })
	for _, c := range clients {
		c.Close()
	}
	p.await("five clients are gone", func(t table) bool { return len(t.at(8000, closeWait)) == 5 })
	asking := culprit{what: "blocked_in_read", pid: g.pid, peer: "127.0.0.1:9000"}
	return []want{{code: "CW105", severity: "critical", count: 5, pids: []int{g.pid}, root: "|CW102", culprits: []culprit{asking, asking}}, silentBackEnd}
}

// handedRequests: what waits for the two threads has been read already.
func handedRequests(p *place) []want {
	g := p.start("reads_first.py", "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 5, 5, 0)
	return []want{{code: "CW105", severity: "critical", count: 5, pids: []int{g.pid}, role: "server", ends: "never", culprits: twoHandle(g, "sleeping", "")}}
}

// chain: the thread of one server waits for another, whose thread sleeps in the service of a third client.
func chain(p *place) []want {
	back := p.start("serve.py", "sleeps", "127.0.0.1", "7001")
	p.listening(7001)
	p.impatient("127.0.0.1:7001", request, 1, 1, 1)
	front := p.start("serve.py", "asks", "127.0.0.1", "7000")
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 1, 1, 3)
	return []want{
		{
			code: "CW105", severity: "critical", count: 4, pids: []int{front.pid}, root: "CW105",
			culprits: []culprit{{what: "blocked_in_read", pid: front.pid, fd: front.said("handles")[1], peer: "127.0.0.1:7001"}},
		},
		{code: "CW105", severity: "critical", count: 3, pids: []int{back.pid}, culprits: []culprit{{what: "sleeping", pid: back.pid}}},
	}
}
