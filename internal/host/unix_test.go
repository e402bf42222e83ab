package host_test

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// TestLook_unix: what a unix socket is connected to, and who has the other end, is found whether all descriptors were walked before or none were; of a number that is no such socket nothing is known.
func TestLook_unix(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		nstest.Build(t, "close_wait", nstest.Families()[0])
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		var inodes [2]uint32
		for i, fd := range fds {
			defer unix.Close(fd)
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				t.Fatal(err)
			}
			inodes[i] = uint32(st.Ino)
		}
		const nobody = 1<<32 - 1
		for name, request := range map[string]host.Request{
			"found by a search":   {Holders: func(s *tcp.Socket) bool { return s.State == tcp.CloseWait }},
			"walked":              {Holders: func(s *tcp.Socket) bool { return s.State == tcp.CloseWait }, Dead: true},
			"nothing else wanted": {Holders: func(*tcp.Socket) bool { return false }},
		} {
			asked := 0
			request.Netns, request.NoBPF = []string{netnsPath()}, true
			request.Inquire = func(now *look.Snapshot) (wish look.Wish) {
				switch asked++; asked {
				case 1:
					wish.Unix = []uint32{inodes[0], nobody}
				case 2:
					wish.Holders = []uint32{now.Unix[inodes[0]].Peer, nobody}
				}
				return wish
			}
			s, _, err := host.New(time.Now).Look(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := s.Unix[inodes[0]], (look.Unix{Peer: inodes[1]}); got != want || s.Unix[nobody] != (look.Unix{}) || len(s.Unix) != 2 {
				t.Errorf("%s: %+v, want %+v", name, s.Unix, want)
			}
			if got, want := s.Holders.Of(inodes[1]), (look.Holder{PID: os.Getpid(), FD: fds[1]}); len(got) != 1 || got[0] != want || s.Processes[os.Getpid()] == nil || s.Holders.Has(nobody) {
				t.Errorf("%s: held by %+v, want %+v", name, got, want)
			}
		}
	})
}
