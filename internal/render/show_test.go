package render

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// blockedSubject is a server two of whose threads are blocked, seen whole.
func blockedSubject() *Subject {
	java := &look.Process{
		PID: 4711, Comm: "java", Cmdline: "/usr/bin/java -jar /opt/metrics/agent.jar --listen :9404", FDs: 120, FDLimit: 1024, StartTime: noon.Add(-50 * time.Hour),
		Workload: look.Workload{Name: "metrics", Kind: look.KindUnit, Unit: "metrics.service"},
		Activity: &look.Activity{ThreadCount: 5, CallsKnown: true, Threads: []look.Thread{
			{TID: 4711, Comm: "java", First: look.Moment{State: 'S', Call: look.Call{Kind: look.CallLock, Name: "futex", FD: -1}}},
			{TID: 4720, Comm: "acceptor", First: look.Moment{State: 'S', Call: look.Call{Kind: look.CallAccept, Name: "accept4", FD: 5, Target: "socket:[900]"}}},
			{TID: 4731, Comm: "pool-1-thread-1", First: look.Moment{State: 'S', Call: look.Call{Kind: look.CallWrite, Name: "write", FD: 8, Target: "socket:[1000]", Inode: 1000}}},
			{TID: 4732, Comm: "pool-1-thread-2", First: look.Moment{State: 'D', Channel: "nfs_wait"}},
			{TID: 4733, Comm: "GC#1", First: look.Moment{State: 'R'}},
		}},
	}
	ns := look.Namespace{Inode: 4026531840, Name: "host", PID: 1}
	for i := range 8 {
		s := tcp.Socket{
			Family: tcp.IPv4, State: tcp.CloseWait, Cookie: tcp.Cookie(0x100 + i), Inode: uint32(1000 + i), RecvQueue: 31, Local: tcp.MustParseEndpoint("10.0.0.3:9404"),
			Peer: tcp.EndpointFrom(netip.MustParseAddr("10.1.2.3"), uint16(46454+i)),
		}
		if i == 7 {
			s.State, s.RecvQueue, s.SendQueue, s.Peer = tcp.Listen, 3, 50, tcp.MustParseEndpoint("0.0.0.0:0")
			s.Local = tcp.MustParseEndpoint("0.0.0.0:9404")
		}
		s.Info.Put(tcp.RTO, 204000)
		ns.Sockets = append(ns.Sockets, s)
	}
	host := &look.Snapshot{TakenAt: noon, Namespaces: []look.Namespace{ns}, Processes: map[int]*look.Process{4711: java}}
	sub := &Subject{Words: "pid 4711", About: map[string]bool{"f3": true}, Snapshot: host, Report: &report.Report{Header: header(), Findings: []report.Finding{leak(), blocked()}}}
	for i := range ns.Sockets {
		sub.Rows = append(sub.Rows, look.Row{
			Socket: &host.Namespaces[0].Sockets[i], Netns: &host.Namespaces[0], Holders: []look.Holder{{PID: 4711, FD: 8 + i}}, Processes: []*look.Process{java},
			Age: look.Age{Time: time.Duration(i*i*90) * time.Second, Kind: look.AgeAbout}, Ends: forecast.Ends{Kind: forecast.Never, Reason: "no timer runs"}, Code: "CW105", Finding: "f3",
		})
	}
	sub.Rows[7].Age, sub.Rows[7].Finding = look.Age{}, ""
	f := &sub.Report.Findings[1]
	f.CausedBy = ptr("f1")
	f.Bug = &report.Bug{Runtime: ptr("java"), What: "The server writes without a time limit.", Look: []report.Command{{Command: "jcmd 4711 Thread.print", Shows: "the stack of every thread"}}}
	f.Verify = []report.Command{{Command: "ss -tanpoie state close-wait '( sport = :9404 )'", Shows: "their number and Recv-Q"}}
	f.NotRemedies = []report.NotRemedy{{What: "tcp_retries2", Why: "no timer ends a blocked write"}}
	return sub
}

// oneSocket is one of its connections, with the other end.
func oneSocket() *Subject {
	sub := blockedSubject()
	sub.Words, sub.Single = "socket 10.0.0.3:9404-10.1.2.3:46454", true
	other := *sub.Rows[0].Socket
	other.Local, other.Peer, other.State = other.Peer, other.Local, tcp.FinWait2
	sub.Others = []look.Row{{Socket: &other, Netns: sub.Rows[0].Netns, Holders: []look.Holder{}}}
	sub.Rows = sub.Rows[:1]
	return sub
}

func TestShow_golden(t *testing.T) {
	for name, sub := range map[string]*Subject{"show_workload": blockedSubject(), "show_socket": oneSocket()} {
		for _, s := range []Style{{Width: 40}, {Width: 80}, {Width: 80, ASCII: true}, {Width: 120, Color: true, Verbose: true}} {
			file := fmt.Sprintf("%s_%d", name, s.Width)
			if s.ASCII {
				file += "_ascii"
			}
			var b bytes.Buffer
			if err := Show(&b, sub, s); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, file+".golden", b.Bytes())
		}
	}
}

// TestShow_never_cuts_commands: whatever the width and the names, a line is too long only when it is a command, and every command is there whole.
func TestShow_never_cuts_commands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sub := blockedSubject()
		f := drawFinding(t)
		f.ID = "f3"
		f.Verify = []report.Command{{Command: hostile().Draw(t, "verify"), Shows: hostile().Draw(t, "shows")}}
		sub.Report.Findings[1] = f
		sub.Single = rapid.Bool().Draw(t, "single")
		sub.Rows[0].Processes[0].Cmdline = hostile().Draw(t, "cmdline")
		s := Style{Width: rapid.IntRange(20, 120).Draw(t, "width"), ASCII: rapid.Bool().Draw(t, "ascii")}
		var b bytes.Buffer
		if err := Show(&b, sub, s); err != nil {
			t.Fatal(err)
		}
		commands := []string{strings.TrimSpace(s.text(f.Verify[0].Command)), strings.TrimSpace(s.text(f.Remedies[0].Command)), "closewait ls "}
		rest := []string{}
		for line := range strings.Lines(b.String()) {
			if !slices.ContainsFunc(commands, func(c string) bool { return c != "" && strings.Contains(line, c) }) {
				rest = append(rest, line)
			}
		}
		holds(t, strings.Join(rest, ""), s.Width)
		for _, c := range commands[:2] {
			if !strings.Contains(b.String(), c) {
				t.Fatalf("no %q in\n%s", c, &b)
			}
		}
	})
}
