package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestTakenInHand: one-shot interest that has fired and was not renewed says that a thread has the connection in hand, which nothing else may show.
func TestTakenInHand(t *testing.T) {
	const once = 1 << 30
	for name, test := range map[string]struct {
		events uint32
		want   string
	}{
		"one-shot, fired": {once, "CW101"}, "and edge-triggered": {once | look.PollEdge, "CW101"}, "one-shot, for room": {once | look.PollOut, "CW102"}, "dropped": {0x18, "CW102"},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
		a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 30, 0), parked(2), parked(3))
		watching(a, 30, 0, 1)
		a.Epolls[0].Watches[0].Events = test.events
		f := only(t, Run(now, nil))
		if said := strings.Contains(strings.Join(f.Evidence, "\n"), "threads have taken them in hand"); f.Code != test.want || f.Code == "CW101" && (f.Unanswered == nil || *f.Unanswered != 1) || said && f.Code == "CW102" {
			t.Errorf("%s: %s %v", name, f.Code, f.Evidence)
		}
	}
}

// TestNotLater: of several threads that are elsewhere those are not the loop that were started when its set had connections, and whom they wait for does not keep the loop.
func TestNotLater(t *testing.T) {
	for name, test := range map[string]struct {
		began time.Duration // of the thread that waits for an answer
		want  int
	}{"started for a request": {30 * time.Second, 1}, "there before the connections": {time.Hour, 2}} {
		asked := listening(1, 128)
		asked.Inode, asked.Cookie, asked.Local = 997, 997, tcp.MustParseEndpoint("203.0.113.5:5432")
		question := socket(tcp.Established, 20*time.Second, inode(0), cookie(70), between("203.0.113.5:5432", "192.0.2.1:45000"), queues(83, 0), info(tcp.BytesReceived, 83))
		now := snapshot(client(1, time.Minute, 83, 84), client(2, 20*time.Second, 83, 84), listening(0, 128), backend(60, 20*time.Second), asked, question)
		held(now, 997, look.Holder{PID: 3000, FD: 3})
		now.Processes[3000] = &look.Process{PID: 3000, Comm: "db", Activity: &look.Activity{Threads: []look.Thread{sleeper(3000)}, ThreadCount: 1, CallsKnown: true}}
		asks := in(2, look.CallRead, "recvfrom", 10, 60)
		asks.Running = test.began
		a := busyWith(now, spinning(ours), asks)
		watching(a, 30, 0, 1, 2)
		f := Run(now, nil).Of(&now.Namespaces[0].Sockets[0])
		if f.Code != "CW106" || len(f.Culprits) != test.want || *f.Culprits[0].TID != ours && test.want == 1 || (f.CausedBy == nil) != (test.want == 1) {
			t.Errorf("%s: %s %+v", name, f.Code, f)
		}
	}
}
