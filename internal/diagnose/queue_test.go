package diagnose

import (
	"slices"
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
	waiting := resting(pollsOn(notifier, 90), time.Second)
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
			if f.Code != test.want || !slices.Equal(blamed, test.blamed) {
				t.Errorf("%s, blamed %v", f.Code, blamed)
			}
		})
	}
}
