package diagnose

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestEver: where a runtime keeps the listener in its set for ever, only time shows whether it comes to accept. It is taken where connections wait, and nothing else decides.
func TestEver(t *testing.T) {
	const constant, level = look.PollIn | look.PollOut | look.PollEdge, look.PollIn
	loop, other := in(ours, look.CallPoll, "epoll_wait", 3, 0), parked(2)
	waiting := []tcp.Socket{listening(2, 128), queued(1), queued(2)}
	var ended []tcp.Socket // one every second until now
	for i := range 4 {
		ended = append(ended, socket(tcp.TimeWait, 0, inode(0), timer(tcp.TimerTimeWait, 0, timeWaitLength-time.Duration(i)*time.Second)))
	}
	for name, test := range map[string]struct {
		sockets []tcp.Socket
		threads []look.Thread
		events  uint32
		fds     int
		want    time.Duration
	}{
		"connections wait":          {waiting, []look.Thread{loop, other}, constant, 10, patient},
		"nothing waits":             {[]tcp.Socket{listening(0, 128), client(1, time.Minute, 83, 1)}, []look.Thread{loop, other}, constant, 10, 0},
		"they have just come":       {[]tcp.Socket{listening(1, 128), client(1, time.Second, 83, 84, inode(0))}, []look.Thread{loop, other}, constant, 10, 0},
		"a loop asks when it wants": {waiting, []look.Thread{loop, other}, level, 10, 0},
		"the only thread":           {waiting, []look.Thread{loop}, constant, 10, 0},
		"no descriptor is left":     {waiting, []look.Thread{loop, other}, constant, 100, 0},
		"connections end":           {append(ended, waiting...), []look.Thread{loop, other}, constant, 10, 0},
	} {
		now := snapshot(test.sockets...)
		now.Holders.Want(999)
		now.Holders.Add(999, look.Holder{PID: ours, FD: 13})
		now.Processes[ours].FDs, now.Processes[ours].FDLimit = test.fds, 100
		a := busyWith(now, test.threads...)
		a.Epolls = []look.PollSet{{FD: 3, Watches: []look.Watch{{FD: 13, Inode: 999, Events: test.events}}}}
		if got := new(Diagnosis).Inquire(now).Patience; got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestBlind: who may not see the holder of a listener in whose queue connections wait takes the time to see it move.
func TestBlind(t *testing.T) {
	for name, test := range map[string]struct {
		complete bool
		want     time.Duration
	}{
		"connections wait": {false, watchful},
		"all may be seen":  {true, 0},
	} {
		now := snapshot(listening(2, 128), queued(1), queued(2))
		now.Holders, now.HoldersComplete = look.Holders{}, test.complete
		if got := new(Diagnosis).Inquire(now).Patience; got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
