package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestFew: of many processes that do the same the evidence names a few and their number; the culprits are all named.
func TestFew(t *testing.T) {
	const workers = 40
	sockets := []tcp.Socket{listening(0, 128)}
	for i := range workers {
		sockets = append(sockets, client(i, time.Minute, 83, 1))
	}
	now := snapshot(sockets...)
	now.Holders = look.Holders{}
	now.Holders.Want(listener)
	for i := range workers {
		pid, inode := 3000+i, uint32(1000+i)
		now.Holders.Want(inode)
		now.Holders.Add(inode, look.Holder{PID: pid, FD: 4})
		now.Holders.Add(listener, look.Holder{PID: pid, FD: 3})
		at := sleeper(pid)
		if i < 10 {
			at = parked(pid)
		}
		now.Processes[pid] = &look.Process{PID: pid, PPID: ours, Comm: "worker", Activity: &look.Activity{
			CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{at}, Sockets: []look.Descriptor{{FD: 3, Inode: listener}, {FD: 4, Inode: inode}},
		}}
	}
	now.Holders.Sort()
	f := only(t, Run(now, nil))
	if f.Code != "CW107" || len(f.Culprits) != workers {
		t.Fatalf("%s with %d culprits", f.Code, len(f.Culprits))
	}
	if text := strings.Join(f.Evidence, "\n"); strings.Count(text, "in futex") != 3 || !strings.Contains(text, "37 more like these") {
		t.Errorf("evidence:\n%s", text)
	}
	for i, want := range map[int]int{0: 3010, 29: 3039, 30: 3000, 39: 3009} { // who may have the lock is named before those that wait for it
		if got := *f.Culprits[i].PID; got != want {
			t.Errorf("culprit %d is %d, want %d", i, got, want)
		}
	}
}
