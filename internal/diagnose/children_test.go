package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// The first child of our process, and the pipe that is the output of that.
const (
	child  = 4000
	output = 800
)

// withChildren gives our process as many children as it has clients in the snapshot, each started when a request came, with its output in a pipe; they do what a thread does.
func withChildren(now *look.Snapshot, a *look.Activity, n int, running time.Duration, does func(tid int) look.Thread) {
	a.ChildrenSought = true
	for i := range n {
		pid := child + i
		a.Children = append(a.Children, pid)
		now.Processes[pid] = &look.Process{PID: pid, Comm: "script", PPID: ours, Activity: &look.Activity{
			Threads: []look.Thread{does(pid)}, ThreadCount: 1, CallsKnown: true, Executed: true, Running: running, Outputs: [2]uint32{uint32(output + i), 0},
		}}
	}
}

// readsPipes gives our process's loop the pipes of its children.
func readsPipes(a *look.Activity, n int) {
	for i := range n {
		a.Epolls[0].Watches = append(a.Epolls[0].Watches, look.Watch{FD: 60 + i, Inode: uint64(output + i), Events: look.PollIn})
	}
}

// TestHandlerBusy_scripts: a loop that waits for the output of programs which it started when requests came is no program that forgot them.
func TestHandlerBusy_scripts(t *testing.T) {
	const asked = time.Minute + time.Second // how long ago the requests of the clients came
	for name, test := range map[string]struct {
		children int
		running  time.Duration
		code     string
		change   func(*look.Snapshot, *look.Activity)
	}{
		"one for each":         {2, asked, "CW107", nil},
		"started a while late": {2, asked - started, "CW107", nil},
		"there before":         {2, time.Hour, "CW102", nil},
		"started later":        {2, asked / 2, "CW102", nil},
		"of its standard error": {2, asked, "CW107", func(now *look.Snapshot, _ *look.Activity) {
			for i := range 2 {
				o := &now.Processes[child+i].Activity.Outputs
				o[0], o[1] = 0, o[0]
			}
		}},
		"a pair of sockets": {2, asked, "CW107", func(now *look.Snapshot, a *look.Activity) {
			now.Unix = map[uint32]look.Unix{}
			for i := range 2 {
				a.Epolls[0].Watches[2+i].Inode = uint64(900 + i)
				a.Sockets = append(a.Sockets, look.Descriptor{FD: int32(60 + i), Inode: uint32(900 + i)})
				now.Unix[uint32(900+i)] = look.Unix{Peer: uint32(output + i)}
			}
		}},
		"a worker": {2, asked, "CW102", func(now *look.Snapshot, _ *look.Activity) {
			now.Processes[child].Activity.Executed, now.Processes[child+1].Activity.Executed = false, false
		}},
		"it does not read": {2, asked, "CW102", func(_ *look.Snapshot, a *look.Activity) { a.Epolls[0].Watches = a.Epolls[0].Watches[:2] }},
		"another's pipe": {2, asked, "CW102", func(now *look.Snapshot, _ *look.Activity) {
			now.Processes[child].Activity.Outputs, now.Processes[child+1].Activity.Outputs = [2]uint32{1}, [2]uint32{2}
		}},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), listening(0, 128))
		a := busyWith(now)
		looping(a)
		readsPipes(a, test.children)
		withChildren(now, a, test.children, test.running, func(tid int) look.Thread { return in(tid, look.CallChild, "wait4", -1, 0) })
		if test.change != nil {
			test.change(now, a)
		}
		f := only(t, Run(now, nil))
		said := strings.Join(f.Evidence, "; ")
		if f.Code != test.code {
			t.Errorf("%s: %s:\n%s", name, f.Code, said)
		}
		if f.Code == "CW107" && (len(f.Culprits) != 2 || *f.Culprits[0].PID < child || *f.Culprits[0].Syscall != "wait4" || f.Processes[0].PID != ours ||
			!strings.Contains(said, "pid 2214 waits for the output of script (pid 400") || !strings.Contains(said, "what it waits for is on this host: script (pid 400")) {
			t.Errorf("%s: %+v\n%s", name, f.Culprits, said)
		}
	}
}

// TestHandlerBusy_oneScript: of two requests that nobody answers the one with a script is known to be worked for.
func TestHandlerBusy_oneScript(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Hour, 83, 1), listening(0, 128))
	a := busyWith(now)
	looping(a)
	readsPipes(a, 1)
	withChildren(now, a, 1, time.Minute+time.Second, sleeper)
	v := Run(now, nil)
	if a, b := code(v, now, 0), code(v, now, 1); a != "CW107" || b != "CW102" {
		t.Errorf("%s and %s, want CW107 and CW102", a, b)
	}
}

// TestAwaitedChildren: threads that wait for the end of a child or for its output name it, and what it has started in turn.
func TestAwaitedChildren(t *testing.T) {
	reading := in(ours, look.CallRead, "read", 60, 0)
	reading.First.Call.Pipe, reading.Again.Call.Pipe = output, output
	polling := in(ours, look.CallPoll, "poll", -1, 0)
	for _, m := range []*look.Moment{&polling.First, &polling.Again} {
		m.Call.Watches = []look.Watch{{FD: 60, Inode: output, Events: look.PollIn}}
	}
	waiting := in(ours, look.CallChild, "wait4", -1, 0)
	this := in(ours, look.CallChild, "wait4", -1, 0)
	this.First.Call.Child, this.Again.Call.Child = child, child
	another := in(ours, look.CallChild, "wait4", -1, 0)
	another.First.Call.Child, another.Again.Call.Child = 7, 7
	for name, test := range map[string]struct {
		thread look.Thread
		named  bool
	}{
		"read": {reading, true}, "poll": {polling, true}, "any child": {waiting, true}, "this child": {this, true}, "another child": {another, false},
		"epoll": {in(ours, look.CallPoll, "epoll_wait", 4, 0), true},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), queued(2), listening(1, 128))
		a := busyWith(now, test.thread)
		a.Epolls = []look.PollSet{{FD: 4}}
		readsPipes(a, 1)
		withChildren(now, a, 1, time.Minute, func(tid int) look.Thread { return in(tid, look.CallChild, "wait4", -1, 0) })
		now.Processes[child].Activity.Children = []int{child + 9}
		now.Processes[child+9] = &look.Process{PID: child + 9, Comm: "sleep", PPID: child, Activity: &look.Activity{Threads: []look.Thread{sleeper(child + 9)}, ThreadCount: 1, CallsKnown: true, Executed: true}}
		f := only(t, Run(now, nil))
		said := strings.Join(f.Evidence, "; ")
		if f.Code != "CW105" || len(f.Culprits) != 1 || *f.Culprits[0].PID != ours || test.named != strings.Contains(said, "what it waits for is on this host: script (pid 4000), its child, with 1 thread in wait4; sleep (pid 4009), its child, with 1 thread in clock_nanosleep") {
			t.Errorf("%s: %s, %+v\n%s", name, f.Code, f.Culprits, said)
		}
	}
}

// TestChildren_stopped: a child that does not run is why nothing comes from it.
func TestChildren_stopped(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
	a := busyWith(now, in(ours, look.CallChild, "wait4", -1, 0))
	withChildren(now, a, 1, time.Minute, stopping)
	v := Run(now, nil)
	i := slices.IndexFunc(v.Findings, func(f report.Finding) bool { return f.Code == "CW107" })
	j := slices.IndexFunc(v.Findings, func(f report.Finding) bool { return f.Code == "CW111" })
	if i < 0 || j < 0 || v.Findings[i].CausedBy == nil || *v.Findings[i].CausedBy != v.Findings[j].ID || v.Findings[j].Processes[0].PID != child {
		t.Fatalf("%+v", v.Findings)
	}
	if said := strings.Join(v.Findings[j].Evidence, "; "); !strings.Contains(said, "(pid 2214) waits for it, which it has started") {
		t.Error(said)
	}
}

// TestChildren_heirs: a program that was started by a handler, and has its connection and the listener by accident, keeps nobody waiting.
func TestChildren_heirs(t *testing.T) {
	for waiting, want := range map[bool]string{false: "CW107", true: "CW105"} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
		if waiting {
			now = snapshot(client(1, time.Minute, 83, 1), listening(1, 128), queued(2))
		}
		a := busyWith(now, in(ours, look.CallChild, "wait4", -1, 0))
		withChildren(now, a, 1, time.Minute, sleeper)
		heir := now.Processes[child].Activity
		for _, own := range a.Sockets {
			now.Holders.Hold(own.Inode, look.Holder{PID: child, FD: int(own.FD)})
			heir.Sockets = append(heir.Sockets, own)
		}
		f := only(t, Run(now, nil))
		if f.Code != want || len(f.Culprits) != 1 || *f.Culprits[0].PID != ours {
			t.Errorf("%s: %+v\n%s", f.Code, f.Culprits, strings.Join(f.Evidence, "; "))
		}
	}
}

// TestChildren_limit: who is known as a child only is no subject of its own.
func TestChildren_limit(t *testing.T) {
	for child, want := range map[bool]int{false: 1, true: 0} {
		now := snapshot(listening(0, 128))
		now.Processes[4000] = &look.Process{PID: 4000, FDs: 40, FDLimit: 40, Child: child}
		if v := Run(now, nil); len(v.Findings) != want {
			t.Errorf("%v: %+v", child, v.Findings)
		}
	}
}

// TestAskedChildren: children are asked for where a process may wait for one, and of a loop only where it has requests, or nothing else.
func TestAskedChildren(t *testing.T) {
	for name, test := range map[string]struct {
		requests bool
		set      []look.Watch
		want     bool
	}{
		"requests": {true, []look.Watch{{FD: 60, Inode: output, Events: look.PollIn}}, true}, "none": {false, []look.Watch{{FD: 60, Inode: output, Events: look.PollIn}}, false},
		"nothing to read": {true, []look.Watch{{FD: 60, Inode: output, Events: look.PollOut}}, false}, "sockets alone": {true, nil, false},
	} {
		unread := uint32(84)
		if test.requests {
			unread = 1
		}
		now := snapshot(client(1, time.Minute, 83, unread), listening(0, 128))
		a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 4, 0))
		watching(a, 4, 0, 1)
		a.Epolls[0].Watches = append(a.Epolls[0].Watches, test.set...)
		d := new(Diagnosis)
		if w := d.Inquire(now); slices.Contains(w.Children, ours) != test.want {
			t.Errorf("%s: %v", name, w.Children)
		}
		if a.ChildrenSought = true; len(d.Inquire(now).Children) != 0 {
			t.Errorf("%s: asked again", name)
		}
	}
}
