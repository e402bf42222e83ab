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
			Family: tcp.IPv4, State: tcp.CloseWait, Cookie: tcp.Cookie(100 + i), Inode: uint32(1000 + i), RecvQueue: 1,
			Local: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.3"), uint16(40000+i)), Peer: netip.MustParseAddrPort("10.0.0.9:5432"),
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
