package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// member is a connection to a server that closed it idle, so long after it was asked and, right away, answered.
func member(n int, idle, used time.Duration, options ...made) tcp.Socket {
	ms := uint64((idle + used) / time.Millisecond)
	return socket(tcp.CloseWait, idle, append([]made{
		inode(uint32(1000 + n)), cookie(tcp.Cookie(1000 + n)), between("192.0.2.1:45000", "203.0.113.5:443"), queues(1, 0),
		info(tcp.LastDataSent, ms), info(tcp.LastDataRecv, ms-2), info(tcp.BytesReceived, 200), info(tcp.DataSegsIn, 2),
	}, options...)...)
}

// TestPool: what is bounded and shared is a pool, what comes again and again a leak.
func TestPool(t *testing.T) {
	tests := []struct {
		name   string
		member func(i int) tcp.Socket
		n      int
		want   string
	}{
		{"closed after the same idle time", func(i int) tcp.Socket {
			return member(i, time.Duration(i+10)*time.Second, time.Minute, info(tcp.DataSegsOut, 40))
		}, 8, "CW103"},
		{"all at once", func(i int) tcp.Socket { return member(i, time.Hour, time.Duration(i)*time.Millisecond+time.Minute) }, 30, "CW103"},
		{"asked in the same moment", func(i int) tcp.Socket { return member(i, time.Minute, time.Minute) }, 8, "CW103"},
		{"more and more, until now", func(i int) tcp.Socket { return member(i, time.Duration(i+6)*time.Second, 0) }, 20, "CW101"},
		{"each asked while others were idle", func(i int) tcp.Socket { return member(i, time.Minute, time.Duration(i)*5*time.Second) }, 6, "CW101"},
		{"many in turn, without overlap", func(i int) tcp.Socket { return member(i, time.Minute, time.Duration(i*10)*time.Millisecond) }, 12, "CW101"},
		{"answers left unread", func(i int) tcp.Socket { return member(i, time.Minute, 0, queues(20_000, 0)) }, 4, "CW101"},
		{"one answer left unread, nothing known of the program", func(i int) tcp.Socket { return member(i, time.Minute, 0, queues(20_000, 0)) }, 1, "CW101"},
		{"an end that was read", func(i int) tcp.Socket { return member(i, time.Minute, 0, queues(0, 0)) }, 1, "CW101"},
	}
	for _, test := range tests {
		var sockets []tcp.Socket
		for i := range test.n {
			sockets = append(sockets, test.member(i))
		}
		f := only(t, Run(snapshot(sockets...), nil))
		if f.Code != test.want || f.Code == "CW103" && f.Severity != report.SeverityInfo {
			t.Errorf("%s: %s %s, want %s: %v", test.name, f.Code, f.Severity, test.want, f.Evidence)
		}
	}
}

// TestPool_oneEach: each thread of a process may keep a connection of its own, which no other uses: they are a leak when they are more than the threads.
func TestPool_oneEach(t *testing.T) {
	inTurn := func(i int) tcp.Socket { return member(i, time.Minute, time.Duration(i)*5*time.Second) }
	coming := func(i int) tcp.Socket { return member(i, time.Duration(i+6)*time.Second, 0) }
	unread := func(i int) tcp.Socket { return member(i, time.Minute, 0, queues(20_000, 0)) }
	for _, test := range []struct {
		name       string
		member     func(i int) tcp.Socket
		threads    int
		then       int // how many an earlier look counted, 0 for none
		want       string
		explaining bool
	}{
		{"as many threads", inTurn, 12, 0, "CW103", true},
		{"fewer threads", inTurn, 11, 0, "CW101", false},
		{"as many threads, each at its time", coming, 12, 0, "CW103", true},
		{"as many threads, but few when it was looked at before", inTurn, 12, 2, "CW101", false},
		{"answers left unread", unread, 40, 0, "CW101", false},
	} {
		var sockets []tcp.Socket
		for i := range 12 {
			sockets = append(sockets, test.member(i))
		}
		now := snapshot(sockets...)
		busyWith(now, parked(ours)).ThreadCount = test.threads
		if test.then > 0 {
			now.Growths = []look.Growth{{PID: ours, State: tcp.CloseWait, Then: test.then, Now: 12, Over: 10 * time.Minute}}
		}
		f := only(t, Run(now, nil))
		explains := strings.Contains(strings.Join(f.Evidence, "\n"), "each thread may keep its own")
		if f.Code != test.want || explains != test.explaining || f.Code == "CW103" && f.Severity != report.SeverityInfo {
			t.Errorf("%s: %s %s, want %s: %v", test.name, f.Code, f.Severity, test.want, f.Evidence)
		}
	}
}

// TestPool_owners: neither a thread of the virtual machine nor one that has not run since before the first connection was made can keep one.
func TestPool_owners(t *testing.T) {
	for _, test := range []struct {
		name    string
		runtime bool
		rests   time.Duration
		want    string
	}{{"any", false, 0, "CW103"}, {"the machine's own", true, 0, "CW101"}, {"one that has rested for longer", false, time.Hour, "CW101"}, {"one that has run since", false, time.Minute, "CW103"}} {
		var sockets []tcp.Socket
		var threads []look.Thread
		for i := range 12 {
			sockets = append(sockets, member(i, time.Minute, time.Duration(i)*5*time.Second))
			threads = append(threads, parked(ours+i))
		}
		threads[11].Runtime, threads[11].Resting = test.runtime, test.rests
		now := snapshot(sockets...)
		busyWith(now, threads...)
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s: %v", test.name, f.Code, test.want, f.Evidence)
		}
	}
}

// TestPool_counted: what an earlier look counted is worth more than what the ages suggest.
func TestPool_counted(t *testing.T) {
	arriving := func(i int) tcp.Socket {
		return member(i, time.Duration(i+6)*time.Second, time.Minute, info(tcp.DataSegsOut, 40))
	}
	atOnce := func(i int) tcp.Socket { return member(i, time.Hour, time.Duration(i)*time.Millisecond+time.Minute) }
	tests := []struct {
		name   string
		member func(int) tcp.Socket
		then   int
		want   string
	}{
		{"as many as before, one after the other replaced", arriving, 20, "CW103"},
		{"more than before", arriving, 8, "CW101"},
		{"more than before, all closed at once", atOnce, 8, "CW101"},
		{"a few more, all closed at once", atOnce, 18, "CW103"},
	}
	for _, test := range tests {
		var sockets []tcp.Socket
		for i := range 20 {
			sockets = append(sockets, test.member(i))
		}
		now := snapshot(sockets...)
		now.Growths = []look.Growth{{PID: ours, State: tcp.CloseWait, Then: test.then, Now: 20, Over: 10 * time.Minute}}
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
}

// TestPool_workers: the workers of a service have a pool each, and owners that are not seen may be such.
func TestPool_workers(t *testing.T) {
	leaving := func(i int) tcp.Socket { return member(i, time.Duration(5*i+10)*time.Second, 2*time.Second) }
	tests := []struct {
		name           string
		n, each        int // sockets, and how many of them a process has
		code, severity string
	}{
		{"one of each worker", 16, 1, "CW103", report.SeverityInfo},
		{"two of each worker", 16, 2, "CW103", report.SeverityInfo},
		{"all of one", 16, 16, "CW101", report.SeverityWarning},
		{"half of each of two", 16, 8, "CW101", report.SeverityWarning},
		{"not seen, few enough for workers", 16, 0, "CW101", report.SeverityInfo},
		{"not seen, too many", 60, 0, "CW101", report.SeverityWarning},
	}
	for _, test := range tests {
		sockets := make([]tcp.Socket, test.n)
		for i := range sockets {
			sockets[i] = leaving(i)
		}
		now := snapshot(sockets...)
		now.Holders = look.Holders{}
		now.HoldersComplete = test.each > 0
		for i := range sockets {
			now.Holders.Want(sockets[i].Inode)
			if test.each == 0 {
				continue
			}
			p := *now.Processes[ours]
			p.PID = ours + i/test.each
			now.Processes[p.PID] = &p
			now.Holders.Add(sockets[i].Inode, look.Holder{PID: p.PID, FD: 7 + i})
		}
		f := only(t, Run(now, nil))
		if f.Code != test.code || f.Severity != test.severity || f.Count != test.n {
			t.Errorf("%s: %d in %s %s, want %s %s: %v", test.name, f.Count, f.Code, f.Severity, test.code, test.severity, f.Evidence)
		}
	}
}

// TestPool_unseen: two pools that are not seen to be two, made one after the other.
func TestPool_unseen(t *testing.T) {
	var sockets []tcp.Socket
	for i := range 13 {
		sockets = append(sockets, member(i, time.Minute, time.Duration(i/8)*3*time.Second+time.Duration(i)*time.Millisecond))
	}
	now := snapshot(sockets...)
	now.Holders, now.HoldersComplete = look.Holders{}, false
	if f := only(t, Run(now, nil)); f.Code != "CW103" {
		t.Errorf("%s: %v", f.Code, f.Evidence)
	}
}

func TestIdleGap(t *testing.T) {
	var members []*subject
	for i := range 6 {
		s := member(i, time.Duration(i+7)*time.Minute, 30*time.Second)
		members = append(members, &subject{socket: &s, age: Age(&s).Time, ageKind: Age(&s).Kind})
	}
	if gap, ok := idleGap(members); !ok || (gap-30*time.Second).Abs() > 100*time.Millisecond {
		t.Errorf("%v %v, want the 30 s after which the server closes", gap, ok)
	}
}

// TestServer_many: a server has no use for what its clients have closed, so many of those have gathered; few may be a matter of interest.
func TestServer_many(t *testing.T) {
	waiting := in(ours, look.CallPoll, "epoll_wait", 3, 0)
	for n, want := range map[int]string{3: "CW102", 12: "CW101"} {
		sockets := []tcp.Socket{listening(0, 128)}
		for i := range n {
			sockets = append(sockets, client(i, time.Minute, 83, 84))
		}
		now := snapshot(sockets...)
		busyWith(now, waiting)
		if f := only(t, Run(now, nil)); f.Code != want {
			t.Errorf("%d: %s, want %s", n, f.Code, want)
		}
	}
}

func TestProbeDrip(t *testing.T) {
	drip := func(gap func(i int) time.Duration) *look.Snapshot {
		sockets := []tcp.Socket{listening(0, 128)}
		age := time.Minute
		for i := range 12 {
			age += gap(i)
			sockets = append(sockets, client(i, age, 0, 1, info(tcp.DataSegsIn, 0)))
		}
		return snapshot(sockets...)
	}
	v := Run(drip(func(int) time.Duration { return 5 * time.Second }), nil)
	if len(v.Findings) != 2 || v.Findings[1].Code != "CW114" || v.Findings[1].Feeds == nil || *v.Findings[1].Feeds != v.Findings[0].ID || v.Findings[1].Count != 12 {
		t.Errorf("%+v", v.Findings)
	}
	if v := Run(drip(func(i int) time.Duration { return time.Duration(i*i) * time.Second }), nil); len(v.Findings) != 1 {
		t.Errorf("irregular: %+v", v.Findings)
	}
}

func TestFDLimit(t *testing.T) {
	now := snapshot()
	now.Processes[ours].FDs = 7000
	f := only(t, Run(now, nil))
	if f.Code != "CW401" || f.Severity != report.SeverityCritical || f.FDLimit == nil || f.FDLimit.Used != 7000 {
		t.Errorf("%+v", f)
	}
}

// TestAge_keepalive: answered probes make a socket look young; what is left of the peer's end tells when it closed.
func TestAge_keepalive(t *testing.T) {
	s := socket(tcp.CloseWait, 2*time.Second, between("127.0.0.1:80", "127.0.0.1:5121"), timer(tcp.TimerKeepalive, 0, time.Second))
	end := tcp.Socket{
		Family: tcp.IPv4, State: tcp.FinWait2, Local: s.Peer, Peer: s.Local, Cookie: 5, Timer: tcp.Timer{Kind: tcp.TimerTimeWait, Expires: 20 * time.Second},
	}
	now := snapshot(s, end)
	if age := newScene(now, nil).ageOf(0, 0, &now.Namespaces[0].Sockets[0]); age.Time != 40*time.Second {
		t.Errorf("%+v, want 40 s", age)
	}
	if f := only(t, Run(now, nil)); f.Code != "CW101" {
		t.Errorf("%s", f.Code)
	}
}

// TestPoolIdle_limit: who was used together is idle for as long when the server ends; only connections that were closed at different times show a limit of it.
func TestPoolIdle_limit(t *testing.T) {
	for name, test := range map[string]struct {
		n            int
		apart        time.Duration
		limit, ended bool
	}{
		"one after the other": {4, 10 * time.Second, true, false}, "together": {4, 0, true, true}, "one": {1, 0, true, true}, "together, not used alike": {4, -time.Second, false, true},
	} {
		var sockets []tcp.Socket
		for i := range test.n {
			used := 7 * time.Second
			if test.apart < 0 {
				used += time.Duration(i) * -test.apart
			}
			sockets = append(sockets, member(i, time.Minute+time.Duration(i)*max(test.apart, 0), used, info(tcp.DataSegsOut, 40)))
		}
		text := strings.Join(only(t, Run(snapshot(sockets...), nil)).Evidence, "\n")
		if strings.Contains(text, "a limit of the servers") != test.limit || strings.Contains(text, "restarted") != test.ended {
			t.Errorf("%s: %s", name, text)
		}
	}
}
