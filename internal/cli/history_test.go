package cli

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// leakyHost records a host on which one process has as many sockets in CLOSE_WAIT.
func leakyHost(t *testing.T, name string, at time.Time, leaked int, redacted bool) string {
	t.Helper()
	ns := look.Namespace{Inode: 4026531840, Name: "host", PID: 1, ReadAt: at, Sysctls: map[string]int64{"tcp_retries2": 15}}
	for i := range leaked {
		s := tcp.Socket{
			Family: tcp.IPv4, State: tcp.CloseWait, Cookie: tcp.Cookie(100 + i), Inode: uint32(1000 + i),
			Local: tcp.EndpointFrom(netip.MustParseAddr("10.0.0.3"), uint16(40000+i)), Peer: tcp.MustParseEndpoint("10.0.0.9:5432"),
		}
		s.Info.Put(tcp.LastAckRecv, uint64((2 * time.Minute).Milliseconds()))
		s.Info.Put(tcp.LastDataSent, uint64((time.Hour).Milliseconds()))
		ns.Sockets = append(ns.Sockets, s)
	}
	s := &look.Snapshot{
		TakenAt: at, Host: look.Host{Name: name, Kernel: "6.1.0", BootID: "b5a1-" + name}, Namespaces: []look.Namespace{ns}, HoldersComplete: true, DeadSought: true,
		Processes: map[int]*look.Process{7: {PID: 7, Comm: "orders", FDs: 10 + leaked, FDLimit: 1024, StartTicks: 5, Workload: look.Workload{Name: "orders"}}},
	}
	for i := range ns.Sockets {
		s.Holders.Want(ns.Sockets[i].Inode)
		s.Holders.Add(ns.Sockets[i].Inode, look.Holder{PID: 7, FD: 10 + i})
	}
	list := []*record.Recording{{Snapshot: s}}
	if redacted {
		list = redactAll(list)
	}
	var b bytes.Buffer
	if err := record.Write(&b, list...); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func reportOf(t *testing.T, args ...string) report.Report {
	t.Helper()
	stdout, stderr, code := run(t, nil, append(args, "-o", "json")...)
	var r report.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 {
		t.Fatalf("%v: exit %d, %v, %s", args, code, err, stderr)
	}
	return r
}

// TestFrom_history: two looks at one host, in any order, redacted one by one or not, count what one look estimates.
func TestFrom_history(t *testing.T) {
	for _, redacted := range []bool{false, true} {
		old, now := leakyHost(t, "web-03", noon.Add(-10*time.Minute), 20, redacted), leakyHost(t, "web-03", noon, 40, redacted)
		for _, args := range [][]string{{"--from", old, "--from", now}, {"--from", now, "--from", old}} {
			r := reportOf(t, args...)
			if len(r.Findings) != 1 || r.Totals.Sockets != 40 || !r.TakenAt.Equal(noon) {
				t.Fatalf("%v: %d findings, %d sockets", args, len(r.Findings), r.Totals.Sockets)
			}
			f := r.Findings[0]
			if f.Growth == nil || *f.Growth != (report.Growth{PerMinute: 2, Kind: "exact"}) || f.Age.Kind != "at_least" || f.Age.OldestSeconds == nil || time.Duration(*f.Age.OldestSeconds) != 10*time.Minute {
				t.Errorf("redacted %v: growth %+v, age %+v", redacted, f.Growth, f.Age)
			}
			if f.FDLimit == nil || f.FDLimit.ReachedAt == nil || !f.FDLimit.ReachedAt.Equal(noon.Add((1024-50)/2*time.Minute)) {
				t.Errorf("limit %+v", f.FDLimit)
			}
		}
		if r := reportOf(t, "--from", now); r.Findings[0].Growth != nil && r.Findings[0].Growth.Kind == "exact" {
			t.Errorf("one look cannot count: %+v", r.Findings[0].Growth)
		}
	}
}

// TestFrom_twice: the same look twice is one look.
func TestFrom_twice(t *testing.T) {
	file := leakyHost(t, "web-03", noon, 40, false)
	once, _, _ := run(t, nil, "--from", file, "-o", "json")
	if twice, _, _ := run(t, nil, "--from", file, "--from", file, "-o", "json"); once != twice || !strings.Contains(once, "CW101") {
		t.Errorf("%s\nand\n%s", once, twice)
	}
}

// database records the other ends of the first sockets of leakyHost, kept by a process that looks at none of them.
func database(t *testing.T, at time.Time, ends int) *record.Recording {
	t.Helper()
	ns := look.Namespace{Inode: 4026531840, Name: "host", PID: 1, ReadAt: at}
	s := &look.Snapshot{
		TakenAt: at, Host: look.Host{Name: "db-01", Kernel: "6.1.0", BootID: "77"}, HoldersComplete: true, DeadSought: true,
		Processes: map[int]*look.Process{312: {PID: 312, Comm: "postgres", FDs: 80, FDLimit: 1024, Workload: look.Workload{Name: "postgres"}, Activity: &look.Activity{
			CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{{TID: 312, First: look.Moment{State: 'S', Call: look.Call{Kind: look.CallSleep, FD: -1}}}},
		}}},
	}
	for i := range ends {
		k := tcp.Socket{
			Family: tcp.IPv6, State: tcp.FinWait2, Cookie: tcp.Cookie(900 + i), Inode: uint32(1000 + i), // the same inodes as there
			Local: tcp.MustParseEndpoint("[::ffff:10.0.0.9]:5432"), Peer: tcp.EndpointFrom(netip.MustParseAddr("::ffff:10.0.0.3"), uint16(40000+i)),
		}
		ns.Sockets = append(ns.Sockets, k)
		s.Holders.Want(k.Inode)
		s.Holders.Add(k.Inode, look.Holder{PID: 312, FD: 20 + i})
	}
	s.Namespaces = []look.Namespace{ns}
	return &record.Recording{Snapshot: s}
}

func saved(t *testing.T, list ...*record.Recording) string {
	t.Helper()
	var b bytes.Buffer
	if err := record.Write(&b, list...); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "look")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFrom_hosts: looks at two hosts are one answer, and each end of a connection is told of the other.
func TestFrom_hosts(t *testing.T) {
	web, db := leakyHost(t, "web-03", noon, 40, false), saved(t, database(t, noon.Add(30*time.Second), 12))
	both := []string{"--from", web, "--from", db}
	r := reportOf(t, both...)
	if r.Host.Name != "web-03, db-01" || r.Host.BootID != nil || r.Host.Kernel != "6.1.0" || r.Totals.Sockets != 52 || r.Totals.ByState["fin_wait_2"] != 12 || len(r.Findings) == 0 {
		t.Fatalf("%+v, %d findings", r.Header, len(r.Findings))
	}
	f := r.Findings[0]
	told := strings.Join(f.Evidence, "\n")
	if f.Code != "CW101" || f.Host == nil || *f.Host != "web-03" || !strings.Contains(told, "the other end of 12 is FIN_WAIT_2 on db-01, held by postgres (pid 312)") {
		t.Errorf("%s on %v: %s", f.Code, f.Host, told)
	}
	stdout, _, _ := run(t, nil, append(both, "ls", "-o", "json")...)
	var list struct {
		Sockets []struct {
			Host     *string
			State    string
			OtherEnd *report.OtherEnd `json:"other_end"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list.Sockets) != 52 {
		t.Fatalf("%d sockets, %v", len(list.Sockets), err)
	}
	paired := map[string]int{}
	for _, s := range list.Sockets {
		switch {
		case s.Host == nil:
			t.Fatal("a socket of no host")
		case s.OtherEnd != nil:
			paired[*s.Host+" "+s.State+" - "+s.OtherEnd.Host+" "+s.OtherEnd.State]++
		}
	}
	if paired["web-03 close_wait - db-01 fin_wait_2"] != 12 || paired["db-01 fin_wait_2 - web-03 close_wait"] != 12 || len(paired) != 2 {
		t.Errorf("%v", paired)
	}
	table, _, _ := run(t, nil, append(both, "ls", "-o", "wide")...)
	if !strings.Contains(table, "OTHER END") || !strings.Contains(table, "fin_wait_2 db-01 postgres") {
		t.Error(table)
	}
	if screen, _, _ := run(t, nil, both...); !strings.Contains(screen, "web-03: orders (pid 7) leaks sockets") {
		t.Error(screen)
	}
	if _, stderr, code := run(t, nil, append(both, "doctor")...); code != int(Usage) || !strings.Contains(stderr, "one host") {
		t.Errorf("doctor: %d, %s", code, stderr)
	}
}

// TestFrom_hostsRedacted: ends are paired where both were redacted together, and only there.
func TestFrom_hostsRedacted(t *testing.T) {
	web, err := os.ReadFile(leakyHost(t, "web-03", noon, 40, false))
	if err != nil {
		t.Fatal(err)
	}
	there, err := record.Read(bytes.NewReader(web), record.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	here := database(t, noon, 12)
	pairs := func(args ...string) (n int, stderr string) {
		stdout, stderr, _ := run(t, nil, append(args, "ls", "-o", "json")...)
		return strings.Count(stdout, `"other_end":{`), stderr
	}
	if n, _ := pairs("--from", saved(t, redactAll([]*record.Recording{there[0], here})...)); n != 24 {
		t.Errorf("redacted together: %d ends", n)
	}
	alone := []string{"--from", saved(t, redactAll(there)...), "--from", saved(t, redactAll([]*record.Recording{here})...)}
	if n, stderr := pairs(alone...); n != 0 || !strings.Contains(stderr, "were not redacted together") {
		t.Errorf("redacted one by one: %d ends, %s", n, stderr)
	}
	if n, stderr := pairs("--from", saved(t, there[0], database(t, noon.Add(time.Hour), 12))); n != 0 || !strings.Contains(stderr, "apart") {
		t.Errorf("an hour apart: %d ends, %s", n, stderr)
	}
	if n, _ := pairs("--redact", "--from", saved(t, there[0], here)); n != 24 {
		t.Errorf("redacted while shown: %d ends", n)
	}
}
