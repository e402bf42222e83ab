package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// pollsOn is a thread that waits in poll for one descriptor, of no socket of TCP.
func pollsOn(tid, fd int) look.Thread {
	t := in(tid, look.CallPoll, "poll", -1, 0)
	t.First.Call.Watches = []look.Watch{{FD: fd, Events: look.PollIn}}
	t.Again.Call.Watches = t.First.Call.Watches
	return t
}

// born is a thread that was started so long ago.
func born(t look.Thread, ago time.Duration) look.Thread {
	t.Running = ago
	return t
}

// TestHandlerBusy_alone: a process that has been given one connection and waits for a file serves that alone, though it has read nothing of it; with others in the queue of its own listener they wait for it.
func TestHandlerBusy_alone(t *testing.T) {
	for name, test := range map[string]struct {
		queue uint32
		holds bool
		want  string
	}{"given by who accepts": {2, false, "CW107"}, "it accepts itself": {0, true, "CW107"}, "others wait for it": {2, true, "CW105"}} {
		now := snapshot(client(1, time.Minute, 83, 84), listening(test.queue, 128), queued(2), queued(3))
		if !test.holds {
			held(now, listener, look.Holder{PID: 300, FD: 3})
			now.Processes[300] = &look.Process{PID: 300, Comm: "inetd", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{in(300, look.CallSleep, "rt_sigsuspend", -1, 0)}}}
			now.Processes[ours].PPID = 300
		}
		busyWith(now, in(ours, look.CallFile, "openat", -1, 0))
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.want {
			t.Errorf("%s: %q, want %s", name, got, test.want)
		}
		if f := v.Of(&now.Namespaces[0].Sockets[2]); name == "given by who accepts" && (f.Code != "CW104" || f.CausedBy == nil) {
			t.Errorf("%s: the queue: %s, explained %v", name, f.Code, f.CausedBy != nil)
		}
	}
}

// TestAttended: a thread that began with a connection works for it, whatever it waits for, unless the connection has its answer.
func TestAttended(t *testing.T) {
	const idle = time.Minute
	accepting := in(ours, look.CallAccept, "accept4", 13, listener)
	made := idle + 2*time.Second // when client makes its connections
	answered := info(tcp.DataSegsOut, 1)
	sentLast := info(tcp.LastDataSent, uint64(idle/time.Millisecond))
	tests := []struct {
		name    string
		sockets []tcp.Socket
		threads []look.Thread
		want    string
	}{
		{"each has a thread in a lock", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, born(parked(2), made), born(parked(3), made+20*time.Millisecond)}, "CW107"},
		{"each has a thread that waits for a child's output", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, born(pollsOn(2, 90), made), born(pollsOn(3, 91), made)}, "CW107"},
		{"not a byte was read", []tcp.Socket{client(1, idle, 83, 84), client(2, idle, 83, 84)}, []look.Thread{accepting, born(pollsOn(2, 90), made), born(pollsOn(3, 91), made)}, "CW107"},
		{"one of them has none", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, born(parked(2), made)}, "CW102"},
		{"the threads are older", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, born(parked(2), time.Hour), born(parked(3), time.Hour)}, "CW102"},
		{"the program came late to accept", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, born(parked(2), made-700*time.Millisecond), born(parked(3), made-700*time.Millisecond)}, "CW107"},
		{"the threads are younger", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, born(parked(2), made-1500*time.Millisecond), born(parked(3), made-1500*time.Millisecond)}, "CW102"},
		{"they have been answered", []tcp.Socket{client(1, idle, 83, 1, answered, sentLast), client(2, idle, 83, 1, answered, sentLast)}, []look.Thread{accepting, born(parked(2), made), born(parked(3), made)}, "CW102"},
		{"the threads get on", []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}, []look.Thread{accepting, ran(born(parked(2), made)), ran(born(parked(3), made))}, "CW102"},
	}
	for _, test := range tests {
		now := snapshot(append(test.sockets, listening(0, 128))...)
		busyWith(now, test.threads...)
		f := only(t, Run(now, nil))
		if f.Code != test.want || f.Count != len(test.sockets) || test.want == "CW107" && len(f.Culprits) != len(test.sockets) {
			t.Errorf("%s: %s of %d, culprits %v; want %s", test.name, f.Code, f.Count, f.Culprits, test.want)
		}
	}
}

// rested is a thread that has not run for so long.
func rested(t look.Thread, ago time.Duration) look.Thread {
	t.Resting = ago
	return t
}

// TestResumed: where each client has a thread of a pool that reads its next request, one that has not run since the request of another came works for that, whatever it waits for; who reads another's next request does not.
func TestResumed(t *testing.T) {
	const idle = time.Minute
	asked := idle + time.Second // when client sends its request
	next := in(4, look.CallRead, "poll", 9, 60)
	working := rested(parked(2), asked)
	for name, test := range map[string]struct {
		threads []look.Thread
		client  tcp.Socket
		want    string
		tid     int
	}{
		"since the request":             {[]look.Thread{working, next}, client(1, idle, 83, 1), "CW107", 2},
		"others rest, too":              {[]look.Thread{rested(parked(5), 20*time.Second), working, rested(parked(3), time.Hour), next}, client(1, idle, 83, 1), "CW107", 2},
		"it rests for longer":           {[]look.Thread{rested(parked(2), asked+time.Second), next}, client(1, idle, 83, 1), "CW102", 0},
		"it has run since":              {[]look.Thread{rested(parked(2), asked-time.Second), next}, client(1, idle, 83, 1), "CW102", 0},
		"it was answered":               {[]look.Thread{working, next}, client(1, idle, 83, 1, info(tcp.DataSegsOut, 1), info(tcp.LastDataSent, 60_500)), "CW102", 0},
		"nothing was read":              {[]look.Thread{working, next}, client(1, idle, 83, 84), "CW105", 0},
		"no thread reads what is next":  {[]look.Thread{working, parked(4)}, client(1, idle, 83, 1), "CW102", 0},
		"only who reads what is next":   {[]look.Thread{next}, client(1, idle, 83, 1), "CW102", 0},
		"one asks somebody else itself": {[]look.Thread{in(2, look.CallRead, "recvfrom", 10, 70), next}, client(1, idle, 83, 1), "CW107", 2},
	} {
		now := snapshot(test.client, listening(0, 128), socket(tcp.Established, idle, inode(60), cookie(60), between("192.0.2.1:80", "198.51.100.7:5200")), backend(70, idle))
		busyWith(now, append([]look.Thread{in(ours, look.CallAccept, "accept4", 8, listener)}, test.threads...)...)
		f := only(t, Run(now, nil))
		if f.Code != test.want || test.tid != 0 && (len(f.Culprits) != 1 || *f.Culprits[0].TID != test.tid) {
			t.Errorf("%s: %s %+v, want %s", name, f.Code, f.Culprits, test.want)
		}
	}
}

// TestOverrun: requests that were read and are more than there are threads at work wait inside the program, unless a thread may be idle, or something looks at them.
func TestOverrun(t *testing.T) {
	loop := in(ours, look.CallPoll, "epoll_wait", 3, 0)
	for name, test := range map[string]struct {
		threads []look.Thread
		watched bool
		want    string
	}{
		"all at work":         {[]look.Thread{loop, sleeper(2), sleeper(3)}, false, "CW105"},
		"one may be idle":     {[]look.Thread{loop, sleeper(2), parked(3)}, false, "CW102"},
		"the loop looks":      {[]look.Thread{loop, sleeper(2), sleeper(3)}, true, "CW102"},
		"as many as requests": {[]look.Thread{loop, sleeper(2), sleeper(3), sleeper(4)}, false, "CW107"},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), client(3, time.Minute, 83, 1), listening(0, 128))
		a := busyWith(now, test.threads...)
		if watching(a, 3, 3); test.watched {
			watching(a, 3, 0, 1, 2)
		}
		if f := only(t, Run(now, nil)); f.Code != test.want || f.Count != 3 {
			t.Errorf("%s: %s of %d, want %s", name, f.Code, f.Count, test.want)
		}
	}
}

// TestOverrun_loop: beside a loop that runs, a thread that has slept since before all requests works for none. What was told once of a client's end and has not read that waits for the pool, unless the loop has asked another for it.
func TestOverrun_loop(t *testing.T) {
	const minute = time.Minute
	loop := in(ours, look.CallPoll, "epoll_wait", 3, 0)
	asks := func(n int) tcp.Socket {
		return backend(uint32(60+n), minute+time.Second, info(tcp.DataSegsIn, 0), between(fmt.Sprintf("192.0.2.1:%d", 45000+n), "203.0.113.5:5432"))
	}
	own := []tcp.Socket{asks(0), asks(1)}
	pool := []look.Thread{loop, in(2, look.CallRead, "recvfrom", 11, 60), in(3, look.CallRead, "recvfrom", 12, 61)}
	collector := in(4, look.CallRead, "recvfrom", 13, 64)
	fed := []tcp.Socket{backend(64, time.Hour, between("192.0.2.1:45004", "203.0.113.5:9092"))}
	for name, test := range map[string]struct {
		threads []look.Thread
		events  uint32
		others  []tcp.Socket
		want    string
	}{
		"a timer of the program":        {[]look.Thread{loop, resting(sleeper(2), time.Hour)}, 0, nil, "CW102"},
		"a thread that sleeps since":    {[]look.Thread{loop, resting(sleeper(2), minute)}, 0, nil, "CW105"},
		"told once, the pool is busy":   {pool, look.PollIn | look.PollEdge, own, "CW105"},
		"told once, beside another":     {[]look.Thread{loop, collector}, look.PollIn | look.PollEdge, fed, "CW102"},
		"told of it all the time":       {pool, look.PollIn, own, "CW102"},
		"told once, the loop has asked": {pool, look.PollIn | look.PollEdge, append(own, asks(2)), "CW108"},
	} {
		now := snapshot(append([]tcp.Socket{client(1, minute, 83, 1), client(2, minute, 83, 1), client(3, minute, 83, 1), listening(0, 128)}, test.others...)...)
		a := busyWith(now, test.threads...)
		watching(a, 3, 3)
		for n := 0; test.events != 0 && n < 3; n++ {
			a.Epolls[0].Watches = append(a.Epolls[0].Watches, look.Watch{FD: int(a.Sockets[n].FD), Inode: uint64(a.Sockets[n].Inode), Events: test.events})
		}
		if got := code(Run(now, nil), now, 2); got != test.want {
			t.Errorf("%s: %q, want %s", name, got, test.want)
		}
	}
}

// TestLoops_share: threads that share an epoll instance sleep, each since it has read a request, and are named together; another that sleeps as well is none of them.
func TestLoops_share(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, 70*time.Second, 83, 1), listening(3, 128), queued(3))
	a := busyWith(now, resting(sleeper(ours), 61*time.Second), resting(sleeper(2), 71*time.Second), resting(sleeper(3), 65*time.Second))
	watching(a, 3, 0, 1, 2)
	if f := only(t, Run(now, nil)); f.Code != "CW106" || f.Count != 3 || len(f.Culprits) != 2 || *f.Culprits[1].TID != 2 {
		t.Errorf("%s of %d: %+v", f.Code, f.Count, f.Culprits)
	}
}

// TestLoops_each: each of some loops has its own connection and the listener; what they have in hand is of one story with what waits to be accepted.
func TestLoops_each(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), listening(3, 128), queued(3), backend(60, time.Minute), backend(61, time.Minute, between("192.0.2.1:45001", "203.0.113.5:5432")))
	a := busyWith(now, parked(ours), in(2, look.CallRead, "read", 10, 60), in(3, look.CallRead, "read", 11, 61))
	for n, fd := range []int{30, 31} {
		watching(a, fd, n, 2)
		a.Epolls[n].Watches[0].Events = look.PollIn | look.PollOut | look.PollEdge
	}
	if f := only(t, Run(now, nil)); f.Code != "CW106" || f.Count != 3 {
		t.Errorf("%s of %d, want one finding for all three", f.Code, f.Count)
	}
}

// TestParked: waiting for something that is no connection is work for the only thread of a process, and may be idleness for one of several.
func TestParked(t *testing.T) {
	brief := pollsOn(ours, 90)
	brief.First.Call.Left, brief.Again.Call.Left = 700*time.Millisecond, 700*time.Millisecond
	tests := []struct {
		name    string
		threads []look.Thread
		sets    func(*look.Activity)
		want    string
	}{
		{"the only thread waits for a pipe", []look.Thread{pollsOn(ours, 90)}, nil, "CW105"},
		{"the only thread waits for a lock of a file", []look.Thread{in(ours, look.CallLock, "flock", 90, 0)}, nil, "CW105"},
		{"for parts of a second", []look.Thread{brief}, nil, "CW104"},
		{"for a set with the listener", []look.Thread{pollsOn(ours, 3)}, func(a *look.Activity) { watching(a, 3, 1) }, "CW104"},
		{"the only thread waits for a page", []look.Thread{in(ours, look.CallFault, "", -1, 0)}, nil, "CW105"},
		{"the only thread opens a file", []look.Thread{in(ours, look.CallFile, "openat", -1, 0)}, nil, "CW105"},
		{"of several threads all that serve open files", []look.Thread{in(ours, look.CallChild, "wait4", -1, 0), in(2, look.CallFile, "openat", -1, 0), in(3, look.CallFile, "statx", -1, 0)}, nil, "CW105"},
		{"all threads wait for a lock", []look.Thread{parked(ours), parked(2)}, nil, "CW105"},
	}
	for _, test := range tests {
		now := snapshot(client(1, time.Minute, 83, 1), listening(2, 128), queued(2), queued(3))
		a := busyWith(now, test.threads...)
		if test.sets != nil {
			test.sets(a)
		}
		v := Run(now, nil)
		if one, other := code(v, now, 2), code(v, now, 3); one != test.want || other != test.want {
			t.Errorf("%s: %q and %q, want %q", test.name, one, other, test.want)
		}
	}
}

// TestLoop_unregistered: what a loop has accepted and not put into its set yet waits for it as well, but only where something in the set shows that the loop is elsewhere.
func TestLoop_unregistered(t *testing.T) {
	readLongAgo := info(tcp.LastDataRecv, 600_000)
	tests := []struct {
		name  string
		inSet tcp.Socket
		want  string
	}{
		{"another in the set waits", client(1, time.Minute, 83, 1), "CW106"},
		{"another in the set was seen to", client(1, time.Minute, 83, 0, readLongAgo), "CW102"},
	}
	for _, test := range tests {
		now := snapshot(test.inSet, client(2, time.Minute, 83, 1, readLongAgo), client(3, time.Minute, 83, 1, readLongAgo), listening(0, 128))
		watching(busyWith(now, sleeper(ours)), 3, 0, 3)
		v := Run(now, nil)
		if got := code(v, now, 1); got != test.want {
			t.Errorf("%s: %q, want %q: %+v", test.name, got, test.want, v.Findings)
		}
	}
}

// TestListener_shared: several listeners on one port have a queue each, and the kernel does not say who waits where.
func TestListener_shared(t *testing.T) {
	busyOne := listening(2, 128)
	idleOne := listening(0, 128)
	idleOne.Inode, idleOne.Cookie = 998, 998
	now := snapshot(idleOne, busyOne, client(1, time.Minute, 83, 1), queued(2), queued(3))
	now.Processes[77] = &look.Process{PID: 77, Comm: "java", FDs: 5, FDLimit: 100, Activity: &look.Activity{
		CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{in(77, look.CallAccept, "accept4", 3, 998)},
	}}
	now.Holders = look.Holders{}
	for inode, holder := range map[uint32]look.Holder{998: {PID: 77, FD: 3}, 999: {PID: ours, FD: 8}, 1001: {PID: ours, FD: 9}} {
		now.Holders.Want(inode)
		now.Holders.Add(inode, holder)
	}
	busyWith(now, sleeper(ours))
	v := Run(now, nil)
	for i := 2; i < 5; i++ {
		if got := code(v, now, i); got != "CW105" {
			t.Errorf("socket %d: %q, want CW105: %+v", i, got, v.Findings)
		}
	}
}

// TestProgram: processes that were forked from one another are one owner, and so are those started by the same command, also where their parent has died.
func TestProgram(t *testing.T) {
	process := func(pid, ppid int, command string, executed bool) *look.Process {
		return &look.Process{PID: pid, PPID: ppid, Cmdline: command, FDLimit: 100, Activity: &look.Activity{Executed: executed, Threads: make([]look.Thread, 1)}}
	}
	sc := newScene(&look.Snapshot{Processes: map[int]*look.Process{
		10: process(10, 1, "server", true), 11: process(11, 10, "server: worker 1", false), 12: process(12, 10, "server: worker 2", false),
		20: process(20, 5, "sleep 60", true), 21: process(21, 5, "sleep 60", true), 22: process(22, 5, "sleep 61", true), 23: process(23, 6, "sleep 60", true),
	}}, nil)
	for i, group := range []int{0, 40, 40, 49, 40, 40, 46, 0, 0} { // from 41 on: their parent is pid 1
		pid := 40 + i
		sc.now.Processes[pid] = process(pid, 1, "worker", i == 4 || i == 5)
		sc.now.Processes[pid].Group = group
	}
	delete(sc.now.Processes, 40)
	sc.now.Processes[50] = process(50, 42, "worker", false)
	same := func(a, b int, want bool) {
		if got := sc.program(a) == sc.program(b); got != want {
			t.Errorf("%d is %s, %d is %s", a, sc.program(a), b, sc.program(b))
		}
	}
	same(10, 11, true)
	same(11, 12, true)
	same(20, 21, true)
	same(20, 22, false)
	same(20, 23, false)
	same(41, 42, true)
	same(41, 50, true)
	same(41, 43, false) // of another group
	same(41, 44, false) // executed the program by itself
	same(44, 45, true)
	same(41, 46, false) // began its own
	same(47, 48, false) // not known
}

// TestUnanswered counts what a server has read and not answered, also where the end is unread; what it has not read at all it has not taken on.
func TestUnanswered(t *testing.T) {
	sent := []made{info(tcp.DataSegsOut, 1), info(tcp.LastDataSent, 60_500)}
	tests := []struct {
		name    string
		clients []tcp.Socket
		role    bool
		want    int
	}{
		{"read to the end", []tcp.Socket{client(1, time.Minute, 83, 0), client(2, time.Minute, 83, 0)}, true, 2},
		{"the end is unread", []tcp.Socket{client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1, sent...)}, true, 1},
		{"not a byte was read", []tcp.Socket{client(1, time.Minute, 83, 84)}, true, 0},
		{"no data came", []tcp.Socket{client(1, time.Minute, 0, 0, info(tcp.DataSegsIn, 0))}, true, 0},
		{"no server", []tcp.Socket{client(1, time.Minute, 83, 0)}, false, 0},
	}
	for _, test := range tests {
		sockets := test.clients
		if test.role {
			sockets = append(sockets, listening(0, 128))
		}
		f := only(t, Run(snapshot(sockets...), nil))
		if test.role != (f.Unanswered != nil) || test.role && *f.Unanswered != test.want {
			t.Errorf("%s: %s, %v", test.name, f.Code, f.Unanswered)
		}
	}
}

// TestPassedOn: a tunnel carries several connections over one, which sent something when their ends came; another connection of the program did so by chance only.
func TestPassedOn(t *testing.T) {
	made := func(s *tcp.Socket) {
		s.Info.Put(tcp.BytesSent, 500)
		s.Info.Put(tcp.BytesRetrans, 0)
		s.Info.Put(tcp.BytesAcked, 501)
		s.Info.Put(tcp.Unacked, 0)
	}
	for _, test := range []struct {
		name string
		sent time.Duration
		read uint32
		want bool
	}{
		{"at that moment", time.Minute, 0, true},
		{"since then", 50 * time.Second, 0, false},
		{"before, and the end is unread", time.Minute, 1, false},
	} {
		now := snapshot(client(1, time.Minute, 83, test.read), listening(0, 128), backend(60, test.sent, made))
		a := busyWith(now, in(ours, look.CallPoll, "poll", -1, 0))
		a.Threads[0].First.Call.Watches = []look.Watch{{FD: 8, Events: look.PollIn}, {FD: 9, Events: look.PollIn}}
		a.Threads[0].Again = a.Threads[0].First
		f := only(t, Run(now, nil))
		told := strings.Contains(strings.Join(f.Evidence, "\n"), "descriptor 9 of pid 2214, to 203.0.113.5:5432, sent something")
		if told != test.want {
			t.Errorf("%s: %s %v", test.name, f.Code, f.Evidence)
		}
	}
}

// TestLoops: of several event loops one is elsewhere. What is in its set, and what was accepted and is in none yet, waits for it, also where its thread waits in a lock since it has read a request; an idle thread does not.
func TestLoops(t *testing.T) {
	const minute, loop = time.Minute, 2
	for name, test := range map[string]struct {
		away look.Thread
		sets [][]int
		want string
	}{
		"in a read":                         {in(loop, look.CallRead, "read", 90, 0), [][]int{{0, 1}, {2, 3}}, "CW106"},
		"in a lock":                         {resting(parked(loop), minute+time.Second), [][]int{{0, 1}, {2, 3}}, "CW106"},
		"in a lock, a set each":             {resting(parked(loop), minute+time.Second), [][]int{{0}, {2, 3}}, "CW105"},
		"in a lock from before the request": {resting(parked(loop), 2*minute), [][]int{{0, 1}, {2, 3}}, "CW105"},
	} {
		established := func(n int) tcp.Socket {
			return socket(tcp.Established, 90*time.Second, inode(uint32(1000+n)), cookie(tcp.Cookie(1000+n)))
		}
		now := snapshot(client(1, minute, 83, 1), established(2), established(3), established(4), client(5, minute, 83, 84), listening(0, 128))
		a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 33, 0), test.away, in(3, look.CallPoll, "epoll_wait", 31, 0), in(4, look.CallPoll, "epoll_wait", 32, 0))
		for n, set := range test.sets {
			watching(a, 30+n, set...)
		}
		watching(a, 32, 5)
		f := only(t, Run(now, nil))
		if f.Code != test.want || f.Count != 2 || len(f.Culprits) != 1 || *f.Culprits[0].TID != loop {
			t.Errorf("%s: %s of %d: %+v", name, f.Code, f.Count, f.Culprits)
		}
	}
}

// TestLoops_single: of several loops that are elsewhere one has a single connection, as a worker has; it is a loop like the others.
func TestLoops_single(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 84), client(3, time.Minute, 83, 1), listening(0, 128))
	a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 32, 0), sleeper(2), sleeper(3))
	watching(a, 30, 0, 1)
	watching(a, 31, 2)
	watching(a, 32, 3)
	if f := only(t, Run(now, nil)); f.Code != "CW106" || f.Count != 3 {
		t.Errorf("%s of %d, want one finding for all three", f.Code, f.Count)
	}
	a.Epolls[0].Watches = a.Epolls[0].Watches[1:] // a worker each
	if f := only(t, Run(now, nil)); f.Code == "CW106" {
		t.Errorf("%s: no set has more than one connection", f.Code)
	}
}
