package probe_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

func open(t testing.TB, way string, room int) *probe.Holders {
	t.Helper()
	h, err := probe.Ways()[way](room)
	if errors.Is(err, fs.ErrPermission) && (os.Geteuid() != 0 || !inFirstUserNamespace()) {
		t.Skipf("needs CAP_BPF: %v", err)
	}
	since := [2]int{6, 4} // bpf_iter_num
	if way == "files" {
		since = [2]int{5, 11} // bpf_sock_from_file
	}
	if errors.Is(err, errors.ErrUnsupported) && nstest.Before(t, since[0], since[1]) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// inFirstUserNamespace: in any other, root has no right to load programs.
func inFirstUserNamespace() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && slices.Equal(b, []byte("         0          0 4294967295\n"))
}

// found is a descriptor as both ways tell of it.
type found struct {
	pid, fd int
	inode   uint32
}

// TestHolders holds the iterators against /proc and against what the sockets say of themselves, for this process and one that holds many.
func TestHolders(t *testing.T) {
	for way := range probe.Ways() {
		t.Run(way, func(t *testing.T) { testHolders(t, open(t, way, 100)) }) // room is to be made
	}
}

func testHolders(t *testing.T, h *probe.Holders) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		var want []nstest.Expected
		for _, name := range []string{"dead", "dead_close_wait", "dead_bound", "unconnected", "bound", "close_wait", "established", "listen"} {
			for _, fam := range nstest.Families() {
				want = append(want, nstest.Build(t, name, fam).Subject)
			}
		}
		others := []int{}
		for _, made := range [][3]int{{unix.AF_INET, unix.SOCK_DGRAM, 0}, {unix.AF_UNIX, unix.SOCK_STREAM, 0}, {unix.AF_INET6, unix.SOCK_STREAM, 262}} { // Multipath TCP
			if fd, err := unix.Socket(made[0], made[1]|unix.SOCK_CLOEXEC, made[2]); err == nil {
				defer unix.Close(fd)
				others = append(others, fd)
			}
		}
		if _, err := unix.FcntlInt(uintptr(others[0]), unix.F_SETFD, 0); err != nil { // an exec keeps this one alone
			t.Fatal(err)
		}
		epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(epoll)
		holder := nstest.StartHolder(t, 3000) // more than one read of records
		pids := []int{os.Getpid(), holder.PID}

		sockets, epolls := map[found]probe.Descriptor{}, map[found]bool{}
		if err := h.Walk(t.Context(), func(d *probe.Descriptor) {
			switch at := (found{d.PID, d.FD, d.Inode}); {
			case !slices.Contains(pids, d.PID):
			case d.Kind == probe.Epoll:
				epolls[found{d.PID, d.FD, 0}] = true
			default:
				sockets[at] = *d
			}
		}); err != nil {
			t.Fatal(err)
		}
		listed := 0
		if _, err := procfs.New("/proc").Walk(t.Context(), procfs.Walk{PIDs: pids, Epoll: func(pid, fd int) {
			if !epolls[found{pid, fd, 0}] {
				t.Errorf("pid %d descriptor %d: an epoll instance that the iterator does not show", pid, fd)
			}
			delete(epolls, found{pid, fd, 0})
		}, Visit: func(pid, fd int, inode uint32) procfs.Next {
			listed++
			if _, ok := sockets[found{pid, fd, inode}]; !ok {
				t.Errorf("pid %d descriptor %d: socket %d that the iterator does not show", pid, fd, inode)
			}
			return procfs.Continue
		}}); err != nil {
			t.Fatal(err)
		}
		if listed != len(sockets) || listed < 3000 || len(epolls) != 0 {
			t.Errorf("%d sockets in /proc, %d by the iterator, which alone has the epoll instances %v", listed, len(sockets), epolls)
		}
		for _, e := range want {
			facts, err := sockopt.Inspect(os.Getpid(), e.FD, e.Inode)
			d := sockets[found{os.Getpid(), e.FD, e.Inode}]
			if err != nil || d.Kind != probe.TCPSocket || d.State != facts.State || d.Connected != (d.State == tcp.Closed && facts.WasConnected()) || d.Netns != facts.Netns {
				t.Errorf("%v: %+v, the socket says %v connected %v in %d, %v", e, d, facts.State, facts.WasConnected(), facts.Netns, err)
			}
		}
		for at, d := range sockets {
			if flags, err := unix.FcntlInt(uintptr(at.fd), unix.F_GETFD, 0); at.pid == os.Getpid() && (err != nil || d.CloseOnExec != (flags&unix.FD_CLOEXEC != 0)) {
				t.Errorf("descriptor %d has the flags %#x, %v: %+v", at.fd, flags, err, d)
			}
			if at.pid == os.Getpid() && slices.Contains(others, at.fd) && (d.Kind != probe.OtherSocket || d.State != tcp.State(0) || d.Connected) {
				t.Errorf("descriptor %d, which is no TCP socket: %+v", at.fd, d)
			}
		}
	})
}

// TestHolders_churned: while descriptors are opened and closed all the time, those that stay are found each time, once and as what they are.
func TestHolders_churned(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		want := map[int]uint32{}
		for range 40 {
			s, peer := nstest.Connect(t, nstest.IPv4)
			want[s.FD()], want[peer.FD()] = s.Inode(), peer.Inode()
		}
		done, ended := make(chan struct{}), make(chan error)
		go func() { ended <- churn(done) }()
		defer func() {
			close(done)
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		for way := range probe.Ways() {
			t.Run(way, func(t *testing.T) {
				h := open(t, way, 100)
				for range 25 {
					walkAll(t, h, want)
				}
			})
		}
	})
}

// walkAll wants to see these descriptors of this process, and the sockets they refer to.
func walkAll(t *testing.T, h *probe.Holders, want map[int]uint32) {
	t.Helper()
	found := map[int]uint32{}
	if err := h.Walk(t.Context(), func(d *probe.Descriptor) {
		switch inode, ours := want[d.FD]; {
		case d.PID != os.Getpid() || !ours:
		case d.Kind != probe.TCPSocket || d.Inode != inode || found[d.FD] != 0:
			t.Errorf("%+v, want socket %d once", *d, inode)
		default:
			found[d.FD] = d.Inode
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(found) != len(want) {
		t.Errorf("%d of %d sockets", len(found), len(want))
	}
}

// churn opens descriptors and closes them again, more each time so that the table of this process grows, until it is done.
func churn(done <-chan struct{}) error {
	for n := 100; ; n = min(n+100, 3000) {
		var fds []int
		for range n {
			fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return err
			}
			fds = append(fds, fd)
		}
		for _, fd := range fds {
			if err := unix.Close(fd); err != nil {
				return err
			}
		}
		select {
		case <-done:
			return nil
		default:
		}
	}
}

// TestOpenHolders_leavesNothing: what was opened is closed, and a program that nobody refers to is gone.
func TestOpenHolders_leavesNothing(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	for way := range probe.Ways() {
		t.Run(way, func(t *testing.T) {
			open(t, way, 100) // whatever is opened once
			before := count()
			for range 3 {
				h, err := probe.Ways()[way](0)
				if err != nil {
					t.Fatal(err)
				}
				if err := h.Walk(t.Context(), func(*probe.Descriptor) {}); err != nil {
					t.Fatal(err)
				}
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if after := count(); after != before {
				t.Errorf("%d descriptors open, %d before", after, before)
			}
		})
	}
}

func BenchmarkOpenHolders(b *testing.B) {
	for way, open := range probe.Ways() {
		b.Run(way, func(b *testing.B) {
			for b.Loop() {
				h, err := open(20_000)
				if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
					b.Skip(err)
				}
				if err != nil {
					b.Fatal(err)
				}
				h.Close()
			}
		})
	}
}

// BenchmarkHolders walks all descriptors of the host, and those of a process with many sockets.
func BenchmarkHolders(b *testing.B) {
	nstest.New(b).Do(func() {
		nstest.StartHolder(b, 9000)
		for _, way := range []string{"tables", "files"} {
			b.Run(way, func(b *testing.B) {
				h := open(b, way, 20_000)
				count := 0
				for b.Loop() {
					count = 0
					if err := h.Walk(b.Context(), func(*probe.Descriptor) { count++ }); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/descriptor")
			})
		}
	})
}
