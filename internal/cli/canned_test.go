package cli

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"closewait": func() { os.Exit(Main(os.Args[1:], canned())) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: golden.Update(),
		Setup: func(env *testscript.Env) error {
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("CANNED", "sick")
			env.Setenv("STATE", filepath.Join(env.WorkDir, "state"))
			env.Setenv("TERM", "xterm")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else every command takes a second under -race
			return nil
		},
	})
}

var noon = time.Date(2025, 3, 14, 3, 12, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// canned is the real configuration but for what looks at the host: CANNED chooses the answer.
func canned() Config {
	c := System()
	c.Look = cannedLook
	c.Acting = cannedActing()
	c.Now = func() time.Time { return noon }
	if os.Getenv("CLOCK") == "real" {
		c.Now = time.Now
	}
	c.States = func() []string { return strings.Fields(os.Getenv("STATE")) }
	c.Host = func() report.Host { return report.Host{Name: "web-03", Kernel: "6.1.0", BootID: ptr("b5a1")} }
	c.Capabilities = func(context.Context) []Capability {
		return []Capability{
			{"sock_diag", StatusAvailable, "the sockets of this namespace", ""},
			{"destroy", StatusMissing, "the kernel was built without CONFIG_INET_DIAG_DESTROY", ""},
			{"holders", StatusUnknown, "some processes could\x1b[2Jnot be read", "sudo closewait capabilities"},
		}
	}
	return c
}

func cannedLook(ctx context.Context, q Query) (*Answer, error) {
	if strings.Contains(q.Filter, "!") {
		return nil, &Error{Exit: Usage, Message: "filter: unexpected '!'", Detail: q.Filter + "\n^", Help: "closewait help filters"}
	}
	switch os.Getenv("CANNED") {
	case "panic":
		panic("a canned mistake")
	case "denied":
		return nil, fmt.Errorf("open netlink socket: %w", fs.ErrPermission)
	case "slow":
		time.Sleep(700 * time.Millisecond)
	case "hang":
		if file := os.Getenv("READY"); file != "" { // so that a script need not guess when to send its signal
			_ = os.WriteFile(file, nil, 0o644)
		}
		<-ctx.Done()
		a := hiddenAnswer()
		a.Report.Incomplete = []report.Incomplete{{Code: "CW502", Message: "the look was cut short"}}
		return a, nil
	case "hidden":
		return hiddenAnswer(), nil
	case "twins":
		return twins(), nil
	case "many":
		return &Answer{Report: sickReport(), Rows: rowsOf(20000)}, nil
	}
	a := &Answer{Report: sickReport(), Rows: rowsOf(3), Snapshot: &look.Snapshot{Elapsed: 41 * time.Millisecond}}
	if q.Settings {
		a.Snapshot.Boot = &look.Boot{Loader: "systemd-sysctl", Values: []look.BootValue{{
			Key: "net.ipv4.tcp_retries2", Running: "5", Default: "15", Value: "8", Winner: &look.BootLine{File: "/etc/sysctl.d/99-net.conf", Number: 3, Value: "8"},
			Others: []look.BootLine{{File: "/etc/sysctl.d/60-net.conf", Number: 1, Value: "6", By: "Ansible"}},
		}}}
		a.Snapshot.Memory = &look.Memory{Orphans: 3, MaxOrphans: 4096, Pages: 10, Pressure: 1000, Limit: 2000}
	}
	if !q.Owners {
		for i := range a.Rows {
			a.Rows[i].Holders, a.Rows[i].Processes = nil, nil
		}
	}
	if q.Filter == "none" {
		a.Rows = nil
	}
	if q.Filter == "sending" { // data in flight, and a peer that does not answer
		a.Rows = a.Rows[:2]
		for i := range a.Rows {
			a.Rows[i].Socket.SendQueue, a.Rows[i].Socket.Timer = 1448, tcp.Timer{Kind: tcp.TimerRetransmit, Count: 7, Expires: 20 * time.Second}
			a.Rows[i].Ends = forecast.Ends{Kind: forecast.At, Earliest: 9 * time.Minute, Latest: 14 * time.Minute}
			a.Rows[i].EndsIf = &forecast.Ends{Kind: forecast.At, Earliest: 20 * time.Second, Latest: 21 * time.Second}
		}
	}
	if len(q.Netns) > 0 {
		a.Report.Host.Name = strings.Join(q.Netns, "+")
	}
	return a, nil
}

// twins has two workloads of one command, both ends of a connection, and a port that is also a pid.
func twins() *Answer {
	a := &Answer{Report: sickReport(), Rows: rowsOf(6)}
	for i := range a.Rows {
		r, s := &a.Rows[i], a.Rows[i].Socket
		switch i {
		case 3:
			r.Holders = []look.Holder{{PID: 77, FD: 4}}
			r.Processes = []*look.Process{{PID: 77, Comm: "java", Workload: look.Workload{Name: "orders-api", Kind: look.KindUnit, Unit: "orders-api.service"}}}
		case 4:
			s.Local, s.Peer = s.Peer, s.Local
		case 5:
			s.Peer = tcp.MustParseEndpoint("203.0.113.9:2214")
		}
	}
	return a
}

func hiddenAnswer() *Answer {
	r := sickReport()
	r.Findings = nil
	hidden := report.Incomplete{Code: "CW501", Message: "not permitted to see the holders of 4,812 sockets", Remedy: "sudo closewait"}
	r.Incomplete = []report.Incomplete{hidden, hidden, {Code: "CW505", Message: "no history: ages are estimates"}}
	return &Answer{Report: r, Rows: rowsOf(1)}
}

func sickReport() *report.Report {
	return &report.Report{
		Header: report.Header{TakenAt: noon, Host: report.Host{Name: "web-03", Kernel: "6.1.0", BootID: ptr("b5a1")}},
		Totals: report.Totals{Sockets: 18412, Netns: 15, ByState: map[string]int{"established": 12903, "close_wait": 4819, "listen": 41}},
		Findings: []report.Finding{
			{
				ID: "f1", Code: "CW101", Cause: "leak", Severity: report.SeverityCritical, Count: 4812,
				Workload:  &report.Workload{Name: "payments-api", Kind: "unit", Unit: ptr("payments-api.service")},
				Processes: []report.Process{{PID: 2214, Comm: "java\x1b[31m"}}, Ends: report.Ends{Kind: "never", Reason: "No timer runs."},
				Remedies: []report.Remedy{{Command: "systemctl restart payments-api", Effect: "gives all fds back", FreesFDs: true}},
			},
			{ID: "f2", Code: "CW201", Cause: "peer_vanished", Severity: report.SeverityWarning, Count: 212, Ends: report.Ends{
				Kind: "at", EarliestSeconds: report.SecondsOf(550 * time.Second), LatestSeconds: report.SecondsOf(840 * time.Second),
			}},
		},
	}
}

// rowsOf makes sockets in an order that arrange must change.
func rowsOf(n int) []look.Row {
	host := &look.Namespace{Inode: 4026531840, Name: "host", PID: 1}
	java := &look.Process{PID: 2214, Comm: "java", Workload: look.Workload{Name: "payments-api", Kind: look.KindUnit, Unit: "payments-api.service"}}
	rows := make([]look.Row, n)
	for i := range rows {
		s := &tcp.Socket{
			Family: tcp.IPv6, State: tcp.CloseWait, Cookie: tcp.Cookie(0x1a2f + n - i), Inode: uint32(90000 + i), UID: 1000, RecvQueue: 1,
			Local: tcp.MustParseEndpoint("[::ffff:10.0.0.3]:8080"), Peer: tcp.EndpointFrom(netip.AddrFrom4([4]byte{203, 0, 113, 9}), uint16(60000-i)),
		}
		s.Info.Put(tcp.RTO, 204000)
		s.Info.Put(tcp.LastAckRecv, 7740000)
		rows[i] = look.Row{
			Socket: s, Netns: host, Holders: []look.Holder{{PID: 2214, FD: 7 + i}}, Processes: []*look.Process{java},
			Age: look.Age{Time: 7740 * time.Second, Kind: look.AgeAbout}, Ends: forecast.Ends{Kind: forecast.Never, Reason: "no timer runs"}, Cause: "leak", Code: "CW101", Severity: "critical", Finding: "f1",
		}
		if i == 2 {
			s.State, s.Local, s.Peer, s.Family = tcp.Listen, tcp.MustParseEndpoint("0.0.0.0:80"), tcp.MustParseEndpoint("0.0.0.0:0"), tcp.IPv4
			rows[i].Cause, rows[i].Code, rows[i].Severity, rows[i].Finding, rows[i].Age = "", "", "", "", look.Age{}
		}
	}
	return rows
}
