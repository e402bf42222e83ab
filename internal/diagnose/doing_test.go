package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestOwnLoop: a handler that waits for an answer in an event loop of its own (asyncio.run in a worker, say) is at work, and blamed on the connection it asked on; a loop that serves, or has been told all it asked, is none.
func TestOwnLoop(t *testing.T) {
	const set, minute = 30, time.Minute
	asked := func(options ...made) tcp.Socket {
		return backend(60, minute, append([]made{info(tcp.DataSegsIn, 0), info(tcp.DataSegsOut, 1), info(tcp.BytesAcked, 19), info(tcp.BytesSent, 18)}, options...)...)
	}
	connecting := func(s *tcp.Socket) { s.State = tcp.SynSent }
	for name, test := range map[string]struct {
		upstream tcp.Socket
		watched  []int // positions in the set, beside a wake-up descriptor
		want     string
		what     string
	}{
		"it has asked":             {asked(), []int{2}, "CW105", inRead},
		"it connects":              {asked(connecting), []int{2}, "CW105", inConnect},
		"it was answered":          {backend(60, minute, info(tcp.DataSegsIn, 3), info(tcp.LastDataRecv, 1000), info(tcp.LastDataSent, 60_000)), []int{2}, "CW104", ""},
		"it watches the listener":  {asked(), []int{1, 2}, "CW104", ""},
		"it watches a client":      {asked(), []int{0, 2}, "CW104", ""},
		"it watches nothing of it": {asked(), nil, "CW104", ""},
	} {
		now := snapshot(client(1, minute, 83, 1), listening(2, 128), test.upstream, queued(2), queued(3))
		a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", set, 0))
		watching(a, set, test.watched...)
		a.Epolls[0].Watches = append(a.Epolls[0].Watches, look.Watch{FD: 40, Inode: 77, Events: look.PollIn})
		v := Run(now, nil)
		if got := code(v, now, 3); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if f := v.Of(&now.Namespaces[0].Sockets[3]); test.what != "" && (len(f.Culprits) != 1 || f.Culprits[0].What != test.what || f.Culprits[0].Peer == nil || f.Culprits[0].Peer.Port != 5432) {
			t.Errorf("%s: %+v", name, f.Culprits)
		}
	}
}

// TestOwnLoop_handler: a handler with a loop of its own that does not look at its client is no relay; one that has read its end, as relays do, is.
func TestOwnLoop_handler(t *testing.T) {
	for unread, want := range map[uint32]string{1: "CW107", 0: "CW108"} {
		now := snapshot(client(1, time.Minute, 83, unread), listening(0, 128), backend(60, time.Minute, info(tcp.DataSegsIn, 0), info(tcp.DataSegsOut, 1), info(tcp.BytesAcked, 19), info(tcp.BytesSent, 18),
			info(tcp.LastDataSent, 61_000), info(tcp.LastDataRecv, 61_100)))
		watching(busyWith(now, in(ours, look.CallPoll, "epoll_wait", 30, 0)), 30, 2)
		if f := only(t, Run(now, nil)); f.Code != want {
			t.Errorf("%d unread: %s %v, want %s", unread, f.Code, f.Evidence, want)
		}
	}
}

// TestRelay_blocked: a handler that is blocked in writing what it asks is no relay, as one that waits for the answer is none.
func TestRelay_blocked(t *testing.T) {
	for _, kind := range []look.CallKind{look.CallRead, look.CallWrite} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128), backend(60, time.Minute, info(tcp.DataSegsIn, 0), info(tcp.DataSegsOut, 9), info(tcp.LastDataSent, 61_000), info(tcp.LastDataRecv, 61_100)))
		busyWith(now, in(ours, kind, "", 9, 60))
		if f := only(t, Run(now, nil)); f.Code != "CW107" {
			t.Errorf("%d: %s %v", kind, f.Code, f.Evidence)
		}
	}
}

// TestRelay_elsewhere: the only thread of a process is no relay's while it is blocked in reading from somebody else, whom it may have given the other leg; of several one may be.
func TestRelay_elsewhere(t *testing.T) {
	for n, want := range map[int]string{1: "CW107", 2: "CW108"} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128), backend(60, time.Minute, info(tcp.DataSegsIn, 0), info(tcp.DataSegsOut, 9), info(tcp.LastDataSent, 61_000), info(tcp.LastDataRecv, 61_100)))
		now.Unix = map[uint32]look.Unix{500: accepted(0)}
		busyWith(now, []look.Thread{in(ours, look.CallRead, "read", 15, 500), in(2, look.CallPoll, "epoll_wait", 30, 0)}[:n]...)
		if f := only(t, Run(now, nil)); f.Code != want {
			t.Errorf("%d threads: %s %v, want %s", n, f.Code, f.Evidence, want)
		}
	}
}

// TestParked_main: where the main thread serves as the others do, it has one of the connections in hand as well, and is named.
func TestParked_main(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 1), client(3, time.Minute, 83, 1), listening(1, 128), queued(4))
	busyWith(now, parked(ours), pollsOn(2, 90), parked(3))
	if f := only(t, Run(now, nil)); f.Code != "CW105" || f.Count != 4 || len(f.Culprits) != 3 {
		t.Errorf("%s of %d: %+v", f.Code, f.Count, f.Culprits)
	}
}

// TestPolling_connect: who waits with a time limit until a connection is made is blocked in connecting.
func TestPolling_connect(t *testing.T) {
	up := backend(60, time.Minute)
	up.State = tcp.SynSent
	now := snapshot(client(1, time.Minute, 83, 1), listening(1, 128), up, queued(2))
	wait := pollsOn(ours, 9)
	wait.First.Call.Watches = []look.Watch{{FD: 9, Events: look.PollOut}}
	wait.Again.Call.Watches = wait.First.Call.Watches
	busyWith(now, wait)
	if f := only(t, Run(now, nil)); f.Code != "CW105" || len(f.Culprits) != 1 || f.Culprits[0].What != inConnect {
		t.Errorf("%s: %+v", f.Code, f.Culprits)
	}
}

// TestWorkersBlocked_inVain: some clients wait for parts of a second at a time. As long as something comes the only thread gets on; it does not by waking where nothing has for long.
func TestWorkersBlocked_inVain(t *testing.T) {
	for still, want := range map[time.Duration]string{time.Minute: "CW105", 3 * time.Second: ""} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(1, 128), queued(2), backend(700, still))
		asking := ran(in(ours, look.CallRead, "poll", 10, 700))
		asking.First.Call.Left, asking.Again.Call.Left = 60*time.Millisecond, 40*time.Millisecond
		busyWith(now, asking)
		if got := code(Run(now, []tcp.Socket{now.Namespaces[0].Sockets[0], now.Namespaces[0].Sockets[2]}), now, 2); got != want {
			t.Errorf("nothing for %v: %q, want %s", still, got, want)
		}
	}
}

// TestWorkersBlocked_given: a thread that reads from a unix socket what its process is to do waits for work, unlike those that ask somebody.
func TestWorkersBlocked_given(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 84), listening(0, 128), backend(700, time.Minute))
	busyWith(now, in(ours, look.CallRead, "recvmsg", 4, 900), in(2, look.CallRead, "recvfrom", 10, 700))
	now.Unix = map[uint32]look.Unix{900: {Peer: 901}}
	if f := only(t, Run(now, nil)); f.Code != "CW105" || len(f.Culprits) != 1 || *f.Culprits[0].TID != 2 {
		t.Errorf("%s %+v, want the thread that asks", f.Code, f.Culprits)
	}
}

// TestWorkersBlocked_passing: who is blocked in passing on what it accepts waits for the one at the other end of the unix socket, who does not receive it.
func TestWorkersBlocked_passing(t *testing.T) {
	now := snapshot(queued(1), listening(1, 128))
	a := busyWith(now, in(ours, look.CallWrite, "sendmsg", 4, 900))
	withChildren(now, a, 1, 24*time.Hour, sleeper)
	now.Unix = map[uint32]look.Unix{900: {Peer: 901}}
	now.Holders.Want(901)
	now.Holders.Add(901, look.Holder{PID: child, FD: 5})
	now.Holders.Sort()
	if f := only(t, Run(now, nil)); f.Code != "CW105" || !strings.Contains(strings.Join(f.Evidence, "\n"), "(pid 4000) at a unix socket, with 1 thread in clock_nanosleep") {
		t.Errorf("%s: %v", f.Code, f.Evidence)
	}
}
