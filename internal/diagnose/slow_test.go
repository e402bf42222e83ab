package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestSlow: a program whose threads have begun what they do a moment ago is slow. What waits for it, and what it has in hand, left while it waited; it is stuck when one thing takes as long as makes a connection old.
func TestSlow(t *testing.T) {
	const db = 5000
	const idle = time.Minute
	asks := in(ours, look.CallRead, "recvfrom", 9, db)
	accepting := in(ours, look.CallAccept, "accept4", 13, listener)
	worker := func(tid int) look.Thread { return in(tid, look.CallRead, "recvfrom", 9, db) }
	queue := []tcp.Socket{client(1, idle, 83, 1), listening(2, 128), queued(2), queued(3)}
	inside := []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 84), client(3, idle, 83, 84), listening(0, 128)}
	tests := []struct {
		name         string
		sockets      []tcp.Socket
		still        time.Duration // for how long nothing has passed the connection to the database
		threads      []look.Thread
		set          []int // sockets in an epoll instance
		want, lately string
	}{
		{"one thread asks", queue, 2 * time.Second, []look.Thread{asks}, nil, "CW105", ""},
		{"one thread sleeps", queue, idle, []look.Thread{resting(sleeper(ours), 2*time.Second)}, nil, "CW105", ""},
		{"one thread waits for a child", queue, idle, []look.Thread{resting(in(ours, look.CallChild, "wait4", -1, 0), 2*time.Second)}, nil, "CW105", ""},
		{"two threads wait for a lock", queue, idle, []look.Thread{resting(parked(ours), 2*time.Second), resting(parked(2), 2*time.Second)}, nil, "CW105", ""},
		{"the loop asks", queue, 2 * time.Second, []look.Thread{asks}, []int{0, 1}, "CW106", ""},
		{"two threads ask, one accepts", inside, 2 * time.Second, []look.Thread{accepting, worker(2), worker(3)}, nil, "CW105", ""},
		{"a loop has yet to look", inside, 2 * time.Second, []look.Thread{asks}, []int{0, 1, 2, 3}, "CW106", ""},
	}
	for _, test := range tests {
		for _, long := range []bool{false, true} {
			still, want := test.still, test.lately
			threads := append([]look.Thread{}, test.threads...)
			if long {
				still, want = idle, test.want
				for i := range threads {
					if threads[i].Resting > 0 {
						threads[i].Resting = 10 * time.Second
					}
				}
			}
			now := snapshot(append(append([]tcp.Socket{}, test.sockets...), backend(db, still))...)
			a := busyWith(now, threads...)
			if test.set != nil {
				watching(a, 3, test.set...)
			}
			v := Run(now, nil)
			for i := range test.sockets {
				if s := &test.sockets[i]; s.State != tcp.Listen && code(v, now, i) != want {
					t.Errorf("%s, for long %v: socket %d is %q, want %q", test.name, long, i, code(v, now, i), want)
				}
			}
		}
	}
}

// TestSlow_resolver: a wait with a short time limit may be one of many for the same thing: that it began a moment ago tells nothing, unless it waits for a connection.
func TestSlow_resolver(t *testing.T) {
	const db = 5000
	limited := func(fd int, limit time.Duration) look.Thread {
		w := resting(pollsOn(ours, fd), 2*time.Second)
		w.First.Call.Left, w.Again.Call.Left = limit, limit
		return w
	}
	for _, test := range []struct {
		name   string
		thread look.Thread
		want   string
	}{
		{"a name server, for 5 s", limited(90, 5*time.Second), "CW105"},
		{"a name server, for a minute", limited(90, time.Minute), ""},
		{"a connection, for 5 s", limited(8, 5*time.Second), ""},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), backend(db, 2*time.Second), listening(1, 128), queued(2))
		busyWith(now, test.thread)
		if got := code(Run(now, nil), now, 3); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestSeldom: on a busy host a thread that wakes at intervals is seen running twice. It is not busy if it hardly was between the two looks.
func TestSeldom(t *testing.T) {
	const over = 300 * time.Millisecond
	accepting := in(ours, look.CallAccept, "accept4", 13, listener)
	caught := func(w look.Thread, runnable time.Duration) look.Thread {
		w.First.At, w.Again.At, w.First.Runnable, w.Again.Runnable = time.Hour, time.Hour+over, time.Second, time.Second+runnable
		return w
	}
	woke := parked(2)
	woke.First = spinning(2).First
	starved := caught(spinning(2), 0)
	starved.Again.Slices = starved.First.Slices
	for _, test := range []struct {
		name   string
		thread look.Thread
		want   string
	}{
		{"all the time", caught(spinning(2), over), "CW107"},
		{"hardly", caught(spinning(2), over/10), "CW102"},
		{"not known", spinning(2), "CW107"},
		{"waiting for a processor ever since", starved, "CW107"},
		{"at the first look alone, and hardly", caught(ran(woke), over/10), "CW102"},
		{"at the first look alone, for long", caught(ran(woke), over/2), "CW107"},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
		busyWith(now, accepting, test.thread)
		if f := only(t, Run(now, nil)); f.Code != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Code, test.want)
		}
	}
}

// TestSlow_advances: of a thread that is busy nothing tells since when, but what waits in its set becomes less.
func TestSlow_advances(t *testing.T) {
	waiting := []tcp.Socket{client(1, time.Minute, 83, 84), client(2, time.Minute, 83, 84), client(3, time.Minute, 83, 84), listening(0, 128)}
	for _, read := range []bool{false, true} {
		now := snapshot(waiting...)
		watching(busyWith(now, spinning(ours)), 3, 0, 1, 2, 3)
		later := append([]tcp.Socket{}, waiting[:3]...)
		want := "CW106"
		if read {
			later, want = later[1:], ""
		}
		v := Run(now, later)
		if got := code(v, now, 2); got != want {
			t.Errorf("one of them was read: %v: %q, want %q", read, got, want)
		}
	}
}

// TestGetsOn_clients: clients that closed first have the ends of their connections in TIME_WAIT, where they are in the same network.
func TestGetsOn_clients(t *testing.T) {
	sockets := []tcp.Socket{client(1, time.Minute, 83, 1), listening(1, 128), queued(2)}
	for i, ago := range []time.Duration{3 * time.Second, 8 * time.Second, 13 * time.Second} {
		sockets = append(sockets, socket(tcp.TimeWait, ago, inode(0), cookie(tcp.Cookie(500+i)), between("198.51.100.7:6100"+string(rune('0'+i)), "192.0.2.1:80"), timer(tcp.TimerTimeWait, 0, time.Minute-ago),
			func(s *tcp.Socket) { s.Info = tcp.Info{} }))
	}
	now := snapshot(sockets...)
	busyWith(now, sleeper(ours))
	if v := Run(now, nil); len(v.Findings) != 0 {
		t.Errorf("%+v", v.Findings)
	}
}

// TestDeadFDs_elsewhere: a program whose only thread is at something else closes descriptors when it comes to them; of several threads another could, but for what those have in hand that wait for another connection.
func TestDeadFDs_elsewhere(t *testing.T) {
	for _, test := range []struct {
		threads []look.Thread
		want    string
	}{
		{[]look.Thread{sleeper(ours)}, "info"},
		{[]look.Thread{in(ours, look.CallPoll, "epoll_wait", 3, 0)}, "warning"},
		{[]look.Thread{sleeper(ours), parked(2)}, "warning"},
		{[]look.Thread{sleeper(ours), in(2, look.CallRead, "recvfrom", 7, 60)}, "warning"},
	} {
		now := snapshot(backend(60, time.Minute))
		busyWith(now, test.threads...)
		for fd := range 12 {
			now.Dead = append(now.Dead, look.DeadFD{PID: ours, FD: 20 + fd, Inode: uint32(7000 + fd)})
		}
		f := only(t, Run(now, nil))
		said, blocked := strings.Join(f.Evidence, "\n"), test.threads[len(test.threads)-1].First.Call.Kind == look.CallRead
		if blocked != strings.Contains(said, "threads of pid 2214 are at something else: 1 thread in recvfrom on descriptor 7 to 203.0.113.5:5432. They may close") {
			t.Errorf("%+v: %s", test.threads, said)
		}
		if says := strings.Contains(said, "only thread"); f.Severity != test.want || says != (test.want == "info") {
			t.Errorf("%+v: %s, %v", test.threads, f.Severity, f.Evidence)
		}
	}
}
