package diagnose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestKeeper: who is to blame for a queue that nobody empties. What idle threads wait for does not tell where the program's loop runs and does not ask for connections; and a main thread that sleeps
// time and again may be the one as well as a thread that waits to be told of something.
func TestKeeper(t *testing.T) {
	const loopThread, notifier = 7, 8
	loop := in(loopThread, look.CallPoll, "epoll_wait", 30, 0)
	waiting := resting(pollsOn(notifier, 90), 10*time.Second)
	dozing := ran(waking(ours))
	tests := []struct {
		name    string
		threads []look.Thread
		events  uint32 // those the loop's set has for the listener, 0 for no set
		want    string
		blamed  []int
	}{
		{"a loop without interest in the listener", []look.Thread{parked(ours), loop, parked(2), parked(3)}, 0x40000018, "CW104", nil},
		{"the same, and a thread that is busy", []look.Thread{parked(ours), loop, spinning(2)}, 0x40000018, "CW105", []int{2}},
		{"no loop", []look.Thread{parked(ours), parked(2), parked(3)}, 0, "CW105", []int{2, 3}},
		{"a main thread that sleeps time and again", []look.Thread{dozing, waiting}, 0, "CW105", []int{notifier, ours}},
		{"such a one beside threads in locks", []look.Thread{dozing, parked(2)}, 0, "CW105", []int{2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now := snapshot(client(1, time.Minute, 83, 1), listening(1, 128), queued(2))
			a := busyWith(now, test.threads...)
			if test.events != 0 {
				watching(a, 30, 1)
				a.Epolls[0].Watches[0].Events = test.events
				a.Epolls[0].Watches = append(a.Epolls[0].Watches, look.Watch{FD: 50, Events: look.PollIn})
			}
			v := Run(now, nil)
			at := slices.IndexFunc(now.Namespaces[0].Sockets, func(s tcp.Socket) bool { return s.Unaccepted() })
			f := v.Of(&now.Namespaces[0].Sockets[at])
			var blamed []int
			for _, c := range f.Culprits {
				if c.TID != nil {
					blamed = append(blamed, *c.TID)
				}
			}
			slices.Sort(blamed)
			declines := strings.Contains(strings.Join(f.Evidence, "\n"), "event loop of pid 2214 runs and does not ask for connections")
			if f.Code != test.want || !slices.Equal(blamed, test.blamed) || declines != (test.want == "CW104") {
				t.Errorf("%s, blamed %v: %v", f.Code, blamed, f.Evidence)
			}
		})
	}
}

// TestGetsOn: a server that ends one connection after another is slow, however long each takes; it is stuck when the next end is overdue.
func TestGetsOn(t *testing.T) {
	ended := func(n int, ago time.Duration) tcp.Socket {
		return socket(tcp.TimeWait, ago, inode(0), cookie(tcp.Cookie(500+n)), between("192.0.2.1:80", "198.51.100.7:6"+strconv.Itoa(1000+n)), timer(tcp.TimerTimeWait, 0, time.Minute-ago),
			func(s *tcp.Socket) { s.Info = tcp.Info{} })
	}
	every := func(interval, last time.Duration) (list []tcp.Socket) {
		for i := range 4 {
			list = append(list, ended(i, last+time.Duration(i)*interval))
		}
		return list
	}
	for _, test := range []struct {
		name  string
		ended []tcp.Socket
		want  string
	}{
		{"none has ended", nil, "CW105"},
		{"one each 5 s", every(5*time.Second, 3*time.Second), ""},
		{"one each 5 s, until 12 s ago", every(5*time.Second, 12*time.Second), "CW105"},
		{"hundreds a second, until 2 s ago", every(5*time.Millisecond, 2*time.Second), "CW105"},
		{"two", every(5*time.Second, 3*time.Second)[:2], "CW105"},
	} {
		sockets := append([]tcp.Socket{client(1, time.Minute, 83, 1), listening(1, 128), queued(2)}, test.ended...)
		now := snapshot(sockets...)
		busyWith(now, sleeper(ours))
		v := Run(now, nil)
		if got := code(v, now, 2); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		unseen := snapshot(sockets...)
		unseen.HoldersComplete, unseen.Holders = false, look.Holders{}
		want := map[string]string{"CW105": "CW104"}[test.want]
		if v = Run(unseen, nil); code(v, unseen, 2) != want {
			t.Errorf("%s, by nobody who may see the holders: %s, want %s", test.name, code(v, unseen, 2), want)
		}
		if f := v.Of(&unseen.Namespaces[0].Sockets[2]); f != nil && !slices.ContainsFunc(f.Evidence, func(s string) bool { return strings.Contains(s, "could not be watched") }) {
			t.Errorf("%s: %v", test.name, f.Evidence)
		}
	}
}

// TestDeclines: a loop that watches connections and has no listener in its set does not want to accept, as at a limit of its own.
func TestDeclines(t *testing.T) {
	for _, test := range []struct {
		name string
		sets []int
		want bool
	}{{"it watches connections", []int{0, 3}, true}, {"it watches the listener as well", []int{0, 1, 3}, false}, {"it watches one thing", []int{0}, false}} {
		now := snapshot(socket(tcp.Established, time.Minute, cookie(5)), listening(1, 128), queued(2), backend(60, time.Minute))
		a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 30, 0))
		watching(a, 30)
		for _, i := range test.sets {
			n := now.Namespaces[0].Sockets[i].Inode
			a.Epolls[0].Watches = append(a.Epolls[0].Watches, look.Watch{FD: 7 + i, Inode: uint64(n), Events: look.PollIn})
		}
		f := only(t, Run(now, nil))
		if got := strings.Contains(strings.Join(f.Evidence, "\n"), "does not ask for connections"); f.Code != "CW104" || got != test.want {
			t.Errorf("%s: %s %v", test.name, f.Code, f.Evidence)
		}
	}
}

// TestPoolIdle_unused: connections that were closed before anything passed them are told from a pool's.
func TestPoolIdle_unused(t *testing.T) {
	connected := func(n int, segments uint64) tcp.Socket {
		return client(n, time.Minute, 83, 1, between("192.0.2.1:4500"+strconv.Itoa(n), "203.0.113.5:5432"), info(tcp.DataSegsIn, segments), info(tcp.DataSegsOut, segments),
			info(tcp.BytesSent, 0), info(tcp.BytesRetrans, 0), info(tcp.BytesAcked, 1), info(tcp.Unacked, 0))
	}
	f := only(t, Run(snapshot(connected(1, 0), connected(2, 0), connected(3, 4)), nil))
	if text := strings.Join(f.Evidence, "\n"); f.Code != "CW103" || !strings.Contains(text, "nothing was ever sent or received on 2 of them") {
		t.Errorf("%s: %s", f.Code, text)
	}
}

// asking is the connection of a client that has asked and waits, of which nothing was read for so long.
func asking(n int, since time.Duration, received uint64, unread uint32) tcp.Socket {
	return socket(tcp.Established, since, inode(uint32(1000+n)), cookie(tcp.Cookie(1000+n)), queues(unread, 0), info(tcp.BytesReceived, received), info(tcp.LastDataRecv, uint64(since/time.Millisecond)),
		info(tcp.LastDataSent, uint64((since+time.Second)/time.Millisecond)), between("192.0.2.1:80", fmt.Sprintf("198.51.100.7:%d", 6000+n)))
}

// TestUnserved: who has asked and still waits is a victim as well as who has left.
func TestUnserved(t *testing.T) {
	const db = 5000
	reading := in(ours, look.CallRead, "recvfrom", 9, db)
	inSet := func(a *look.Activity) { watching(a, 3, 0, 1, 3) }
	replied := socket(tcp.Established, time.Second, inode(1009), cookie(1009), info(tcp.LastDataSent, 1000))
	for name, test := range map[string]struct {
		since   time.Duration
		thread  look.Thread
		change  func(*look.Activity)
		another *tcp.Socket
		later   []tcp.Socket
		want    string
	}{
		"stopped":                          {time.Minute, stopping(ours), nil, nil, nil, "CW111"},
		"stopped a moment ago":             {3 * time.Second, stopping(ours), nil, nil, nil, ""},
		"a loop blocked elsewhere":         {time.Minute, reading, inSet, nil, nil, "CW106"},
		"a loop that waits":                {time.Minute, in(ours, look.CallPoll, "epoll_wait", 3, 0), inSet, nil, nil, ""},
		"a loop that answered another":     {time.Minute, reading, inSet, &replied, nil, ""},
		"a loop that read of one":          {time.Minute, reading, inSet, nil, []tcp.Socket{asking(1, time.Minute, 300, 100), asking(2, time.Minute, 300, 50)}, ""},
		"the only worker, blocked":         {time.Minute, reading, nil, nil, nil, ""}, // of which it may serve either
		"the only worker, which sleeps on": {time.Minute, sleeper(ours), nil, nil, nil, ""},
	} {
		sockets := []tcp.Socket{asking(1, test.since, 300, 100), asking(2, test.since, 300, 100), backend(db, time.Minute), listening(0, 128)}
		if test.another != nil {
			sockets = append(sockets, *test.another)
		}
		now := snapshot(sockets...)
		a := busyWith(now, test.thread)
		if test.change != nil {
			test.change(a)
		}
		v := Run(now, test.later)
		if got := code(v, now, 0); got != test.want || test.want != "" && v.Findings[0].Count != 2 {
			t.Errorf("%s: %q, want %q: %+v", name, got, test.want, v.Findings)
		}
	}
	// A pool whose threads wait in a lock, for clients that wait, while others do as well.
	now := snapshot(asking(1, time.Minute, 100, 100), asking(2, time.Minute, 100, 100), asking(3, time.Minute, 100, 0), listening(0, 128))
	busyWith(now, in(ours, look.CallAccept, "accept4", 10, listener), parked(2), parked(3))
	if f := only(t, Run(now, nil)); f.Code != "CW105" || f.Count != 2 {
		t.Errorf("%s of %d", f.Code, f.Count)
	}
	// A process that serves one client, which asked it before it looks, and one that has accepted two.
	for n, want := range []string{"", "CW105"} {
		sockets := []tcp.Socket{asking(1, time.Minute, 100, 100), backend(db, time.Minute), listening(0, 128)}
		if n > 0 {
			sockets = append(sockets, asking(2, time.Minute, 100, 100))
		}
		now := snapshot(sockets...)
		busyWith(now, reading)
		if got := code(Run(now, nil), now, 0); got != want {
			t.Errorf("%d beside it: %q, want %q", n, got, want)
		}
	}
	// One connection after another has ended until now: the pool is slow.
	sockets := []tcp.Socket{asking(1, time.Minute, 100, 100), asking(2, time.Minute, 100, 100), asking(3, time.Minute, 100, 0), listening(0, 128)}
	for i := range 4 {
		sockets = append(sockets, socket(tcp.TimeWait, 0, inode(0), cookie(tcp.Cookie(4000+i)), timer(tcp.TimerTimeWait, 0, timeWaitLength-time.Duration(i)*8*time.Second), between("192.0.2.1:80", fmt.Sprintf("198.51.100.7:%d", 7000+i))))
	}
	now = snapshot(sockets...)
	busyWith(now, in(ours, look.CallAccept, "accept4", 10, listener), parked(2), parked(3))
	if v := Run(now, nil); len(v.Findings) != 0 {
		t.Errorf("a slow pool: %+v", v.Findings)
	}
	unheld := snapshot(asking(1, time.Minute, 300, 100), listening(0, 128))
	held(unheld, 1001)
	if v := Run(unheld, nil); len(v.Findings) != 0 {
		t.Errorf("nobody seen to hold it: %+v", v.Findings)
	}
}

// TestKeeper_replies: a loop that has answered somebody since comes to its queue, too.
func TestKeeper_replies(t *testing.T) {
	for sent, want := range map[uint64]string{1000: "", 60_000: "CW106"} {
		now := snapshot(listening(1, 128), queued(2), backend(5000, time.Minute), socket(tcp.Established, time.Second, inode(1009), cookie(1009), info(tcp.LastDataSent, sent)))
		a := busyWith(now, in(ours, look.CallRead, "recvfrom", 9, 5000))
		watching(a, 3, 0, 2)
		if got := code(Run(now, nil), now, 1); got != want {
			t.Errorf("answered %d ms ago: %q, want %q", sent, got, want)
		}
	}
}

// TestQueue_inSession: who waits at a listener of one client's own, as for the data of FTP, waits behind nobody.
func TestQueue_inSession(t *testing.T) {
	data := func(options ...made) tcp.Socket {
		return socket(tcp.CloseWait, time.Minute, append([]made{inode(0), cookie(5), queues(1, 0), between("192.0.2.1:40000", "198.51.100.7:5122")}, options...)...)
	}
	passive := tcp.Socket{Family: tcp.IPv4, State: tcp.Listen, Inode: 998, Cookie: 998, Local: tcp.MustParseEndpoint("0.0.0.0:40000"), Peer: listening(0, 0).Peer, RecvQueue: 1, SendQueue: 5}
	for name, test := range map[string]struct {
		sockets []tcp.Socket
		want    string
	}{
		"one client":            {[]tcp.Socket{data(), passive, client(1, time.Minute, 83, 1), listening(0, 128)}, "CW107"},
		"another client beside": {[]tcp.Socket{data(), passive, client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), listening(0, 128)}, "CW105"},
		"no other listener":     {[]tcp.Socket{data(), passive}, "CW105"},
	} {
		now := snapshot(test.sockets...)
		held(now, 998, look.Holder{PID: ours, FD: 20})
		busyWith(now, in(ours, look.CallFile, "openat", -1, 0))
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if f := v.Of(&now.Namespaces[0].Sockets[0]); test.want == "CW107" && (len(v.Findings) != 1 || f.Count != 2) {
			t.Errorf("%s: %+v", name, v.Findings)
		}
	}
}

// TestServes_shared: who serves a connection that came through one of several listeners of an address is known by that alone: nobody looks for the holders of connections that are well.
func TestServes_shared(t *testing.T) {
	const brother = 998
	now := snapshot(socket(tcp.Established, time.Minute, cookie(5), info(tcp.LastDataSent, 61_000), info(tcp.LastDataRecv, 60_500)), listening(0, 128), listening(1, 128), queued(2))
	other := &now.Namespaces[0].Sockets[1]
	other.Inode, other.Cookie = brother, brother
	held(now, brother, look.Holder{PID: 2300, FD: 3})
	now.Processes[2300] = &look.Process{PID: 2300, Comm: "java", Activity: &look.Activity{Threads: []look.Thread{in(2300, look.CallAccept, "accept4", 3, brother)}, ThreadCount: 1, CallsKnown: true}}
	a := busyWith(now, sleeper(ours))
	held(now, 1000)
	if !slices.ContainsFunc(a.Sockets, func(d look.Descriptor) bool { return d.Inode == 1000 }) {
		t.Fatal("the connection in hand is missing")
	}
	if f := only(t, Run(now, nil)); f.Code != "CW105" || len(f.Culprits) != 1 || *f.Culprits[0].PID != ours {
		t.Errorf("%s: %+v", f.Code, f.Culprits)
	}
}

// TestGave: who has started a program for its listener, as with socket activation, leaves accepting to that.
func TestGave(t *testing.T) {
	const service = 2300
	for name, test := range map[string]struct {
		fd       int // of the service's
		waits    bool
		culprits []int
	}{
		"given under another number": {3, false, []int{service}},
		"inherited":                  {7, false, []int{ours, service}},
		"it accepts itself":          {3, true, []int{ours, service}},
	} {
		now := snapshot(listening(1, 128), queued(2))
		manager := in(ours, look.CallPoll, "epoll_wait", 30, 0)
		a := busyWith(now, manager)
		if test.waits {
			watching(a, 30, 0)
		}
		now.Processes[service] = &look.Process{PID: service, PPID: ours, Comm: "service", Activity: &look.Activity{Threads: []look.Thread{sleeper(service)}, ThreadCount: 1, CallsKnown: true, Executed: true,
			Sockets: []look.Descriptor{{FD: int32(test.fd), Inode: listener}}}}
		now.Holders.Add(listener, look.Holder{PID: service, FD: test.fd})
		now.Holders.Sort()
		f := only(t, Run(now, nil))
		var pids []int
		for _, c := range f.Culprits {
			pids = append(pids, *c.PID)
		}
		if f.Code != "CW104" || !slices.Equal(pids, test.culprits) || len(f.Processes) != len(pids) {
			t.Errorf("%s: %s %v, want %v", name, f.Code, pids, test.culprits)
		}
	}
}

// TestGave_unseen: what the manager does need not be known.
func TestGave_unseen(t *testing.T) {
	const manager = 2300
	now := snapshot(socket(tcp.Established, time.Minute, cookie(5)), listening(1, 128), queued(2))
	busyWith(now, sleeper(ours))
	now.Processes[ours].PPID = manager
	now.Processes[manager] = &look.Process{PID: manager, Comm: "manager"}
	now.Holders.Add(listener, look.Holder{PID: manager, FD: 33})
	now.Holders.Sort()
	if f := only(t, Run(now, nil)); f.Code != "CW105" || len(f.Culprits) != 1 || *f.Culprits[0].PID != ours {
		t.Errorf("%s: %+v", f.Code, f.Culprits)
	}
}
