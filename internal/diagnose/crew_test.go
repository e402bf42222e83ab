package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// dispatching is our process that waits for the next of two clients' connections, of which it passed the first on to a worker and reads nothing, and that worker, which does what a thread does.
func dispatching(does look.Thread) (*look.Snapshot, *look.Activity) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 84), listening(0, 128))
	a := busyWith(now, in(ours, look.CallAccept, "accept4", 9, listener))
	withChildren(now, a, 1, 24*time.Hour, func(int) look.Thread { return does })
	now.Holders.Add(1001, look.Holder{PID: child, FD: 5})
	now.Processes[child].Activity.Sockets = []look.Descriptor{{FD: 4, Inode: 900}, {FD: 5, Inode: 1001}}
	return now, a
}

// TestWorkersBlocked_crew: what one process accepts and passes on to others waits for those, wherever it is meanwhile.
func TestWorkersBlocked_crew(t *testing.T) {
	up := in(child, look.CallRead, "recvfrom", 6, 700)
	for name, test := range map[string]struct {
		does   look.Thread
		code   string // of the connection of which nothing was read
		change func(*look.Snapshot, *look.Activity)
	}{
		"for a back-end": {up, "CW105", func(now *look.Snapshot, _ *look.Activity) { another(now, backend(700, time.Minute), child, 6) }},
		"asleep":         {sleeper(child), "CW105", nil},
		"busy":           {spinning(child), "CW105", nil},
		"stopped":        {stopping(child), "CW111", nil},
		"waits for work": {in(child, look.CallRead, "recvmsg", 4, 900), "CW102", nil},
		"another may take it": {sleeper(child), "CW102", func(now *look.Snapshot, a *look.Activity) {
			beside(now, a, in(child+1, look.CallRead, "recvmsg", 4, 901))
		}},
		"another is elsewhere": {sleeper(child), "CW105", func(now *look.Snapshot, a *look.Activity) { beside(now, a, sleeper(child+1)) }},
		"of another program":   {sleeper(child), "CW102", func(now *look.Snapshot, _ *look.Activity) { now.Processes[child].Activity.Executable = "/bin/other" }},
		"it accepts as well":   {sleeper(child), "CW102", func(now *look.Snapshot, _ *look.Activity) { now.Holders.Add(listener, look.Holder{PID: child, FD: 3}) }},
		"it was given nothing": {sleeper(child), "CW102", func(now *look.Snapshot, _ *look.Activity) { now.Processes[child].Activity.Sockets = nil }},
		"it has answered": {sleeper(child), "CW102", func(now *look.Snapshot, _ *look.Activity) {
			another(now, socket(tcp.Established, time.Second, inode(702), info(tcp.LastDataSent, 1000), info(tcp.LastDataRecv, 1000)), child, 7)
		}},
		"its child's output": {in(child, look.CallRead, "read", 8, 0), "CW105", func(now *look.Snapshot, _ *look.Activity) {
			d := now.Processes[child].Activity
			for _, m := range []*look.Moment{&d.Threads[0].First, &d.Threads[0].Again} {
				m.Call.Pipe = output
			}
			d.Children = []int{child + 5}
			now.Processes[child+5] = &look.Process{PID: child + 5, PPID: child, Activity: &look.Activity{
				Threads: []look.Thread{sleeper(child + 5)}, ThreadCount: 1, CallsKnown: true, Executed: true, Outputs: [2]uint32{output},
			}}
		}},
		"a pipe": {in(child, look.CallRead, "read", 8, 0), "CW102", func(now *look.Snapshot, _ *look.Activity) {
			d := now.Processes[child].Activity
			for _, m := range []*look.Moment{&d.Threads[0].First, &d.Threads[0].Again} {
				m.Call.Pipe = output
			}
		}},
	} {
		now, a := dispatching(test.does)
		if test.change != nil {
			test.change(now, a)
		}
		now.Holders.Sort()
		v := Run(now, nil)
		if got := code(v, now, 1); got != test.code {
			t.Errorf("%s: the connection that waits is %q, want %s", name, got, test.code)
		}
		if test.code != "CW105" && test.code != "CW111" {
			continue
		}
		if f := only(t, v); f.Count != 2 || f.Culprits[0].PID == nil || *f.Culprits[0].PID != child {
			t.Errorf("%s: %d sockets, culprits %+v, want both, and the worker", name, f.Count, f.Culprits)
		}
	}
}

// another adds a socket that a process has.
func another(now *look.Snapshot, s tcp.Socket, pid, fd int) {
	now.Namespaces[0].Sockets = append(now.Namespaces[0].Sockets, s)
	now.Holders.Want(s.Inode)
	now.Holders.Add(s.Inode, look.Holder{PID: pid, FD: fd})
	own := now.Processes[pid].Activity
	own.Sockets = append(own.Sockets, look.Descriptor{FD: int32(fd), Inode: s.Inode})
}

// beside adds a second worker, which has nothing in hand.
func beside(now *look.Snapshot, a *look.Activity, does look.Thread) {
	pid := child + 1
	a.Children = append(a.Children, pid)
	now.Processes[pid] = &look.Process{PID: pid, PPID: ours, Activity: &look.Activity{Threads: []look.Thread{does}, ThreadCount: 1, CallsKnown: true}}
}

// TestInTransit_crew: connections in a unix socket wait for those who should receive them.
func TestInTransit_crew(t *testing.T) {
	for name, test := range map[string]struct {
		does     look.Thread
		receiver int
		code     string
	}{
		"elsewhere":         {sleeper(child), child, "CW105"},
		"stopped":           {stopping(child), child, "CW111"},
		"gets on":           {ran(sleeper(child)), child, ""},
		"comes to it":       {in(child, look.CallRead, "recvmsg", 4, 900), child, "CW112"},
		"somebody else's":   {sleeper(child), child + 9, "CW112"},
		"nobody knows whom": {sleeper(child), 0, "CW113"},
	} {
		now, _ := dispatching(test.does)
		travelling := client(3, time.Minute, 83, 84)
		now.Namespaces[0].Sockets = append(now.Namespaces[0].Sockets, travelling)
		now.Holders.Want(travelling.Inode)
		now.Holders.Sort()
		now.Transit = look.Transit{Sought: true, Complete: true}
		if test.receiver != 0 {
			now.Transit.Waiting = []look.Waiting{{Receiver: look.Holder{PID: test.receiver, FD: 4}, Descriptors: 1}}
		}
		if got := code(Run(now, nil), now, 3); got != test.code {
			t.Errorf("%s: %q, want %s", name, got, test.code)
		}
	}
}

// TestInquire_crew: who accepted a connection and does not look at it may have passed it on, so that its children are wanted, and then, for what nobody has, the unix sockets.
func TestInquire_crew(t *testing.T) {
	now, a := dispatching(sleeper(child))
	now.Namespaces[0].Sockets = append(now.Namespaces[0].Sockets, client(3, time.Minute, 83, 84))
	now.Holders.Want(1003)
	now.Holders.Sort()
	a.ChildrenSought, a.Children = false, nil
	delete(now.Processes, child)
	d := new(Diagnosis)
	if wish := d.Inquire(now); !slices.Equal(wish.Children, []int{ours}) || wish.Transit {
		t.Errorf("at first %+v, want the children", wish)
	}
	a.ChildrenSought = true
	if wish := d.Inquire(now); len(wish.Children) > 0 || !wish.Transit {
		t.Errorf("then %+v, want what is in transit", wish)
	}
}

// TestWorkersBlocked_handed: what waits for one worker, as its unix socket shows, waits for that, though others have time.
func TestWorkersBlocked_handed(t *testing.T) {
	for receiver, want := range map[int]string{child: "CW105", child + 1: "CW102"} {
		now, a := dispatching(sleeper(child))
		beside(now, a, in(child+1, look.CallRead, "recvmsg", 4, 901))
		now.Holders.Sort()
		now.Transit = look.Transit{Sought: true, Complete: true, Waiting: []look.Waiting{{Receiver: look.Holder{PID: receiver, FD: 4}, Descriptors: 1}}}
		v := Run(now, nil)
		if got := code(v, now, 1); got != want {
			t.Errorf("waiting for %d: %q, want %s", receiver, got, want)
		}
		if f := v.Findings[0]; want == "CW105" && (f.Severity != report.SeverityWarning || !strings.Contains(strings.Join(f.Evidence, "\n"), "1 other worker not held up")) {
			t.Errorf("%s %v, want a warning, as the other has time", f.Severity, f.Evidence)
		}
	}
}

// TestHandlerBusy_handed: who was there before a connection has not inherited it, but was handed it by the one that keeps it as well.
func TestHandlerBusy_handed(t *testing.T) {
	for name, test := range map[string]struct {
		does    look.Thread
		running time.Duration
		want    string
	}{
		"at work":           {sleeper(child), 24 * time.Hour, "CW107"},
		"waits for work":    {in(child, look.CallRead, "recvmsg", 4, 900), 24 * time.Hour, "CW109"},
		"started afterward": {sleeper(child), 30 * time.Second, "CW109"},
	} {
		now, _ := dispatching(test.does)
		now.Processes[child].Activity.Running = test.running
		now.Namespaces[0].Sockets[1].State, now.Namespaces[0].Sockets[1].RecvQueue = tcp.Established, 0
		now.Holders.Sort()
		if f := only(t, Run(now, nil)); f.Code != test.want || *f.Culprits[0].PID != child {
			t.Errorf("%s: %s %+v, want %s", name, f.Code, f.Culprits, test.want)
		}
	}
}

// TestWorkersBlocked_channel: who serves what another accepts need be no child of that: it is at the other end of a unix socket, whoever of the two has connected that.
func TestWorkersBlocked_channel(t *testing.T) {
	const ends, worker = 900, 901 // the one of who accepts, and the one of who serves
	for name, test := range map[string]struct {
		does      look.Thread
		connected bool // by the worker
		serves    bool
		want      string
	}{
		"asleep":             {sleeper(child), false, true, "CW105"},
		"stopped":            {stopping(child), true, true, "CW111"},
		"has been connected": {in(child, look.CallRead, "recvmsg", 4, worker), false, true, "CW102"},
		"has connected":      {in(child, look.CallRead, "recvmsg", 4, worker), true, true, "CW102"},
		"serves others":      {sleeper(child), false, false, "CW102"},
	} {
		now, a := dispatching(test.does)
		a.Children = nil
		a.Sockets = append(a.Sockets, look.Descriptor{FD: 20, Inode: ends})
		now.Unix = map[uint32]look.Unix{ends: {Peer: worker, Connected: !test.connected}, worker: {Peer: ends, Connected: test.connected}}
		for inode, h := range map[uint32]look.Holder{ends: {PID: ours, FD: 20}, worker: {PID: child, FD: 4}} {
			now.Holders.Want(inode)
			now.Holders.Add(inode, h)
		}
		now.Holders.Sort()
		now.Processes[child].PPID, now.Processes[child].Activity.Executable = 1, "/bin/other"
		if !test.serves {
			now.Processes[child].Activity.Sockets = nil
		}
		if got := code(Run(now, nil), now, 1); got != test.want {
			t.Errorf("%s: %q, want %s", name, got, test.want)
		}
	}
}
