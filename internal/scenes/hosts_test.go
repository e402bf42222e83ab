package scenes

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/record"
)

// careless is a client that asks, shuts its side down, and does not look for the answer.
const careless = `
import socket, sys, time
kept = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(3)]
for c in kept:
    c.sendall(b"question")
    c.shutdown(socket.SHUT_WR)
time.sleep(600)
`

// greedy is a client that asks for much and takes nothing of it.
const greedy = `
import socket, sys, time
c = socket.create_connection((sys.argv[1], int(sys.argv[2])))
c.sendall(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
time.sleep(600)
`

// TestHosts: each end of the connections is on another host, and each host is recorded by itself. Joined, the recordings must say what one look at both ends says.
func TestHosts(t *testing.T) {
	t.Parallel()
	web, db := open(t), open(t)
	connect(web, "10.77.0.1", db, "10.77.0.2")
	client := func(p *place, program, address string, port uint16) *program {
		return p.exec(nil, []string{p.path("python3"), "-c", program, address, fmt.Sprint(port)})
	}

	back := db.start("serve.py", "sleeps", "10.77.0.2", "9000")
	relay := web.haproxy(haproxyTCP + "listen a\n\tbind 10.77.0.1:8000\n\tserver s 10.77.0.2:9000\n")
	leak := web.start("serve.py", "leak_read", "10.77.0.1", "7000")
	web.start("serve.py", "late_answer", "10.77.0.1", "7001")
	db.start("serve.py", "late_answer", "10.77.0.2", "7001")
	forgotten := db.start("serve.py", "leak_read", "10.77.0.2", "7002")
	web.truncated("much", 50_000_000)
	web.nginx("server { listen 10.77.0.1:7003; root " + web.dir + "; }")
	web.listening(8000, 7000, 7001, 7003)
	db.listening(9000, 7001, 7002)

	web.impatient("10.77.0.1:8000", request, 4, 4, 0)
	db.stuck(9000, 1, 3)
	for range 3 {
		db.leave(1, "10.77.0.1:7000", request)
		db.halfClose("10.77.0.1:7001")
		web.halfClose("10.77.0.2:7001")
	}
	client(web, careless, "10.77.0.2", 7002)
	reader := client(db, greedy, "10.77.0.1", 7003)
	web.stuck(7000, 3, 0)
	web.stuck(7001, 3, 0)
	db.stuck(7001, 3, 0)
	db.stuck(7002, 3, 0)
	web.await("a closed window", func(t table) bool {
		return len(t.at(7003, established).where(func(r row) bool { return r.timer == 4 })) == 1
	})
	reader.signal(unix.SIGSTOP)
	wanted := []want{
		{code: "CW105", severity: "critical", count: 4, pids: []int{back.pid}, culprits: []culprit{{what: "sleeping", pid: back.pid}}},
		{code: "CW108", count: 4, pids: []int{relay.pid}, role: "relay", root: "CW105"},
		{code: "CW101", count: 3, pids: []int{leak.pid}, role: "server", local: "10.77.0.1:7000", ends: "never"},
		{code: "CW101", count: 3, pids: []int{forgotten.pid}, role: "server", local: "10.77.0.2:7002", ends: "never"},
		{code: "CW111", count: 1, pids: []int{reader.pid}, culprits: []culprit{{what: "stopped", pid: reader.pid}}},
		{code: "CW202", count: 1, root: "CW111"},
	}
	judge(t, []*place{web, db}, wanted...)

	a, b := recorded(web, "web"), recorded(db, "db")
	joined, raw := look(t, exec.Command(underTest(t), "--from", a, "--from", b, "-o", "json"))
	if wrong := joined.compare(wanted); wrong != "" {
		t.Errorf("joined: %s\n%s", wrong, raw)
	}
	together, raw := root(t, []*place{web, db})
	if got, want := joined.gist(verdict.named), together.gist(verdict.named); !slices.Equal(got, want) {
		t.Errorf("joined, the recordings say\n%s\nand one look\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), raw)
	}
	redacted, _ := look(t, exec.Command(underTest(t), "--from", a, "--from", b, "--redact", "-o", "json"))
	if got, want := redacted.gist(verdict.plain), joined.gist(verdict.plain); !slices.Equal(got, want) {
		t.Errorf("redacted, they say\n%s\nand else\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// gist is what must be the same of two reports.
func (v verdict) gist(of func(verdict, finding) string) (lines []string) {
	for _, f := range v.Findings {
		lines = append(lines, of(v, f))
	}
	slices.Sort(lines)
	return lines
}

// named leaves out the pid of a peer: a finding of one host does not name a process of another by its number.
func (v verdict) named(f finding) string {
	blamed := f.blamed()
	for i := range blamed {
		if blamed[i].what == "peer" {
			blamed[i].pid = 0
		}
	}
	return fmt.Sprintf("%s of %v on %v, culprits %+v", v.plain(f), f.pids(), f.Local, blamed)
}

func (v verdict) plain(f finding) string {
	return fmt.Sprintf("%s %s %d, root %q", f.Code, f.Severity, f.Count, v.rootOf(f))
}

// connect joins two places by a cable.
func connect(a *place, addressA string, b *place, addressB string) {
	a.t.Helper()
	a.run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b.proc("ns/net"))
	for p, address := range map[*place]string{a: addressA, b: addressB} {
		p.run("ip", "addr", "add", address+"/24", "dev", "cable")
		p.run("ip", "link", "set", "cable", "up")
	}
}

// recorded is a recording of a place, as if it were a host of its own.
func recorded(p *place, name string) string {
	p.t.Helper()
	text, err := exec.Command(underTest(p.t), append(netns([]*place{p}), "record", "-")...).Output()
	var list []*record.Recording
	if err == nil {
		list, err = record.Read(bytes.NewReader(text), record.DefaultExtent())
	}
	var file *os.File
	if err == nil {
		list[0].Snapshot.Host.Name, list[0].Snapshot.Host.BootID = name, name
		file, err = os.Create(filepath.Join(p.dir, name))
	}
	if err == nil {
		defer file.Close()
		err = record.Write(io.Writer(file), list...)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return file.Name()
}
