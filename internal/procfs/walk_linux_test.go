package procfs_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/procfs"
)

// visited is one call of the visitor.
type visited struct {
	PID, FD int
	Inode   uint32
}

func walk(t *testing.T, f procfs.FS, pids []int, next func(visited) procfs.Next) ([]visited, procfs.WalkStats) {
	t.Helper()
	var all []visited
	stats, err := f.Walk(t.Context(), procfs.Walk{PIDs: pids, Visit: func(pid, fd int, inode uint32) procfs.Next {
		all = append(all, visited{pid, fd, inode})
		return next(all[len(all)-1])
	}})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b visited) int {
		if a.PID != b.PID {
			return a.PID - b.PID
		}
		return a.FD - b.FD
	})
	return all, stats
}

func always(next procfs.Next) func(visited) procfs.Next {
	return func(visited) procfs.Next { return next }
}

func TestWalk_fixture(t *testing.T) {
	f, root := fixture(t, map[int]fakeProcess{
		10: {fds: map[int]string{0: "/dev/null", 3: socket(100), 4: socket(101), 5: "pipe:[7]", 6: "anon_inode:[eventpoll]"}},
		20: {fds: map[int]string{1: socket(100), 2: socket(1<<32 + 5), 3: "/a/path/that/is/longer/than/the/buffer/socket:[9]"}},
		30: {},
	})
	write(t, root, map[string]string{"uptime": "1 1", "40/status": "no fd directory", "10/fd/strange": ""})
	all := []visited{{10, 3, 100}, {10, 4, 101}, {20, 1, 100}, {20, 2, 5}}

	got, stats := walk(t, f, nil, always(procfs.Continue))
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := (procfs.WalkStats{Processes: 3, Descriptors: 8}); stats != want || !stats.Complete() {
		t.Errorf("got %+v, want %+v", stats, want)
	}
	if got, _ := walk(t, f, []int{20, 99}, always(procfs.Continue)); !slices.Equal(got, all[2:]) {
		t.Errorf("only 20: %v", got)
	}
	if got, _ := walk(t, f, []int{10, 20}, always(procfs.NextProcess)); len(got) != 2 || got[0].PID == got[1].PID {
		t.Errorf("one each: %v", got)
	}
	if got, _ := walk(t, f, nil, always(procfs.Stop)); len(got) != 1 {
		t.Errorf("one in all: %v", got)
	}
	if got, _ := walk(t, f, []int{}, always(procfs.Stop)); len(got) != 0 {
		t.Errorf("no process: %v", got)
	}
}

func TestWalk_errors(t *testing.T) {
	visit := func(int, int, uint32) procfs.Next { return procfs.Continue }
	var op *procfs.OpError
	if _, err := procfs.New("/nowhere").Walk(t.Context(), procfs.Walk{Visit: visit}); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &op) {
		t.Errorf("got %v", err)
	}
	if _, err := procfs.New("/nowhere").Pids(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := procfs.New("/proc").Walk(ctx, procfs.Walk{Visit: visit}); !errors.Is(err, context.Canceled) || !errors.As(err, &op) {
		t.Errorf("got %v", err)
	}
	if !errors.Is(&procfs.OpError{Err: unix.ESRCH}, fs.ErrNotExist) || errors.Is(&procfs.OpError{Err: unix.EIO}, fs.ErrNotExist) {
		t.Error("ESRCH means that the process is gone, EIO does not")
	}
}

// TestWalk_cancelled stops in the middle of a process with many descriptors.
func TestWalk_cancelled(t *testing.T) {
	openSockets(t, 5000)
	ctx, cancel := context.WithCancel(t.Context())
	stats, err := procfs.New("/proc").Walk(ctx, procfs.Walk{PIDs: []int{os.Getpid()}, Visit: func(int, int, uint32) procfs.Next {
		cancel()
		return procfs.Continue
	}})
	if !errors.Is(err, context.Canceled) || stats.Descriptors >= 5000 || stats.NotPermitted != 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestWalk_notPermitted(t *testing.T) {
	f, root := fixture(t, map[int]fakeProcess{
		10: {fds: map[int]string{3: socket(100)}},
		20: {fds: map[int]string{3: socket(100)}},
		30: {files: map[string]string{"stat": "30 (kworker) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n"}},
		40: {files: map[string]string{"stat": "40 (dead) Z 2 0 0 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n"}},
	})
	for _, pid := range []string{"20", "30", "40"} {
		if err := os.Chmod(root+"/"+pid+"/fd", 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(root+"/"+pid+"/fd", 0o755) })
	}
	var got []visited
	var stats procfs.WalkStats
	asNobody(t, root, func() { got, stats = walk(t, f, nil, always(procfs.Continue)) })
	if want := []visited{{10, 3, 100}}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if stats.NotPermitted != 1 || stats.Processes != 1 || stats.Complete() {
		t.Errorf("%+v: the others are a kernel thread and a zombie", stats)
	}
}

// asNobody calls f without root's right to read everything: of a tree in a temporary directory it reads what the modes allow.
func asNobody(t *testing.T, tree string, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	for dir := tree; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread() // the kernel keeps this identity for each thread
	defer runtime.UnlockOSThread()
	defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Fatal(err)
	}
	f()
}

// openSockets opens n sockets and returns them by descriptor.
func openSockets(t testing.TB, n int) map[int]uint32 {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < uint64(n)+100 {
		t.Skipf("at most %d descriptors may be open: %v", limit.Cur, err)
	}
	all := make(map[int]uint32, n)
	t.Cleanup(func() {
		for fd := range all {
			_ = unix.Close(fd)
		}
	})
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			t.Fatal(err)
		}
		all[fd] = uint32(st.Ino)
	}
	return all
}

func TestWalk_kernel(t *testing.T) {
	mine := openSockets(t, 100)
	got, stats := walk(t, procfs.New("/proc"), []int{os.Getpid()}, always(procfs.Continue))
	for _, v := range got {
		if inode, ok := mine[v.FD]; ok && inode == v.Inode {
			delete(mine, v.FD)
		}
	}
	if len(mine) != 0 {
		t.Errorf("%d sockets were not seen", len(mine))
	}
	if stats.Processes != 1 || stats.Descriptors < 100 {
		t.Errorf("%+v", stats)
	}
	pids, err := procfs.New("/proc").Pids()
	if err != nil || !slices.Contains(pids, os.Getpid()) || !slices.IsSorted(pids) {
		t.Errorf("%v, %v", pids, err)
	}
}

func TestWalk_noAllocationPerDescriptor(t *testing.T) {
	allocations := func(n int) float64 {
		f, root := procfs.New("/proc"), []int{os.Getpid()}
		for fd := range openSockets(t, n) {
			defer unix.Close(fd)
		}
		return testing.AllocsPerRun(5, func() {
			_, err := f.Walk(context.Background(), procfs.Walk{PIDs: root, Visit: func(int, int, uint32) procfs.Next { return procfs.Continue }})
			if err != nil {
				t.Error(err)
			}
		})
	}
	few, many := allocations(10), allocations(2000)
	if many > few+2 {
		t.Errorf("%v allocations for 10 descriptors, %v for 2,000 more", few, many)
	}
}

func TestSocketProtocol(t *testing.T) {
	f := procfs.New("/proc")
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := f.SocketProtocol(os.Getpid(), int(file.Fd())); (got != "TCP" && got != "MPTCP") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for fd, inode := range openSockets(t, 1) {
		if got, err := f.SocketInode(os.Getpid(), fd); got != inode || err != nil {
			t.Errorf("%d, %v, want %d", got, err, inode)
		}
		if got, err := f.SocketProtocol(os.Getpid(), fd); got != "TCP" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := f.SocketProtocol(os.Getpid(), 1<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := f.SocketInode(os.Getpid(), 1<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if got, err := f.SocketProtocol(os.Getpid(), int(null.Fd())); err == nil {
		t.Errorf("/dev/null speaks %q", got)
	}
}

func BenchmarkWalk(b *testing.B) {
	for _, n := range []int{100, 5000} {
		b.Run(map[int]string{100: "100", 5000: "5000"}[n], func(b *testing.B) {
			openSockets(b, n)
			f, pids := procfs.New("/proc"), []int{os.Getpid()}
			w := procfs.Walk{PIDs: pids, Visit: func(int, int, uint32) procfs.Next { return procfs.Continue }}
			seen, start := 0, cpuTime()
			b.ReportAllocs()
			for b.Loop() {
				stats, err := f.Walk(b.Context(), w)
				if err != nil {
					b.Fatal(err)
				}
				seen += stats.Descriptors
			}
			b.ReportMetric(float64(cpuTime()-start)/float64(seen), "cpu-ns/descriptor")
		})
	}
}

// cpuTime is what this process has used of the processor so far, in nanoseconds; unlike the clock it does not see what else runs.
func cpuTime() int64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
