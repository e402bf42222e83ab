package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// TestBlame: the same five connections, two in hand and three that wait, mean different things with different threads behind them.
func TestBlame(t *testing.T) {
	const idle = time.Minute
	const db = 5000
	sockets := func(still time.Duration) []tcp.Socket {
		return []tcp.Socket{
			client(1, idle, 83, 1), client(2, idle, 83, 1), client(3, idle, 83, 84), client(4, idle, 83, 84), client(5, idle, 83, 84),
			backend(db, still), listening(0, 128),
		}
	}
	reading := func(tid int) look.Thread { return in(tid, look.CallRead, "recvfrom", 12, db) }
	accepting := in(ours, look.CallAccept, "accept4", 13, listener)
	tests := []struct {
		name    string
		still   time.Duration
		threads []look.Thread
		sets    func(*look.Activity)
		want    string // of those that wait
		what    string // of a culprit
	}{
		{"two read from a silent back-end", idle, []look.Thread{accepting, reading(2), reading(3)}, nil, "CW105", inRead},
		{"two are in a lock", idle, []look.Thread{accepting, parked(2), parked(3)}, nil, "CW105", inLock},
		{"one sleeps, and one waits for it", idle, []look.Thread{accepting, sleeper(2), parked(3)}, nil, "CW105", sleeping},
		{"two sleep", idle, []look.Thread{accepting, sleeper(2), sleeper(3)}, nil, "CW105", sleeping},
		{"two compute", idle, []look.Thread{accepting, spinning(2), spinning(3)}, nil, "CW105", busy},
		{"one thread, stopped", idle, []look.Thread{stopping(ours)}, nil, "CW111", "stopped"},
		{"a loop with all of them, busy", idle, []look.Thread{spinning(ours)}, func(a *look.Activity) { watching(a, 3, 0, 1, 2, 3, 4, 6) }, "CW106", busy},
		{"a loop with all of them that waits for something else", idle, []look.Thread{in(ours, look.CallPoll, "epoll_wait", 4, 0)}, func(a *look.Activity) {
			watching(a, 3, 0, 1, 2, 3, 4, 6)
			watching(a, 4)
		}, "CW106", sleeping},

		{"the back-end has answered a moment ago", 100 * time.Millisecond, []look.Thread{accepting, ran(reading(2)), ran(reading(3))}, nil, "CW102", ""},
		{"two wake at intervals", idle, []look.Thread{accepting, ran(sleeper(2)), ran(sleeper(3))}, nil, "CW102", ""},
		{"two sleep for a moment", idle, []look.Thread{accepting, waking(2), waking(3)}, nil, "CW102", ""},
		{"fewer threads in a lock than are in hand", idle, []look.Thread{accepting, parked(2)}, nil, "CW102", ""},
		{"a loop that waits for them", idle, []look.Thread{in(ours, look.CallPoll, "epoll_wait", 3, 0)}, func(a *look.Activity) { watching(a, 3, 0, 1, 2, 3, 4, 6) }, "CW102", ""},
		{"nothing is known of the threads", idle, nil, nil, "CW101", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now := snapshot(sockets(test.still)...)
			if test.threads != nil {
				a := busyWith(now, test.threads...)
				if test.sets != nil {
					test.sets(a)
				}
			}
			v := Run(now, nil)
			for _, i := range []int{2, 3, 4} {
				if got := code(v, now, i); got != test.want {
					t.Errorf("socket %d: %q, want %q", i, got, test.want)
				}
			}
			f := v.Of(&now.Namespaces[0].Sockets[4])
			if test.what != "" && (f == nil || f.Count != 5 || !slices.ContainsFunc(f.Culprits, func(c report.Culprit) bool { return c.What == test.what && *c.PID == ours })) {
				t.Errorf("want all five, and a culprit that is %s: %+v", test.what, f)
			}
		})
	}
}

// TestQueue_keeper: who should accept decides what becomes of the queue.
func TestQueue_keeper(t *testing.T) {
	const db = 5000
	reading := in(ours, look.CallRead, "recvfrom", 9, db)
	tests := []struct {
		name    string
		threads []look.Thread
		change  func(*look.Snapshot, *look.Activity)
		want    string
	}{
		{"blocked with one in hand", []look.Thread{reading}, nil, "CW105"},
		{"blocked, with a set of nothing but the listener", []look.Thread{reading}, func(_ *look.Snapshot, a *look.Activity) { watching(a, 3, 2) }, "CW105"},
		{"blocked, with a set of the listener and connections", []look.Thread{reading}, func(_ *look.Snapshot, a *look.Activity) { watching(a, 3, 0, 2) }, "CW106"},
		{"blocked, with a set of the listener and a connection to the back-end", []look.Thread{reading}, func(_ *look.Snapshot, a *look.Activity) { watching(a, 3, 1, 2) }, "CW105"},
		{"stopped", []look.Thread{stopping(ours)}, nil, "CW111"},
		{"waits for connections", []look.Thread{in(ours, look.CallAccept, "accept4", 9, listener)}, nil, "CW104"},
		{"waits in a ring", []look.Thread{in(ours, look.CallPoll, "io_uring_enter", 20, 0)}, nil, "CW104"},
		{"sleeps until it has descriptors again", []look.Thread{sleeper(ours)}, func(now *look.Snapshot, _ *look.Activity) { now.Processes[ours].FDs = 8192 }, "CW104"},
		{"tries to accept at the limit of descriptors", []look.Thread{spinning(ours)}, func(now *look.Snapshot, _ *look.Activity) { now.Processes[ours].FDs = 8192 }, "CW104"},
		{"reads at the limit of descriptors", []look.Thread{reading}, func(now *look.Snapshot, _ *look.Activity) { now.Processes[ours].FDs = 8192 }, "CW105"},
		{"not known", nil, nil, "CW104"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now := snapshot(client(1, time.Minute, 83, 1), backend(db, time.Minute), listening(2, 128), queued(2), queued(3))
			if test.threads != nil {
				a := busyWith(now, test.threads...)
				if test.change != nil {
					test.change(now, a)
				}
			}
			v := Run(now, nil)
			if a, b := code(v, now, 3), code(v, now, 4); a != test.want || b != test.want {
				t.Errorf("%q and %q, want %q: %+v", a, b, test.want, v.Findings)
			}
		})
	}
}

// TestQueue_drains: a queue from which connections are taken between the looks is not stuck.
func TestQueue_drains(t *testing.T) {
	now := snapshot(backend(5000, time.Minute), listening(2, 128), queued(2), queued(3))
	busyWith(now, sleeper(ours))
	left := now.Namespaces[0].Sockets[3]
	if v := Run(now, []tcp.Socket{left}); len(v.Findings) != 0 {
		t.Errorf("%+v", v.Findings)
	}
}

// TestQueue_patient: what a pool has in hand may be for clients that still wait, while others that wait for the pool give up.
func TestQueue_patient(t *testing.T) {
	asked := func(n int, sent uint64) tcp.Socket { // and answered before that
		return socket(tcp.Established, time.Minute, inode(uint32(3000+n)), cookie(tcp.Cookie(3000+n)), between("192.0.2.1:80", fmt.Sprintf("198.51.100.7:%d", 6000+n)),
			info(tcp.BytesReceived, 100), info(tcp.LastDataRecv, 60_000), info(tcp.LastDataSent, sent))
	}
	accepting := in(ours, look.CallAccept, "accept4", 9, listener)
	for name, test := range map[string]struct {
		first, second uint64
		threads       []look.Thread
		want          string
	}{
		"both threads wait":                  {90_000, 90_000, []look.Thread{accepting, parked(2), parked(3)}, "CW105"},
		"both sleep":                         {90_000, 90_000, []look.Thread{accepting, sleeper(2), sleeper(3)}, "CW105"},
		"more wait for an answer than would": {90_000, 90_000, []look.Thread{accepting, parked(2)}, "CW102"},
		"nobody waits for an answer":         {59_000, 59_000, []look.Thread{accepting, parked(2), parked(3)}, "CW102"},
	} {
		now := snapshot(client(1, time.Minute, 83, 84), client(2, time.Minute, 83, 84), listening(0, 128), asked(1, test.first), asked(2, test.second))
		busyWith(now, test.threads...)
		if f := only(t, Run(now, nil)); f.Code != test.want || f.Count != 2 {
			t.Errorf("%s: %s of %d, want %s", name, f.Code, f.Count, test.want)
		}
	}
}

func TestHandlerBusy(t *testing.T) {
	const db = 5000
	accepting := in(ours, look.CallAccept, "accept4", 9, listener)
	reading := in(2, look.CallRead, "recvfrom", 8, db)
	drained := client(1, time.Minute, 83, 0, info(tcp.LastDataRecv, 60_010))
	tests := []struct {
		name    string
		client  tcp.Socket
		still   time.Duration
		threads []look.Thread
		want    string
	}{
		{"a thread reads from a back-end", client(1, time.Minute, 83, 1), 70 * time.Second, []look.Thread{accepting, reading}, "CW102"},
		{"a thread reads what it asked for then", client(1, time.Minute, 83, 1), time.Minute, []look.Thread{accepting, reading}, "CW107"},
		{"the FIN was read with the request", drained, time.Minute, []look.Thread{accepting, reading}, "CW107"},
		{"the FIN was read long after the request", client(1, time.Minute, 83, 0), time.Minute, []look.Thread{accepting, reading}, "CW101"},
		{"all threads wait for others", client(1, time.Minute, 83, 1), time.Minute, []look.Thread{accepting, parked(2)}, "CW102"},
		{"the only thread waits for something else", client(1, time.Minute, 83, 1), time.Minute, []look.Thread{in(ours, look.CallChild, "wait4", -1, 0)}, "CW107"},
	}
	for _, test := range tests {
		now := snapshot(test.client, backend(db, test.still), listening(0, 128))
		busyWith(now, test.threads...)
		f := only(t, Run(now, nil))
		if f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
		if said := strings.Join(f.Evidence, "\n"); f.Code == "CW107" && strings.Contains(said, "the end with it") {
			t.Errorf("%s: who has not noticed has not read the end: %s", test.name, said)
		}
	}
}

// TestStopped_client: what a server has sent a while ago to a client that does not run is told of as what a client asked of a server; what one that runs leaves unread is its own affair.
func TestStopped_client(t *testing.T) {
	for name, test := range map[string]struct {
		unread uint32
		came   time.Duration
		thread look.Thread
		want   string
	}{
		"stopped":          {400, 8 * time.Second, stopping(ours), "CW111"},
		"a moment ago":     {400, 2 * time.Second, stopping(ours), ""},
		"all that came":    {0, 8 * time.Second, stopping(ours), ""},
		"at something":     {400, 8 * time.Second, sleeper(ours), ""},
		"in a system call": {400, 8 * time.Second, in(ours, look.CallWrite, "write", 1, 0), ""},
	} {
		now := snapshot(backend(1000, test.came, queues(test.unread, 0), info(tcp.LastDataRecv, uint64(test.came/time.Millisecond))))
		busyWith(now, test.thread)
		if got := code(Run(now, nil), now, 0); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestStopped_stream: of what keeps coming much has piled up at a program that does not run, whoever made the connection; one that runs may have read it by now.
func TestStopped_stream(t *testing.T) {
	for name, test := range map[string]struct {
		unread     uint32
		sent, came uint64
		local      string
		thread     look.Thread
		want       string
	}{
		"a consumer":               {60_000, 6000, 20, "192.0.2.1:45000", stopping(ours), "CW111"},
		"a broker":                 {60_000, 6000, 20, "192.0.2.1:80", stopping(ours), "CW111"},
		"one that runs":            {60_000, 6000, 20, "192.0.2.1:80", spinning(ours), ""},
		"one that writes to disk":  {60_000, 6000, 20, "192.0.2.1:80", look.Thread{TID: ours, First: look.Moment{State: 'D'}, Again: look.Moment{State: 'D', Slices: 9}}, ""},
		"little":                   {600, 6000, 20, "192.0.2.1:80", stopping(ours), ""},
		"it has answered just now": {60_000, 300, 20, "192.0.2.1:80", stopping(ours), ""},
	} {
		now := snapshot(socket(tcp.Established, 20*time.Millisecond, between(test.local, "203.0.113.5:5432"), queues(test.unread, 0), info(tcp.LastDataSent, test.sent), info(tcp.LastDataRecv, test.came)), listening(0, 128))
		busyWith(now, test.thread)
		if got := code(Run(now, nil), now, 0); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestInquire_unreadByClient: of who does not read what a server has sent it is asked whether it runs; where that keeps coming, the state of its main thread says so.
func TestInquire_unreadByClient(t *testing.T) {
	for came, want := range map[uint64]int{8000: 1, 20: 0} {
		now := snapshot(backend(1000, 6*time.Second, queues(60_000, 0), info(tcp.LastDataRecv, came)))
		if w := new(Diagnosis).Inquire(now); len(w.Activity) != want {
			t.Errorf("it came %d ms ago: %v", came, w.Activity)
		}
	}
}
