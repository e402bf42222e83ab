package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// untaken is a connection of ours whose client takes nothing.
func untaken(n int, since time.Duration, options ...made) tcp.Socket {
	return socket(tcp.Established, 800*time.Millisecond, append([]made{inode(uint32(n)), cookie(tcp.Cookie(n)), between("192.0.2.1:80", "198.51.100.9:40001"), queues(0, 500_000), timer(tcp.TimerPersist, 0, time.Second),
		info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, uint64(since/time.Millisecond)), info(tcp.LastDataRecv, uint64(since/time.Millisecond)+100)}, options...)...)
}

// TestLeaving: a thread that closes a connection with SO_LINGER waits for a peer that takes nothing, which no descriptor shows any more.
func TestLeaving(t *testing.T) {
	for name, test := range map[string]struct {
		leaving int
		want    bool
	}{"the only one": {1, true}, "one of two": {2, false}} {
		sockets := []tcp.Socket{listening(1, 128), queued(1)}
		for i := range test.leaving {
			left := untaken(60+i, time.Minute)
			left.State = tcp.FinWait1
			sockets = append(sockets, left)
		}
		now := snapshot(sockets...)
		busyWith(now, in(ours, look.CallLinger, "close", -1, 0))
		for i := range test.leaving {
			held(now, uint32(60+i))
		}
		v := Run(now, nil)
		waits, peer := v.Of(&now.Namespaces[0].Sockets[1]), v.Of(&now.Namespaces[0].Sockets[2])
		if waits == nil || waits.Code != "CW105" || peer == nil || peer.Code != "CW202" || len(waits.Culprits) != 1 || waits.Culprits[0].What != "blocked_in_write" {
			t.Fatalf("%s: %+v", name, v.Findings)
		}
		said := strings.Contains(waits.Evidence[0], "in close (SO_LINGER makes it wait until the peer has taken what is left)")
		if got := waits.CausedBy != nil && *waits.CausedBy == peer.ID && waits.Culprits[0].Peer != nil; got != test.want || !said {
			t.Errorf("%s: explained %v: %v", name, got, waits.Evidence)
		}
	}
}

// TestWriting: who writes may wait in a lock for the thread that looks at all connections. That it wrote to those whose clients take nothing follows from since when it waits.
func TestWriting(t *testing.T) {
	for name, test := range map[string]struct {
		rests []time.Duration
		want  bool
	}{
		"since the last could be sent":      {[]time.Duration{30 * time.Second, 29 * time.Second}, true},
		"before that":                       {[]time.Duration{3 * time.Minute, 3 * time.Minute}, false},
		"after that":                        {[]time.Duration{10 * time.Second, 9 * time.Second}, false},
		"one of them, and another's client": {[]time.Duration{30 * time.Second, 9 * time.Second}, false},
	} {
		now := snapshot(untaken(60, 30*time.Second), untaken(61, 30*time.Second), listening(0, 128), client(1, 20*time.Second, 83, 84))
		busyWith(now, resting(parked(2), test.rests[0]), resting(parked(3), test.rests[1]), in(4, look.CallPoll, "epoll_wait", 30, 0))
		v := Run(now, nil)
		waits, peer := v.Of(&now.Namespaces[0].Sockets[3]), v.Of(&now.Namespaces[0].Sockets[0])
		if peer == nil || peer.Code != "CW202" {
			t.Fatalf("%s: %+v", name, v.Findings)
		}
		if got := waits != nil && waits.Code == "CW105" && waits.CausedBy != nil && *waits.CausedBy == peer.ID; got != test.want {
			t.Errorf("%s: explained %v: %+v", name, got, v.Findings)
		}
	}
}
