package diagnose

import (
	"fmt"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// requested is a connection of which a request came so long ago that was read; an earlier one was answered so long ago, or none where that is 0.
func requested(n int, came, answered time.Duration) tcp.Socket {
	out, sent := uint64(0), came+time.Second
	if answered > 0 {
		out, sent = 1, answered
	}
	return socket(tcp.Established, came, inode(uint32(3000+n)), cookie(tcp.Cookie(3000+n)), queues(0, 0), between("192.0.2.1:80", fmt.Sprintf("198.51.100.7:%d", 6000+n)),
		info(tcp.BytesReceived, 100), info(tcp.DataSegsIn, 1), info(tcp.DataSegsOut, out), info(tcp.LastDataRecv, uint64(came/time.Millisecond)), info(tcp.LastDataSent, uint64(sent/time.Millisecond)))
}

// TestPaced: a pool of threads that are all at something for seconds is slow and not stuck while it answers, and comes to its connections in the order in which they asked.
func TestPaced(t *testing.T) {
	const idle = 20 * time.Second
	accepting := in(ours, look.CallAccept, "accept4", 9, listener)
	sleeps := func(tid int, since time.Duration) look.Thread {
		s := resting(sleeper(tid), since)
		s.First.Call.Left, s.Again.Call.Left = 8*time.Second, 8*time.Second
		return s
	}
	for _, test := range []struct {
		name           string
		first, second  time.Duration // since when two threads sleep
		came, answered time.Duration
		want           string
	}{
		{"each for seconds", 7 * time.Second, 2 * time.Second, 25 * time.Second, 2 * time.Second, ""},
		{"nobody was answered of late", 7 * time.Second, 2 * time.Second, 25 * time.Second, 6 * time.Second, "CW105"},
		{"one for longer", 15 * time.Second, 2 * time.Second, 25 * time.Second, 2 * time.Second, "CW105"},
		{"for who asked later", 7 * time.Second, 2 * time.Second, 7 * time.Second, 2 * time.Second, "CW105"},
		{"nobody knows since when", 0, 0, 25 * time.Second, 2 * time.Second, "CW105"},
	} {
		now := snapshot(client(1, idle, 83, 84), client(2, idle, 83, 84), listening(0, 128), requested(1, test.came, 0), requested(2, test.came, 0), requested(3, 9*time.Second, test.answered))
		busyWith(now, accepting, sleeps(2, test.first), sleeps(3, test.second))
		v := Run(now, nil)
		if a, b := code(v, now, 0), code(v, now, 1); a != test.want || b != test.want {
			t.Errorf("%s: %q and %q, want %q", test.name, a, b, test.want)
		}
	}
}

// TestPaced_takes: whose threads are between two requests at either look is slow when it has come to a connection meanwhile, and the others have their turn.
func TestPaced_takes(t *testing.T) {
	const idle = 20 * time.Second
	accepting := in(ours, look.CallAccept, "accept4", 9, listener)
	waiting := []tcp.Socket{client(1, idle, 83, 84), client(2, idle, 83, 84), client(3, idle, 83, 0), listening(0, 128)}
	for _, taken := range []bool{false, true} {
		now := snapshot(waiting...)
		busyWith(now, accepting, ran(sleeper(2)), ran(sleeper(3)))
		later := append([]tcp.Socket{}, waiting[:3]...)
		want := "CW101"
		if taken {
			later[0].RecvQueue, want = 1, ""
		}
		if v := Run(now, later); code(v, now, 2) != want {
			t.Errorf("one was read: %v: %q, want %q", taken, code(v, now, 2), want)
		}
	}
}

// TestHandlerBusy_late: a process of one thread that comes to a connection after its client has left reads the end with the data, and works for it all the same.
func TestHandlerBusy_late(t *testing.T) {
	left := func(options ...made) tcp.Socket { // 10 s after it had asked
		return client(1, time.Minute, 83, 0, append([]made{info(tcp.LastDataRecv, 70_000), info(tcp.LastDataSent, 71_000)}, options...)...)
	}
	for _, test := range []struct {
		name   string
		client tcp.Socket
		thread look.Thread
		watch  bool
		want   string
	}{
		{"it sleeps", left(), sleeper(ours), false, "CW107"},
		{"it waits for the next", left(), in(ours, look.CallAccept, "accept4", 8, listener), false, "CW101"},
		{"it has answered", left(info(tcp.DataSegsOut, 1), info(tcp.LastDataSent, 65_000)), sleeper(ours), false, "CW101"},
		{"its loop looks at it", left(), sleeper(ours), true, "CW101"},
	} {
		now := snapshot(test.client, listening(0, 128))
		a := busyWith(now, test.thread)
		if test.watch {
			watching(a, 3, 0)
		}
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
}

// TestWorkersBlocked_late: so it is where others wait for several threads, if one may be at work for each that waits for its answer.
func TestWorkersBlocked_late(t *testing.T) {
	const db = 5000
	left := client(1, time.Minute, 83, 0, info(tcp.LastDataRecv, 70_000), info(tcp.LastDataSent, 71_000))
	reading := func(tid int) look.Thread { return in(tid, look.CallRead, "recvfrom", 10, db) }
	for _, test := range []struct {
		name    string
		threads []look.Thread
		queue   uint32
		want    string
	}{
		{"one for each", []look.Thread{reading(ours), reading(2)}, 2, "CW105"},
		{"fewer", []look.Thread{reading(ours)}, 2, "CW101"},
		{"nobody else waits", []look.Thread{reading(ours), reading(2)}, 0, "CW101"},
	} {
		now := snapshot(left, listening(test.queue, 128), requested(1, time.Minute, 0), backend(db, time.Minute), queued(2), queued(3))
		busyWith(now, append(test.threads, parked(7))...)
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestWorkersBlocked_unix: threads that poll a unix socket on which they have connected ask somebody; those that poll one of a pair may be idle.
func TestWorkersBlocked_unix(t *testing.T) {
	polls := func(tid int) look.Thread { return pollsOn(tid, 60) }
	for _, test := range []struct {
		name string
		at   look.Unix
		want string
	}{
		{"an application behind it", look.Unix{Peer: 701, Connected: true, Path: "/run/app.sock"}, "CW105"},
		{"its own end of a pair", look.Unix{Peer: 701}, "CW104"},
		{"nobody knows", look.Unix{}, "CW104"},
	} {
		now := snapshot(requested(1, time.Minute, 0), requested(2, time.Minute, 0), listening(2, 128), queued(2), queued(3))
		a := busyWith(now, parked(ours), polls(2), polls(3))
		a.Sockets = append(a.Sockets, look.Descriptor{FD: 60, Inode: 700})
		now.Unix = map[uint32]look.Unix{700: test.at}
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
}

// TestWorkersBlocked_writing: who writes to clients that take nothing may wait for that in a lock, until a loop tells that there is room.
func TestWorkersBlocked_writing(t *testing.T) {
	slow := requested(1, time.Minute, 59*time.Second)
	queues(0, 1<<20)(&slow)
	info(tcp.SndWnd, 0)(&slow)
	now := snapshot(client(1, time.Minute, 83, 84), listening(0, 128), slow)
	watching(busyWith(now, in(ours, look.CallPoll, "epoll_wait", 3, 0), parked(2)), 3, 1)
	if f := only(t, Run(now, nil)); f.Code != "CW105" || f.Count != 1 {
		t.Errorf("%s of %d", f.Code, f.Count)
	}
}

// TestQueue_heldUp: threads that have waited for another since the requests came that nobody has answered are no idle ones, though their clients still wait.
func TestQueue_heldUp(t *testing.T) {
	for _, test := range []struct {
		name          string
		first, second time.Duration // since when they wait
		want          string
	}{
		{"since then", 60 * time.Second, 40 * time.Second, "CW105"},
		{"one from before", 90 * time.Second, 40 * time.Second, "CW104"},
		{"one has run since", 60 * time.Second, 20 * time.Second, "CW104"},
		{"nobody knows since when", 0, 0, "CW104"},
	} {
		now := snapshot(requested(1, time.Minute, 0), requested(2, 40*time.Second, 0), listening(2, 128), queued(3), queued(4))
		busyWith(now, resting(in(ours, look.CallSleep, "pause", -1, 0), time.Hour), resting(parked(2), test.first), resting(parked(3), test.second))
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
}

// TestQueue_replies: a program that answers is not kept from accepting by a thread that sleeps.
func TestQueue_replies(t *testing.T) {
	for _, answered := range []time.Duration{2 * time.Second, time.Minute} {
		now := snapshot(requested(1, 3*time.Second, answered), listening(2, 128), queued(2), queued(3))
		if answered > 3*time.Second {
			now.Namespaces[0].Sockets[0] = requested(1, time.Minute, 59*time.Second)
		}
		busyWith(now, parked(ours), sleeper(2), parked(3))
		want := "CW105"
		if answered < fresh {
			want = "CW104"
		}
		if f := only(t, Run(now, nil)); f.Code != want {
			t.Errorf("answered %s ago: %s, want %s", answered, f.Code, want)
		}
	}
}

// TestLate: what a loop has read waits for a pool all of whose threads are at work for who came before.
func TestLate(t *testing.T) {
	const db = 5000
	looping := in(ours, look.CallPoll, "epoll_wait", 3, 0)
	reading := func(tid int) look.Thread { return in(tid, look.CallRead, "recvfrom", 10, db) }
	for _, test := range []struct {
		name     string
		earlier  time.Duration // when another asked
		threads  []look.Thread
		want     string
		answered time.Duration
	}{
		{"for who still waits", 70 * time.Second, []look.Thread{looping, reading(2), reading(3)}, "CW105", 0},
		{"for nobody", 90 * time.Second, []look.Thread{looping, reading(2), reading(3)}, "CW102", 0},
		{"for who has his answer", 70 * time.Second, []look.Thread{looping, reading(2), reading(3)}, "CW102", 66 * time.Second},
		{"another waits for that since", 70 * time.Second, []look.Thread{looping, reading(2), resting(parked(3), 70*time.Second)}, "CW105", 0},
		{"another may be idle", 70 * time.Second, []look.Thread{looping, reading(2), parked(3)}, "CW102", 0},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128), requested(1, test.earlier, test.answered), backend(db, 70*time.Second))
		watching(busyWith(now, test.threads...), 3, 1)
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
}

// TestTakeTurns: threads that need the lock of an interpreter to run have the processor in turn, each for a small part of the time.
func TestTakeTurns(t *testing.T) {
	const over = 2 * time.Second
	share := func(tid int, runnable time.Duration) look.Thread {
		w := ran(parked(tid))
		w.First.At, w.Again.At, w.First.Runnable, w.Again.Runnable = time.Hour, time.Hour+over, time.Second, time.Second+runnable
		return w
	}
	for _, test := range []struct {
		name    string
		threads []look.Thread
		want    string
	}{
		{"all the time together", []look.Thread{parked(ours), share(2, over/4), share(3, over/4), share(4, over/4), share(5, over/4)}, "CW105"},
		{"half of it", []look.Thread{parked(ours), share(2, over/4), share(3, over/4)}, "CW104"},
	} {
		now := snapshot(requested(1, time.Minute, 0), listening(2, 128), queued(2), queued(3))
		busyWith(now, test.threads...)
		if f := only(t, Run(now, nil)); f.Code != test.want || f.Code == "CW105" && len(f.Culprits) != 4 {
			t.Errorf("%s: %s with %d culprits, want %s", test.name, f.Code, len(f.Culprits), test.want)
		}
	}
}

// TestUndecided_atWork: a process of one thread may come to an end with what it has begun no longer ago than a slow answer takes, and with it the connection, of which nothing else moves.
func TestUndecided_atWork(t *testing.T) {
	for _, test := range []struct {
		thread look.Thread
		want   bool
	}{
		{resting(sleeper(ours), 7*time.Second), true},
		{resting(sleeper(ours), 12*time.Second), false},
		{resting(in(ours, look.CallPoll, "epoll_wait", 3, 0), 7*time.Second), false},
	} {
		now := snapshot(client(1, 6*time.Second, 83, 1), listening(0, 128))
		busyWith(now, test.thread)
		if got := Undecided(now, &now.Namespaces[0].Sockets[0]); got != test.want {
			t.Errorf("%s for %s: %v", test.thread.First.Call.Name, test.thread.Resting, got)
		}
	}
}

// TestNotReading_ring: what a program has asked a ring for does not show, nor then that it does not look.
func TestNotReading_ring(t *testing.T) {
	for name, want := range map[string]string{"epoll_wait": "CW102", "io_uring_enter": "CW101"} {
		now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), listening(0, 128))
		busyWith(now, in(ours, look.CallPoll, name, 3, 0))
		if f := only(t, Run(now, nil)); f.Code != want {
			t.Errorf("%s: %s, want %s", name, f.Code, want)
		}
	}
}
