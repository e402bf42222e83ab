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
