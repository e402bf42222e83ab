package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestChain_some: three peers do not read, and some of them are one program that is stopped: that explains the three only if it is most of them.
func TestChain_some(t *testing.T) {
	const reader = 3000
	for stopped, want := range map[int]bool{0: false, 1: false, 2: true, 3: true} {
		var sockets []tcp.Socket
		for n := range 3 {
			far := fmt.Sprintf("198.51.100.7:%d", 5200+n)
			sockets = append(sockets,
				socket(tcp.Established, 800*time.Millisecond, inode(uint32(1000+n)), cookie(tcp.Cookie(1000+n)), between("192.0.2.1:80", far), queues(0, 5000),
					info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, 60_000), timer(tcp.TimerPersist, 0, time.Second)),
				socket(tcp.Established, time.Second, inode(uint32(2000+n)), cookie(tcp.Cookie(2000+n)), between(far, "192.0.2.1:80"), queues(5000, 0)))
		}
		now := snapshot(sockets...)
		now.Holders = look.Holders{}
		now.Processes[reader] = &look.Process{PID: reader, Comm: "reader", State: 't', Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{stopping(reader)}}}
		for n := range 3 {
			who := 4000 + n
			if n < stopped {
				who = reader
			} else {
				now.Processes[who] = &look.Process{PID: who, Comm: "slow", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{sleeper(who)}}}
			}
			now.Holders.Hold(uint32(1000+n), look.Holder{PID: ours, FD: 10 + n})
			now.Holders.Hold(uint32(2000+n), look.Holder{PID: who, FD: 10 + n})
		}
		v := Run(now, nil)
		for i := range v.Findings {
			f := &v.Findings[i]
			said := strings.Join(f.Evidence, "\n")
			if explained := f.CausedBy != nil; f.Code == "CW202" && (explained != want || explained == strings.Contains(said, "the other end of 1 of them is on this host: "+[]string{"slow", "reader"}[min(stopped, 1)])) {
				t.Errorf("%d of 3: explained %v: %s", stopped, explained, said)
			}
			if f.Code == "CW111" && !strings.Contains(said, "held by a debugger or a tracer (state t)") {
				t.Errorf("%s", said)
			}
		}
		if got := len(v.Findings); got != 1+min(stopped, 1) {
			t.Errorf("%d of 3: %d findings", stopped, got)
		}
	}
}

// TestChain_itself: workers that wait for answers of their own program, accepted by it or not yet, wait for one another.
func TestChain_itself(t *testing.T) {
	const own, asked = "192.0.2.1:80", "192.0.2.1:45000"
	for name, number := range map[string]uint32{"accepted": 70, "in the queue": 0} {
		question := backend(60, time.Minute, between(asked, own))
		answer := socket(tcp.Established, time.Minute, inode(number), cookie(70), between(own, asked), queues(83, 0), info(tcp.BytesReceived, 83))
		now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 84), listening(1, 128), question, answer)
		busyWith(now, in(ours, look.CallRead, "recvfrom", 10, 60))
		f := &Run(now, nil).Findings[0]
		if said := strings.Join(f.Evidence, "\n"); f.Code != "CW105" || !strings.Contains(said, "the program waits for itself, on 1 connection (of 1)") || strings.Contains(said, "the other end") {
			t.Errorf("%s: %s:\n%s", name, f.Code, said)
		}
	}
}
