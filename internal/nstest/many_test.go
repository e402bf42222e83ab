package nstest_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

func TestManyCloseWait(t *testing.T) {
	const n = 4500
	nstest.New(t).Do(func() {
		start := time.Now()
		made := nstest.ManyCloseWait(t, n)
		t.Logf("%d sockets in %v", len(made), time.Since(start))
		inodes := map[uint32]nstest.Expected{}
		for _, e := range made {
			inodes[e.Inode] = e
		}
		for _, s := range nstest.SS(t, "src", "127.0.1.0/24") {
			e := inodes[s.Inode]
			if e.Local != s.Local || e.Peer != s.Peer || e.RecvQueue != s.RecvQueue || s.State != tcp.CloseWait {
				t.Fatalf("ss shows %+v, want %v", s, e)
			}
			delete(inodes, s.Inode)
		}
		if len(inodes) != 0 || len(made) != n {
			t.Errorf("%d of %d sockets are not in CLOSE_WAIT", len(inodes), len(made))
		}
	})
}

func TestStartHolder(t *testing.T) {
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 20)
		if len(h.Sockets) != 20 || h.PID == os.Getpid() {
			t.Fatalf("%d sockets in process %d", len(h.Sockets), h.PID)
		}
		for _, e := range h.Sockets {
			if !holder(t, strconv.Itoa(h.PID), e.Inode) || holds(t, e.Inode) {
				t.Fatalf("%v is not held by the holder alone", e)
			}
		}
		if got := len(nstest.SS(t, "src", "127.0.1.0/24")); got != 20 {
			t.Errorf("ss shows %d CLOSE_WAIT sockets", got)
		}
		h.Stop()
		if err := unix.Kill(h.PID, 0); err != unix.ESRCH {
			t.Errorf("the holder is still there: %v", err)
		}
		if got := nstest.SS(t); len(got) != 0 {
			t.Errorf("left behind: %v", got)
		}
		h.Stop()
	})
}

func BenchmarkManyCloseWait(b *testing.B) {
	for b.Loop() {
		nstest.ManyCloseWait(b, 1000)
	}
}
