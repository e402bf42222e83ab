package scenes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestBeside: handlers wait for something that is no connection.
func TestBeside(t *testing.T) {
	play(t, map[string]scene{
		"four kinds":      fourKinds,
		"name server":     nameServer,
		"page fault":      func(p *place) []want { return stalled(p, "0", "S", "CW105", "blocked_in_read") },
		"uninterruptible": func(p *place) []want { return stalled(p, "1", "D", "CW111", "uninterruptible") },
		"threads of their own": func(p *place) []want {
			g := p.start("waits.py", "thread_each", "127.0.0.1", "7000")
			r := p.start("threads_sleep.rb", "127.0.0.1", "7001")
			p.listening(7000, 7001)
			time.Sleep(300 * time.Millisecond) // a thread that starts with its program may be one of a pool
			p.impatient("127.0.0.1:7000", request, 3, 3, 0)
			p.impatient("127.0.0.1:7001", request, 3, 3, 0)
			var culprits []culprit
			for range 3 {
				culprits = append(culprits, culprit{what: "blocked_in_lock", pid: g.pid, tid: tid(p.t, g.pid, g.said("handles")[0])})
			}
			return []want{handler(3, g.pid, culprits...), handler(3, r.pid)}
		},
	})
}

// fourKinds: four servers of one process each wait for the output of a child, for room in a pipe, for an answer on a unix socket, and for the lock of a file.
func fourKinds(p *place) (wanted []want) {
	for i, c := range []struct{ how, what string }{{"child", "blocked_in_read"}, {"full_pipe", "blocked_in_write"}, {"silent_neighbour", "blocked_in_read"}} {
		g := p.start("waits.py", c.how, "127.0.0.1", fmt.Sprint(7001+i))
		address := fmt.Sprintf("127.0.0.1:%d", 7001+i)
		p.listening(uint16(7001 + i))
		p.impatient(address, request, 1, 1, 3)
		wanted = append(wanted, want{code: "CW105", severity: "critical", count: 4, pids: []int{g.pid}, ends: "never", culprits: []culprit{{what: c.what, pid: g.pid, tid: g.pid}}})
	}
	g := p.start("waits.py", "file_lock", "127.0.0.1", "7004", p.file("lock", ""))
	p.listening(7004)
	workers := g.children(3)
	p.impatient("127.0.0.1:7004", request, 3, 3, 2)
	var culprits []culprit
	for _, pid := range workers {
		culprits = append(culprits, culprit{what: "blocked_in_lock", pid: pid, tid: pid})
	}
	return append(wanted, want{code: "CW105", severity: "critical", count: 5, pids: workers, ends: "never", culprits: culprits})
}

// nameServer: the only thread asks one that does not answer. It wakes time and again, and asks once more.
func nameServer(p *place) []want {
	conf := p.file("resolv.conf", "nameserver 127.0.0.1\noptions attempts:5\n")
	inside := fmt.Sprintf("mount --bind %s /etc/resolv.conf && exec %s -u %s name_server 127.0.0.1 7000", conf, p.path("python3"), filepath.Join(testdata(p), "waits.py"))
	g := p.exec(nil, []string{"unshare", "-m", "sh", "-c", inside})
	p.listening(7000)
	p.impatient("127.0.0.1:7000", request, 1, 1, 3)
	return []want{{code: "CW105", severity: "critical", count: 4, pids: []int{g.pid}, ends: "never", culprits: []culprit{{what: "blocked_in_read", pid: g.pid, tid: g.pid}}}}
}

// stalled: the only thread touches a page of a file whose file system does not answer.
func stalled(p *place, flags, state, code, what string) []want {
	dir := filepath.Join(p.dir, "stalled")
	if err := os.Mkdir(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	fs := p.exec(nil, []string{"unshare", "-m", p.path("python3"), "-u", filepath.Join(testdata(p), "stalled_fs.py"), dir, flags})
	fs.said("mounted")
	inside := []string{"nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", fs.pid), p.path("python3"), "-u", filepath.Join(testdata(p), "waits.py")}
	g := p.exec(nil, append(inside, "stalled_page", "127.0.0.1", "7000", filepath.Join(dir, "file")))
	p.listening(7000)
	p.leave(3, "127.0.0.1:7000", request)
	awaitTask(p.t, g.pid, g.pid, state, "")
	p.stuck(7000, 1, 2)
	return []want{{code: code, severity: "critical", count: 3, pids: []int{g.pid}, ends: "never", culprits: []culprit{{what: what, pid: g.pid}}}}
}

// TestSharedPort: several processes listen on one port, each with a queue of its own, and one of them does not get on.
func TestSharedPort(t *testing.T) {
	start := func(p *place, how string) (second int) {
		g := p.start("waits.py", "shared_port", "127.0.0.1", "7000", how)
		pids := g.children(4)
		p.await("four listeners", func(t table) bool { return len(t.at(7000, listen)) == 4 })
		for range 4 {
			g.said("listens")
		}
		return pids[1]
	}
	// some leaves, four at a time, until enough have met the one: the others are done with theirs when nothing moves any more.
	some := func(p *place, owned, queued int) (count int) {
		var before string
		eventually(p.t, patience, 300*time.Millisecond, func() string {
			here := p.table().at(7000, closeWait)
			still := fmt.Sprint(here) == before
			before, count = fmt.Sprint(here), len(here)
			switch {
			case !still || len(p.table().at(7000, established)) > 0:
				return "they are at work"
			case len(here.owned()) == owned && len(here.queued()) >= queued:
				return ""
			}
			p.leave(4, "127.0.0.1:7000", request)
			return "nobody has met it"
		})
		return count
	}
	play(t, map[string]scene{
		"one sleeps": func(p *place) []want {
			pid := start(p, "sleeps")
			n := some(p, 1, 2)
			return []want{{code: "CW105", severity: "critical", count: n, pids: []int{pid}, culprits: []culprit{{what: "sleeping", pid: pid}}}}
		},
		"one is stopped": func(p *place) []want {
			pid := start(p, "reads")
			if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
				p.t.Fatal(err)
			}
			awaitTask(p.t, pid, pid, "T", "")
			n := some(p, 0, 2)
			return []want{{code: "CW111", severity: "critical", count: n, pids: []int{pid}, culprits: []culprit{{what: "stopped", pid: pid}}}}
		},
	})
}

// TestFrozen: the freezer of a cgroup keeps a server from running, of either version.
func TestFrozen(t *testing.T) {
	frozen := func(version int) scene {
		return func(p *place) []want {
			g := p.start("serve.py", "leak_read", "127.0.0.1", "7000")
			p.listening(7000)
			kept := p.dial("127.0.0.1:7000")
			p.await("it is accepted", func(t table) bool { return len(t.at(7000, established).owned()) == 1 })
			p.freeze(version, g.pid)
			kept.Close()
			p.leave(2, "127.0.0.1:7000", request)
			p.stuck(7000, 1, 2)
			return []want{{code: "CW111", severity: "critical", count: 3, pids: []int{g.pid}, culprits: []culprit{{what: "frozen", pid: g.pid}}}}
		}
	}
	play(t, map[string]scene{"version 1": frozen(1), "version 2": frozen(2)})
}

// freeze moves a process into a cgroup of its own and freezes that.
func (p *place) freeze(version, pid int) {
	p.t.Helper()
	parent, file, value := freezer(version), "cgroup.freeze", "1"
	if version == 1 {
		file, value = "freezer.state", "FROZEN"
	}
	if parent == "" {
		p.t.Skipf("this host has no hierarchy of version %d with a freezer", version) // a host has one or the other as a rule
	}
	dir := filepath.Join(parent, filepath.Base(p.dir))
	err := os.Mkdir(dir, 0o755)
	write := func(name, text string) {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		}
	}
	write("cgroup.procs", fmt.Sprint(pid))
	write(file, value)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		thaw := map[string]string{"1": "0", "FROZEN": "THAWED"}[value]
		_ = os.WriteFile(filepath.Join(dir, file), []byte(thaw), 0o600)
		eventually(p.t, patience, 20*time.Millisecond, func() string {
			if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
				_ = unix.Kill(pid, unix.SIGKILL)
				return err.Error()
			}
			return ""
		})
	})
}

// freezer is where the hierarchy of a version with a freezer is mounted, "" for none.
func freezer(version int) string {
	text, _ := os.ReadFile("/proc/mounts")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if version == 2 && f[2] == "cgroup2" || version == 1 && f[2] == "cgroup" && strings.Contains(","+f[3]+",", ",freezer,") {
			return f[1]
		}
	}
	return ""
}

// TestHealthy_slowWaits: servers that wait for parts of a second for each client get on, and many clients wait.
func TestHealthy_slowWaits(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.start("waits.py", "in_parts", "127.0.0.1", "7000")
	p.start("waits.py", "two_slow", "127.0.0.1", "7001")
	p.listening(7000, 7001)
	p.leave(60, "127.0.0.1:7000", request)
	p.leave(80, "127.0.0.1:7001", request)
	stays(t, p)
}
