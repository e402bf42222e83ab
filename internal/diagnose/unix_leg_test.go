package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// The program behind a unix socket, and the end of the first connection to it that it has, at which it listens.
const (
	theirs     = 3000
	theirEnd   = 700
	theirQueue = 600
	path       = "/run/app.sock"
)

// behindUnix is a program with two clients that left, and as many unix sockets as connections to another program, with those threads; of each there is said what the kernel shows.
func behindUnix(of func(n uint32) look.Unix, threads ...look.Thread) (*look.Snapshot, *look.Activity) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), listening(0, 128))
	a := busyWith(now)
	now.Unix = map[uint32]look.Unix{}
	now.Processes[theirs] = &look.Process{PID: theirs, Comm: "app", Activity: &look.Activity{Threads: threads, ThreadCount: len(threads), CallsKnown: true}}
	now.Holders.Hold(theirQueue, look.Holder{PID: theirs, FD: 3})
	for n := range uint32(2) {
		a.Sockets = append(a.Sockets, look.Descriptor{FD: int32(20 + n), Inode: 500 + n})
		now.Unix[500+n] = of(n)
		now.Holders.Hold(theirEnd+n, look.Holder{PID: theirs, FD: int(10 + n)})
	}
	return now, a
}

func accepted(n uint32) look.Unix {
	return look.Unix{Peer: theirEnd + n, Connected: true, Path: path, Listener: theirQueue}
}

// looping gives our process an event loop that has its clients.
func looping(a *look.Activity) {
	a.Threads, a.ThreadCount = []look.Thread{in(ours, look.CallPoll, "epoll_wait", 4, 0)}, 1
	watching(a, 4, 0, 1)
	for i := range a.Epolls[0].Watches {
		a.Epolls[0].Watches[i].Events = 0 // not before the answer has come
	}
}

// TestRelayWaitingWithin: a program waits for another behind a unix socket, if there is such a connection for each client, and the other has not done with it.
func TestRelayWaitingWithin(t *testing.T) {
	queued := func(uint32) look.Unix {
		return look.Unix{Queued: true, Connected: true, Path: path, Listener: theirQueue}
	}
	unread := func(n uint32) look.Unix {
		u := accepted(n)
		u.Unread = 83
		return u
	}
	for name, test := range map[string]struct {
		of      func(uint32) look.Unix
		threads []look.Thread
		code    string
		said    string
		change  func(*look.Snapshot)
	}{
		"nobody accepts":      {queued, []look.Thread{parked(theirs)}, "CW108", "descriptor 20 to the unix socket /run/app.sock, which nobody has accepted", nil},
		"nobody reads":        {unread, []look.Thread{parked(theirs)}, "CW108", "where 83 bytes are unread", nil},
		"read, not looked at": {accepted, []look.Thread{parked(theirs), parked(theirs + 1)}, "CW108", "which app (pid 3000) has read, and does not look at; ", nil},
		"read, and looked at": {accepted, []look.Thread{in(theirs, look.CallRead, "read", 10, theirEnd), in(theirs+1, look.CallRead, "read", 11, theirEnd+1)}, "CW102", "", nil},
		"one is looked at":    {accepted, []look.Thread{in(theirs, look.CallRead, "read", 10, theirEnd), parked(theirs + 1)}, "CW102", "", nil},
		"watched": {accepted, []look.Thread{in(theirs, look.CallPoll, "epoll_wait", 5, 0)}, "CW102", "", func(now *look.Snapshot) {
			now.Processes[theirs].Activity.Epolls = []look.PollSet{{FD: 5, Watches: []look.Watch{{FD: 10, Inode: theirEnd, Events: look.PollIn}, {FD: 11, Inode: theirEnd + 1, Events: look.PollIn}}}}
		}},
		"what it does is not known": {accepted, nil, "CW102", "", nil},
		"one connection for two": {queued, []look.Thread{parked(theirs)}, "CW102", "", func(now *look.Snapshot) {
			now.Unix[501] = look.Unix{}
		}},
		"only one, twice": {queued, []look.Thread{parked(theirs)}, "CW102", "", func(now *look.Snapshot) {
			now.Processes[ours].Activity.Sockets[4].Inode = 500
		}},
		"its messages": {queued, []look.Thread{parked(theirs)}, "CW102", "", func(now *look.Snapshot) {
			list := now.Processes[ours].Activity.Sockets
			list[3].FD, list[4].FD = 1, 2
			slices.SortFunc(list, func(a, b look.Descriptor) int { return int(a.FD - b.FD) })
		}},
		"a pair of its own": {func(n uint32) look.Unix { return look.Unix{Peer: theirEnd + n} }, []look.Thread{parked(theirs)}, "CW102", "", nil},
		"its own listener": {queued, nil, "CW102", "", func(now *look.Snapshot) {
			now.Holders.Hold(theirQueue, look.Holder{PID: ours, FD: 30})
		}},
		"answered": {queued, []look.Thread{parked(theirs)}, "CW102", "", func(now *look.Snapshot) {
			for i := range 2 {
				info(tcp.DataSegsOut, 3)(&now.Namespaces[0].Sockets[i])
				info(tcp.LastDataSent, 100)(&now.Namespaces[0].Sockets[i])
			}
		}},
	} {
		now, a := behindUnix(test.of, test.threads...)
		looping(a)
		if test.change != nil {
			test.change(now)
		}
		f := only(t, Run(now, nil))
		said := strings.Join(f.Evidence, "; ") + "; "
		if f.Code != test.code || !strings.Contains(said, test.said) {
			t.Errorf("%s: %s:\n%s", name, f.Code, said)
		}
		if f.Code == "CW108" && (len(f.Culprits) != 1 || *f.Culprits[0].PID != theirs || f.Culprits[0].What != "other_leg" || *f.Role != "relay") {
			t.Errorf("%s: %+v", name, f.Culprits)
		}
	}
}

// TestRelayWaitingWithin_errand: a command that the program behind a unix socket waits for, and which has a copy of that, is not who should answer.
func TestRelayWaitingWithin_errand(t *testing.T) {
	now, a := behindUnix(func(uint32) look.Unix {
		return look.Unix{Queued: true, Connected: true, Path: path, Listener: theirQueue}
	}, in(theirs, look.CallChild, "wait4", -1, 0))
	looping(a)
	const errand = theirs + 1
	now.Processes[theirs].Activity.Children = []int{errand}
	now.Processes[errand] = &look.Process{PID: errand, PPID: theirs, Comm: "sleep", Activity: &look.Activity{Threads: []look.Thread{sleeper(errand)}, ThreadCount: 1, CallsKnown: true, Executed: true}}
	now.Holders.Hold(theirQueue, look.Holder{PID: errand, FD: 3})
	f := only(t, Run(now, nil))
	if said := strings.Join(f.Evidence, "; "); f.Code != "CW108" || len(f.Culprits) != 1 || *f.Culprits[0].PID != theirs || !strings.Contains(said, "app (pid 3000) at the unix socket /run/app.sock, with 1 thread in wait4; sleep (pid 3001), its child") {
		t.Errorf("%s: %+v\n%s", f.Code, f.Culprits, said)
	}
}

// TestRelayWaitingWithin_handsOn: who accepts connections only to hand them on over unix sockets that nobody accepts waits there; what it reads or looks at, and what nobody has to take over, is not told so.
func TestRelayWaitingWithin_handsOn(t *testing.T) {
	queued := func(uint32) look.Unix {
		return look.Unix{Queued: true, Connected: true, Path: path, Listener: theirQueue}
	}
	asks := in(theirs, look.CallRead, "poll", 12, 60)
	for name, test := range map[string]struct {
		of           func(uint32) look.Unix
		sent, unread uint32
		in           uint64
		looks        bool
		code         string
	}{
		"nothing came":         {queued, 0, 1, 0, false, "CW108"},
		"nothing was read":     {queued, 83, 84, 1, false, "CW108"},
		"only the end came":    {queued, 0, 0, 0, false, "CW108"},
		"some of it was read":  {queued, 83, 34, 1, false, "CW102"},
		"it looks":             {queued, 0, 1, 0, true, "CW102"},
		"those were taken":     {accepted, 0, 1, 0, false, "CW102"},
		"none are handed over": {func(uint32) look.Unix { return look.Unix{} }, 0, 1, 0, false, "CW102"},
	} {
		now, a := behindUnix(test.of, asks)
		now.Namespaces[0].Sockets = append(now.Namespaces[0].Sockets, backend(60, time.Minute))
		for i := range 2 {
			now.Namespaces[0].Sockets[i] = client(i+1, time.Minute, test.sent, test.unread, info(tcp.DataSegsIn, test.in), info(tcp.DataSegsOut, 1), info(tcp.LastDataSent, 70_000))
		}
		a.Threads, a.ThreadCount = []look.Thread{in(ours, look.CallPoll, "epoll_wait", 4, 0)}, 1
		watching(a, 4, 2)
		if test.looks {
			watching(a, 4, 0, 1)
			a.Epolls[0].Watches, a.Epolls = append(a.Epolls[0].Watches, a.Epolls[1].Watches...), a.Epolls[:1]
		}
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.code {
			t.Errorf("%s: %s, want %s", name, got, test.code)
		}
		if test.code != "CW108" {
			continue
		}
		f := v.Of(&now.Namespaces[0].Sockets[0])
		said := strings.Join(f.Evidence, "; ")
		if f.Count != 2 || len(f.Culprits) != 1 || *f.Culprits[0].PID != theirs || !strings.Contains(said, "has read nothing of these connections, does not look at them, and waits on as many connections within the host: descriptor 20 to") {
			t.Errorf("%s: %+v: %s", name, f.Culprits, said)
		}
	}
}

// TestAsksWithin: a thread that waits in an epoll instance with nothing but a connection to a unix socket waits for an answer there; who has others in it, or was given the connection, waits for work.
func TestAsksWithin(t *testing.T) {
	given := func(n uint32) look.Unix { return look.Unix{Peer: theirEnd + n, Path: path} }
	for name, test := range map[string]struct {
		of       func(uint32) look.Unix
		watched  []int // the positions among its descriptors
		culprits int
	}{
		"an answer":        {accepted, []int{3}, 1},
		"two connections":  {given, []int{3, 4}, 0},
		"what it is given": {given, []int{3}, 0},
	} {
		now, a := behindUnix(test.of, stopping(theirs))
		a.Threads, a.ThreadCount = []look.Thread{in(ours, look.CallPoll, "epoll_wait", 17, 0)}, 1
		now.Namespaces[0].Sockets = now.Namespaces[0].Sockets[1:] // one client
		watching(a, 12, 1)
		watching(a, 17, test.watched...)
		v := Run(now, nil)
		f := v.Of(&now.Namespaces[0].Sockets[0])
		if f == nil || f.Code != "CW107" || len(f.Culprits) != test.culprits || (f.CausedBy != nil) != (test.culprits > 0) {
			t.Errorf("%s: %+v", name, f)
			continue
		}
		if test.culprits > 0 && (*f.Culprits[0].FD != 20 || f.Culprits[0].What != inRead || v.Findings[0].Code != "CW111") {
			t.Errorf("%s: %+v, %s", name, f.Culprits[0], v.Findings[0].Code)
		}
		now.Unix = nil
		info(tcp.DataSegsOut, 3)(&now.Namespaces[0].Sockets[0]) // and where no request waits
		info(tcp.LastDataSent, 100)(&now.Namespaces[0].Sockets[0])
		if w := new(Diagnosis).Inquire(now); !slices.Contains(w.Unix, 500) && len(test.watched) == 1 {
			t.Errorf("%s: asks for %v", name, w.Unix)
		}
	}
}

// TestChain_unix: what explains a relay or workers that wait behind a unix socket is that the program there does not run; and workers say where they wait.
func TestChain_unix(t *testing.T) {
	for name, test := range map[string]struct {
		code string
		does func(*look.Activity)
	}{
		"relay": {"CW108", looping},
		"workers": {"CW107", func(a *look.Activity) {
			a.Threads, a.ThreadCount = []look.Thread{in(ours, look.CallRead, "recvfrom", 20, 500), in(ours+1, look.CallRead, "recvfrom", 21, 501)}, 2
		}},
	} {
		now, a := behindUnix(accepted, stopping(theirs))
		test.does(a)
		v := Run(now, nil)
		if len(v.Findings) != 2 {
			t.Fatalf("%s: %d findings: %+v", name, len(v.Findings), v.Findings)
		}
		cause, effect := &v.Findings[0], &v.Findings[1]
		if cause.Code != "CW111" || cause.Count != 0 || effect.Count != 2 || effect.Code != test.code || effect.CausedBy == nil || *effect.CausedBy != cause.ID {
			t.Errorf("%s: %s of %d, and %s of %d by %v", name, cause.Code, cause.Count, effect.Code, effect.Count, effect.CausedBy)
		}
		if said := strings.Join(cause.Evidence, "; "); len(cause.Processes) != 1 || cause.Processes[0].PID != theirs || !strings.Contains(said, "java (pid 2214) waits for it at the unix socket "+path) {
			t.Errorf("%s: %+v: %s", name, cause.Processes, said)
		}
		if said := strings.Join(effect.Evidence, "; "); !strings.Contains(said, "to the unix socket "+path) {
			t.Errorf("%s: %s", name, said)
		}
		if got := v.Of(&now.Namespaces[0].Sockets[0]); got != effect {
			t.Errorf("%s: the socket belongs to %+v", name, got)
		}
	}
}

// TestInquire_unix: the look is asked what unix sockets are connected to, then who has the other ends, then what those do; what is known is not asked for again.
func TestInquire_unix(t *testing.T) {
	now, a := behindUnix(accepted, parked(theirs))
	looping(a)
	known := now.Unix
	now.Unix = nil
	var d Diagnosis
	if w := d.Inquire(now); len(w.Unix) != 2 || w.Unix[0] != 500 || len(w.Holders) != 0 {
		t.Errorf("%+v", w)
	}
	now.Unix = known
	now.Holders.Drop(theirs)
	holders := now.Holders
	now.Holders = look.Holders{}
	for inode, h := range holders.All() {
		now.Holders.Hold(inode, h)
	}
	if w := d.Inquire(now); len(w.Unix) != 0 || len(w.Holders) != 2 || w.Holders[0] != theirEnd {
		t.Errorf("%+v", w)
	}
	now.Holders.Hold(theirEnd, look.Holder{PID: theirs, FD: 10})
	now.Processes[theirs].Activity = nil
	if w := d.Inquire(now); len(w.Activity) != 1 || w.Activity[0] != theirs {
		t.Errorf("%+v", w)
	}
}

// TestInquire_unix_many: however many wait behind unix sockets, all of these are asked for.
func TestInquire_unix_many(t *testing.T) {
	const n = 2 * followed
	list := []tcp.Socket{listening(0, 128)}
	for i := range n {
		list = append(list, client(i, time.Minute, 83, 1))
	}
	now := snapshot(list...)
	a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 4, 0))
	for i := range n {
		a.Sockets = append(a.Sockets, look.Descriptor{FD: int32(10_000 + i), Inode: uint32(50_000 + i)})
	}
	if w := new(Diagnosis).Inquire(now); len(w.Unix) != n {
		t.Errorf("%d of %d are asked for", len(w.Unix), n)
	}
}
