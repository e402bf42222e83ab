package plan_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// rowOf is a socket in a state, held by one process unless it has no inode.
func rowOf(state tcp.State, inode uint32, change func(*tcp.Socket)) look.Row {
	s := &tcp.Socket{
		Family: tcp.IPv4, State: state, Inode: inode, Cookie: 7,
		Local: tcp.MustParseEndpoint("192.0.2.9:80"), Peer: tcp.MustParseEndpoint("192.0.2.1:5121"),
	}
	if change != nil {
		change(s)
	}
	r := look.Row{Socket: s, Netns: &look.Namespace{Inode: 4}, Holders: []look.Holder{}}
	if inode != 0 {
		p := &look.Process{PID: 12, Comm: "sync", StartTicks: 99}
		r.Holders, r.Processes = []look.Holder{{PID: 12, FD: 3}}, []*look.Process{p}
	}
	return r
}

func judged(d *plan.Draft) []string {
	var head report.ChangeHead
	plan.Guard{Max: 100}.Judge(d, &head, d.Sockets)
	return head.Risks
}

// TestClose_risks: what has to be accepted by name, by the state of the socket and the kernel.
func TestClose_risks(t *testing.T) {
	sending := func(s *tcp.Socket) { s.SendQueue = 100 }
	vanished := func(s *tcp.Socket) {
		s.SendQueue, s.Timer = 100, tcp.Timer{Kind: tcp.TimerRetransmit, Count: 3}
	}
	orphan := func(s *tcp.Socket) { s.SendQueue, s.Timer = 1, tcp.Timer{Kind: tcp.TimerRetransmit, Count: 3} }
	kernelOwned := rowOf(tcp.Established, 5, vanished)
	kernelOwned.Holders = []look.Holder{}
	unseen := rowOf(tcp.Established, 5, vanished)
	unseen.Holders = nil
	for _, test := range []struct {
		name    string
		row     look.Row
		how     string
		release string
		want    string
	}{
		{"a leak", rowOf(tcp.CloseWait, 5, nil), report.ActionDestroy, "6.18", "not-undoable,hides-leak"},
		{"a leak, politely", rowOf(tcp.CloseWait, 5, nil), report.ActionShutdown, "6.18", "not-undoable"},
		{"a half-closed peer that answers", rowOf(tcp.CloseWait, 5, sending), report.ActionDestroy, "6.18", "not-undoable,hides-leak,live-connections,data-loss"},
		{"a vanished peer", rowOf(tcp.Established, 5, vanished), report.ActionDestroy, "6.18", "not-undoable,data-loss"},
		{"a connection in use", rowOf(tcp.Established, 5, nil), report.ActionShutdown, "6.18", "not-undoable,live-connections"},
		{"not accepted", rowOf(tcp.CloseWait, 0, nil), report.ActionDestroy, "6.18", "not-undoable,accept-queue"},
		{"a listener", rowOf(tcp.Listen, 5, nil), report.ActionDestroy, "6.18", "not-undoable,listeners"},
		{"an orphan", rowOf(tcp.LastAck, 0, orphan), report.ActionDestroy, "6.18", "not-undoable"},
		{"an orphan, before the fix", rowOf(tcp.LastAck, 0, orphan), report.ActionDestroy, "6.10.3", "not-undoable,orphan-bug"},
		{"an orphan, kernel not known", rowOf(tcp.LastAck, 0, orphan), report.ActionDestroy, "", "not-undoable"},
		{"nobody holds it", kernelOwned, report.ActionDestroy, "6.18", "not-undoable,data-loss,kernel-owned"},
		{"who holds it is not seen", unseen, report.ActionDestroy, "6.18", "not-undoable,data-loss,kernel-owned"},
	} {
		c := plan.Close{How: test.how, Kernel: forecast.KernelOf(test.release)}
		if got := strings.Join(judged(c.Draft([]look.Row{test.row})), ","); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestClose_own: the user's own connection is protected, whatever the way.
func TestClose_own(t *testing.T) {
	for _, how := range []string{report.ActionShutdown, report.ActionDestroy} {
		c := plan.Close{How: how, Own: func(*look.Row) bool { return true }}
		if got := judged(c.Draft([]look.Row{rowOf(tcp.Established, 5, nil)})); !slices.Contains(got, report.RiskOwnConnection) {
			t.Errorf("%s: %v", how, got)
		}
	}
	l := plan.Limit{UserTimeout: time.Minute, Own: func(*look.Row) bool { return true }, Read: func(*report.Step) (report.Value, error) { return report.Duration(0), nil }}
	if got := judged(l.Draft([]look.Row{rowOf(tcp.Established, 5, nil)})); !slices.Contains(got, report.RiskOwnConnection) {
		t.Errorf("limit: %v", got)
	}
}

// TestClose_left: what cannot be closed is left, and the change says how many and why.
func TestClose_left(t *testing.T) {
	mini := func(s *tcp.Socket) { s.Timer = tcp.Timer{Kind: tcp.TimerTimeWait} }
	rows := []look.Row{rowOf(tcp.TimeWait, 0, mini), rowOf(tcp.TimeWait, 0, mini), rowOf(tcp.CloseWait, 5, nil), rowOf(tcp.Bound, 5, nil)}
	c := plan.Close{How: report.ActionDestroy, Kernel: forecast.KernelOf("5.15.0")}
	d := c.Draft(rows)
	last := d.Groups[len(d.Groups)-1]
	if len(d.Steps) != 1 || d.Sockets != 1 || last.Steps != 0 || last.Title != "3 sockets left as they are" || len(last.Lines) != 2 {
		t.Errorf("%d steps, %+v", len(d.Steps), last)
	}
	if one := c.Draft(rows[:1]); one.Groups[0].Title != "1 socket left as it is" {
		t.Errorf("%+v", one.Groups)
	}
	if newer := (&plan.Close{How: report.ActionDestroy, Kernel: forecast.KernelOf("6.0.0")}).Draft(rows); len(newer.Steps) != 3 {
		t.Errorf("since 6.0: %d steps", len(newer.Steps))
	}
	c = plan.Close{How: report.ActionShutdown, Reach: func(*report.Step) error { return fs.ErrPermission }}
	var head report.ChangeHead
	d = c.Draft(rows)
	plan.Guard{Max: 1}.Judge(d, &head, d.Sockets)
	if len(d.Steps) != 0 || len(head.Refused) != 1 || !strings.Contains(head.Refused[0].Why, "may not be touched") || plan.Insist(head.Refused) != "" {
		t.Errorf("%d steps, %+v", len(d.Steps), head.Refused)
	}
}

// TestClose_shown: a long list of kinds is cut, and the steps of those not described are counted.
func TestClose_shown(t *testing.T) {
	var rows []look.Row
	for i := range 20 {
		r := rowOf(tcp.CloseWait, uint32(5+i), nil)
		r.Processes = []*look.Process{{PID: 12 + i, Comm: "worker"}}
		rows = append(rows, r)
	}
	d := (&plan.Close{How: report.ActionDestroy}).Draft(rows)
	steps := 0
	for _, g := range d.Groups {
		steps += g.Steps
	}
	if last := d.Groups[len(d.Groups)-1]; steps != 20 || len(d.Groups) > 10 || last.Undoable || !strings.HasPrefix(last.Title, "and ") {
		t.Errorf("%d steps in %d groups, the last %+v", steps, len(d.Groups), last)
	}
}
