package diagnose

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// held hands all holders of an inode over to others.
func held(now *look.Snapshot, inode uint32, by ...look.Holder) {
	old := now.Holders
	now.Holders = look.MakeHolders(8)
	for n, h := range old.All() {
		now.Holders.Want(n)
		if n != inode {
			now.Holders.Add(n, h)
		}
	}
	now.Holders.Want(inode)
	for _, h := range by {
		now.Holders.Add(inode, h)
	}
	now.Holders.Sort()
}

func TestInherited(t *testing.T) {
	const heir = 300
	now := func(connection tcp.Socket, change func(*look.Process)) *look.Snapshot {
		s := snapshot(connection, listening(0, 128))
		held(s, 1001, look.Holder{PID: heir, FD: 5})
		p := &look.Process{PID: heir, Comm: "sleep", PPID: ours, Activity: &look.Activity{
			Threads: []look.Thread{sleeper(heir)}, ThreadCount: 1, CallsKnown: true, Executed: true, Running: time.Hour, Executable: "/bin/sleep",
			Sockets: []look.Descriptor{{FD: 5, Inode: 1001, FlagsKnown: true}},
		}}
		s.Processes[heir] = p
		if change != nil {
			change(p)
		}
		return s
	}
	unread := client(1, time.Minute, 83, 84)
	tests := []struct {
		name   string
		change func(*look.Process)
		want   string
	}{
		{"the child of who accepts, after an exec", nil, "CW109"},
		{"forked to serve", func(p *look.Process) { p.Activity.Executed = false }, "CW107"},
		{"close-on-exec", func(p *look.Process) { p.Activity.Sockets[0].CloseOnExec = true }, "CW107"},
		{"started after the connection was made", func(p *look.Process) { p.PPID, p.Activity.Running = 1, 30*time.Second }, "CW109"},
		{"there before the connection", func(p *look.Process) { p.PPID = 1 }, "CW107"},
	}
	for _, test := range tests {
		f := only(t, Run(now(unread, test.change), nil))
		if f.Code != test.want || f.Code == "CW109" && (len(f.Culprits) != 1 || f.Culprits[0].What != "inherited" || *f.Culprits[0].PID != heir) {
			t.Errorf("%s: %s %+v, want %s", test.name, f.Code, f.Culprits, test.want)
		}
	}
	const script = 310
	inetd := func(fd int, wait look.Thread) *look.Snapshot { // a script has its connection as its input, and so has what it runs
		s := now(unread, func(p *look.Process) { p.PPID = script })
		s.Processes[script] = &look.Process{PID: script, Comm: "bash", Activity: &look.Activity{
			Threads: []look.Thread{wait}, ThreadCount: 1, CallsKnown: true, Executed: true, Running: time.Hour, Sockets: []look.Descriptor{{FD: int32(fd), Inode: 1001, FlagsKnown: true}},
		}}
		s.Processes[heir].Activity.Sockets[0].FD = int32(fd)
		held(s, 1001, look.Holder{PID: script, FD: fd}, look.Holder{PID: heir, FD: fd})
		return s
	}
	for name, test := range map[string]struct {
		fd   int
		wait look.Thread
		want string
	}{
		"a command of a script":   {0, in(script, look.CallChild, "wait4", -1, 0), "CW107"},
		"one in the background":   {0, sleeper(script), "CW109"},
		"not its input or output": {4, in(script, look.CallChild, "wait4", -1, 0), "CW109"},
	} {
		f := only(t, Run(inetd(test.fd, test.wait), nil))
		if f.Code != test.want || len(f.Culprits) != 1 || f.Code == "CW107" && *f.Culprits[0].PID != heir {
			t.Errorf("%s: %s %+v, want %s", name, f.Code, f.Culprits, test.want)
		}
	}
	const collector = 320
	for fd, want := range map[int]string{0: "CW107", 3: "CW109"} { // beside the command, another passes on what the script writes, and all have a copy as well
		s := inetd(fd, in(script, look.CallChild, "wait4", -1, 0))
		drains := in(collector, look.CallRead, "read", 7, 0)
		drains.First.Call.Pipe, drains.Again.Call.Pipe = 9, 9
		s.Processes[collector] = &look.Process{PID: collector, Comm: "httpd", PPID: script, Activity: &look.Activity{
			Threads: []look.Thread{drains}, ThreadCount: 1, CallsKnown: true, Running: time.Hour, Sockets: []look.Descriptor{{FD: int32(fd), Inode: 1001, FlagsKnown: true}, {FD: 4, Inode: 1001, FlagsKnown: true}},
		}}
		held(s, 1001, look.Holder{PID: script, FD: fd}, look.Holder{PID: script, FD: 4}, look.Holder{PID: heir, FD: fd}, look.Holder{PID: heir, FD: 4},
			look.Holder{PID: collector, FD: fd}, look.Holder{PID: collector, FD: 4})
		if f := only(t, Run(s, nil)); f.Code != want || len(f.Culprits) != 1 || f.Code == "CW107" && *f.Culprits[0].PID != heir {
			t.Errorf("descriptor %d and a copy: %s %+v, want %s", fd, f.Code, f.Culprits, want)
		}
	}
	forked := func(change func(handler *look.Process, s *look.Snapshot)) *look.Snapshot { // a handler was forked for its connection and runs a command, which has got a copy of it
		s := inetd(5, in(script, look.CallChild, "wait4", -1, 0))
		s.Processes[script].PPID, s.Processes[script].Activity.Executed = ours, false
		change(s.Processes[script], s)
		return s
	}
	for name, test := range map[string]struct {
		change func(*look.Process, *look.Snapshot)
		want   string
	}{
		"a handler waits for its command": {func(*look.Process, *look.Snapshot) {}, "CW107"},
		"for its output": {func(p *look.Process, _ *look.Snapshot) {
			t := in(script, look.CallRead, "read", 7, 0)
			t.First.Call.Pipe, t.Again.Call.Pipe = 9, 9
			p.Activity.Threads = []look.Thread{t}
		}, "CW107"},
		"the server itself waits for it": {func(p *look.Process, s *look.Snapshot) {
			p.Activity.Executed = true
			held(s, listener, look.Holder{PID: script, FD: 3})
		}, "CW107"},
		"for another":         {func(_ *look.Process, s *look.Snapshot) { s.Processes[heir].PPID = 1 }, "CW109"},
		"it does not wait":    {func(p *look.Process, _ *look.Snapshot) { p.Activity.Threads = []look.Thread{sleeper(script)} }, "CW109"},
		"it has others to do": {func(p *look.Process, _ *look.Snapshot) { p.Activity.ThreadCount = 2 }, "CW109"},
	} {
		f := only(t, Run(forked(test.change), nil))
		if f.Code != test.want || len(f.Culprits) != 1 || f.Code == "CW107" && *f.Culprits[0].PID != script {
			t.Errorf("%s: %s %+v, want %s", name, f.Code, f.Culprits, test.want)
		}
	}
	outgoing := func(change func(*look.Process)) *look.Snapshot { // a connection that the parent had made
		connection := socket(tcp.CloseWait, time.Minute, inode(1001), queues(1, 0), between("192.0.2.1:45000", "203.0.113.5:6379"))
		s := now(connection, func(p *look.Process) {
			p.Activity.Executed, p.Activity.Running = false, 30*time.Second
			change(p)
		})
		held(s, 1001, look.Holder{PID: heir, FD: 3})
		s.Processes[heir].Activity.Sockets[0].FD = 3
		return s
	}
	for name, test := range map[string]struct {
		change func(*look.Process)
		want   string
	}{
		"a child keeps what its parent has closed": {func(*look.Process) {}, "CW109"},
		"it executed another program":              {func(p *look.Process) { p.Activity.Executed = true }, "CW109"},
		"it has gone on as the child":              {func(p *look.Process) { p.PPID = 1 }, "CW103"},
		"it made the connection itself":            {func(p *look.Process) { p.Activity.Running = time.Hour }, "CW103"},
	} {
		if f := only(t, Run(outgoing(test.change), nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", name, f.Code, test.want)
		}
	}
	service := func(fd int, change func(*look.Snapshot)) *look.Snapshot { // which has got its listener from who made it
		s := now(unread, func(p *look.Process) { p.Activity.Running = 30 * time.Second })
		held(s, 1001, look.Holder{PID: heir, FD: fd})
		s.Processes[heir].Activity.Sockets[0].FD = int32(fd)
		s.Holders.Add(listener, look.Holder{PID: heir, FD: 3})
		s.Holders.Sort()
		change(s)
		return s
	}
	for name, test := range map[string]struct {
		fd     int
		change func(*look.Snapshot)
		want   string
	}{
		"on purpose":                   {5, func(*look.Snapshot) {}, "CW107"},
		"by accident":                  {5, func(s *look.Snapshot) { s.Holders.Add(listener, look.Holder{PID: heir, FD: 8}) }, "CW109"},
		"from one that is gone":        {5, func(s *look.Snapshot) { s.Processes[heir].PPID = 7 }, "CW109"},
		"from the first, not seen":     {5, func(s *look.Snapshot) { s.Processes[heir].PPID, s.HoldersComplete = 1, false }, "CW107"},
		"a connection it was given":    {3, func(s *look.Snapshot) { s.Holders.Drop(heir); held(s, 1001, look.Holder{PID: heir, FD: 3}) }, "CW107"},
		"a connection that is left it": {5, func(s *look.Snapshot) { s.Holders.Drop(heir); held(s, 1001, look.Holder{PID: heir, FD: 5}) }, "CW109"},
	} {
		if f := only(t, Run(service(test.fd, test.change), nil)); f.Code != test.want {
			t.Errorf("a service that holds its listener, %s: %s, want %s", name, f.Code, test.want)
		}
	}
	passing := snapshot(unread, listening(0, 128))
	passing.Processes[heir] = &look.Process{PID: heir, Comm: "closewait", StartTime: taken.Add(-time.Second)}
	held(passing, 1001, look.Holder{PID: ours, FD: 7}, look.Holder{PID: heir, FD: 5})
	if f := only(t, Run(passing, nil)); f.Code != "CW101" || len(f.Processes) != 1 {
		t.Errorf("a holder that was started a moment ago: %s %+v", f.Code, f.Processes)
	}
	several := snapshot(unread, listening(0, 128))
	several.Processes[heir] = &look.Process{PID: heir, Comm: "sleep", StartTicks: 5}
	held(several, 1001, look.Holder{PID: ours, FD: 7}, look.Holder{PID: heir, FD: 5})
	if f := only(t, Run(several, nil)); f.Code != "CW109" || len(f.Processes) != 2 || *f.Culprits[0].PID != heir {
		t.Errorf("several holders: %s %+v", f.Code, f.Culprits)
	}
}

func TestNobodyHolds(t *testing.T) {
	tests := []struct {
		name     string
		complete bool
		transit  look.Transit
		want     string
	}{
		{"all was looked at, and nothing travels", true, look.Transit{Sought: true, Complete: true}, "CW113"},
		{"some unix sockets could not be asked", true, look.Transit{Sought: true}, "CW112"},
		{"a descriptor waits", true, look.Transit{Sought: true, Complete: true, Waiting: []look.Waiting{{Descriptors: 1}}}, "CW112"},
		{"a descriptor waits, beside processes that may not be read", false, look.Transit{Sought: true, Waiting: []look.Waiting{{Descriptors: 1}}}, "CW112"},
		{"a ring has it", false, look.Transit{Sought: true, Registered: []look.Registered{{Inode: 1001}}}, "CW112"},
		{"nothing waits, beside processes that may not be read", false, look.Transit{Sought: true}, "CW101"},
	}
	for _, test := range tests {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
		held(now, 1001)
		now.HoldersComplete, now.Transit = test.complete, test.transit
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
	ended := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
	held(ended, 1001)
	ended.HoldersComplete, ended.Transit = true, tests[0].transit
	if v := Run(ended, []tcp.Socket{}); len(v.Findings) != 0 {
		t.Errorf("its holder ended while holders were looked for: %+v", v.Findings)
	}
	if f := only(t, Run(ended, []tcp.Socket{client(1, time.Minute, 83, 1)})); f.Code != "CW113" {
		t.Errorf("it was there again: %s", f.Code)
	}
	if w := new(Diagnosis).Inquire(func() *look.Snapshot {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
		held(now, 1001)
		busyWith(now, sleeper(ours)) // it does not wait for connections that others are to serve
		return now
	}()); !w.Transit {
		t.Error("what may be in transit is not asked for")
	}
}

func TestRelay(t *testing.T) {
	const idle = time.Minute
	leg := func(state tcp.State, heard time.Duration, options ...made) tcp.Socket {
		return socket(state, heard, append([]made{inode(2000), cookie(2000), between("192.0.2.1:45000", "203.0.113.5:5432")}, options...)...)
	}
	closed := client(1, idle, 83, 0)
	tests := []struct {
		name   string
		leg    tcp.Socket
		thread look.Thread
		want   string
	}{
		{"the FIN was passed on", leg(tcp.FinWait2, idle), in(ours, look.CallPoll, "epoll_wait", 3, 0), "CW108"},
		{"passed on, and a thread waits for the other end", leg(tcp.FinWait2, idle), in(ours, look.CallRead, "read", 8, 2000), "CW108"},
		{"shut down at another time", leg(tcp.FinWait2, time.Hour, info(tcp.BytesReceived, 1), info(tcp.BytesAcked, 999)), in(ours, look.CallPoll, "epoll_wait", 3, 0), "CW101"},
		{"the same bytes", leg(tcp.Established, time.Hour, info(tcp.BytesReceived, 200), info(tcp.BytesAcked, 84)), in(ours, look.CallPoll, "epoll_wait", 3, 0), "CW108"},
		{"other bytes", leg(tcp.Established, time.Hour), in(ours, look.CallPoll, "epoll_wait", 3, 0), "CW101"},
	}
	for _, test := range tests {
		now := snapshot(closed, test.leg, listening(0, 128))
		busyWith(now, test.thread)
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if f := v.Of(&now.Namespaces[0].Sockets[0]); test.want == "CW108" && (*f.Role != "relay" || f.Culprits[0].What != "other_leg" || *f.Culprits[0].FD != 8) {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}

// TestRelay_endUnread: a relay need not look at a client any more while it waits for the answer to its request.
func TestRelay_endUnread(t *testing.T) {
	asked, before := info(tcp.LastDataSent, 61_000), info(tcp.LastDataRecv, 90_000) // when the client's request came, and long before
	shut := func(s tcp.Socket) tcp.Socket {
		s.State = tcp.FinWait2
		return s
	}
	for name, test := range map[string]struct {
		leg  tcp.Socket
		want string
	}{
		"no answer":                     {backend(2000, time.Minute, asked, before), "CW108"},
		"no answer, asked at once":      {backend(2000, time.Minute, asked, info(tcp.LastDataRecv, 61_000), info(tcp.DataSegsIn, 0)), "CW108"},
		"answered":                      {backend(2000, time.Minute, asked, info(tcp.LastDataRecv, 60_000)), "CW102"},
		"asked before the request came": {backend(2000, time.Minute, info(tcp.LastDataSent, 61_072), before), "CW102"}, // of a pool that others wait for
		"asked at another time":         {backend(2000, time.Minute, info(tcp.LastDataSent, 30_000), before), "CW102"},
		"a thread waits for the answer": {backend(2000, time.Minute, asked, before), "CW107"},
		"the question ended with a FIN": {shut(backend(2000, time.Minute, asked, before)), "CW107"},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), test.leg, listening(0, 128))
		thread := in(ours, look.CallPoll, "epoll_wait", 3, 0)
		if test.want == "CW107" {
			thread = in(ours, look.CallRead, "recvfrom", 8, 2000)
		}
		watching(busyWith(now, thread), 3, 1, 2)
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestChain: what fills the descriptors of a process explains the queue that it does not empty, whether it rests before it tries again or not: one that is busy works for none of those that it
// leaks, the latest included.
func TestChain_descriptors(t *testing.T) {
	for name, thread := range map[string]look.Thread{"rests": sleeper(ours), "spins": spinning(ours)} {
		sockets := []tcp.Socket{listening(1, 128), queued(900)}
		for i := range 80 {
			sockets = append(sockets, client(i, time.Minute+time.Duration(i)*time.Second, 83, 84))
		}
		now := snapshot(sockets...)
		now.Processes[ours].FDs, now.Processes[ours].FDLimit = 100, 100
		busyWith(now, thread)
		v := Run(now, nil)
		if len(v.Findings) != 2 {
			t.Fatalf("%s: %+v", name, v.Findings)
		}
		leak, queue := &v.Findings[0], &v.Findings[1]
		if leak.Code != "CW101" || leak.Count != 80 || leak.Severity != report.SeverityCritical || queue.Code != "CW104" || queue.CausedBy == nil || *queue.CausedBy != leak.ID || queue.Culprits[0].What != "fd_limit" {
			t.Errorf("%s: %+v\n%+v", name, leak, queue)
		}
	}
}

// TestSession: of the processes that a server forks for a connection one is what keeps it waiting, and not an heir.
func TestSession(t *testing.T) {
	const monitor, child, executed = 300, 301, true
	process := func(pid int, thread look.Thread, program bool) *look.Process {
		return &look.Process{PID: pid, PPID: ours, Comm: "ftpd", Activity: &look.Activity{
			Threads: []look.Thread{thread}, ThreadCount: 1, CallsKnown: true, Executed: program, Running: 30 * time.Second, Executable: "/usr/sbin/ftpd",
			Sockets: []look.Descriptor{{FD: 0, Inode: 1001, FlagsKnown: true}, {FD: 5, Inode: 2000, FlagsKnown: true}},
		}}
	}
	sends, waits := in(child, look.CallWrite, "sendfile", 5, 2000), in(monitor, look.CallRead, "read", 6, 77)
	for name, test := range map[string]struct {
		monitor, child *look.Process
		unread         uint32
		want           string
		blamed         int
	}{
		"blocked in writing":            {process(monitor, waits, executed), process(child, sends, false), 1, "CW107", child},
		"closing one":                   {process(monitor, waits, executed), process(child, in(child, look.CallLinger, "close", -1, 0), false), 1, "CW107", child},
		"stopped":                       {process(monitor, waits, executed), process(child, stopping(child), false), 1, "CW111", child},
		"stopped, the end read":         {process(monitor, waits, executed), process(child, stopping(child), false), 0, "CW109", 0},
		"asleep":                        {process(monitor, waits, executed), process(child, sleeper(child), false), 1, "CW109", 0},
		"another program":               {process(monitor, waits, executed), process(child, sends, executed), 1, "CW109", 0},
		"the other accepts further on":  {process(monitor, in(monitor, look.CallAccept, "accept", 3, listener), executed), process(child, sends, false), 1, "CW109", 0},
		"of one nothing could be known": {&look.Process{PID: monitor, Comm: "ftpd"}, process(child, sends, false), 1, "CW109", 0},
	} {
		now := snapshot(client(1, time.Minute, 83, test.unread), listening(0, 128), backend(2000, time.Minute, queues(0, 5000)))
		now.Processes[monitor], now.Processes[child] = test.monitor, test.child
		held(now, 1001, look.Holder{PID: monitor, FD: 0}, look.Holder{PID: child, FD: 0})
		held(now, 2000, look.Holder{PID: child, FD: 5})
		if test.monitor.Activity != nil && test.monitor.Activity.Threads[0].First.Call.Kind == look.CallAccept {
			held(now, listener, look.Holder{PID: monitor, FD: 3})
		}
		f := only(t, Run(now, nil))
		if f.Code != test.want || test.blamed != 0 && (len(f.Culprits) != 1 || *f.Culprits[0].PID != test.blamed) {
			t.Errorf("%s: %s %+v, want %s", name, f.Code, f.Culprits, test.want)
		}
	}
}
