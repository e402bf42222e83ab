package sockopt_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// TestInspect asks descriptors of this very process, which needs no rights, in the way those of others are asked.
func TestInspect(t *testing.T) {
	tests := map[string]struct {
		state     tcp.State
		connected bool
	}{
		"dead": {tcp.Closed, true}, "dead_close_wait": {tcp.Closed, true}, "dead_bound": {tcp.Closed, true}, "unconnected": {tcp.Closed, false},
		"bound": {tcp.Closed, false}, "close_wait": {tcp.CloseWait, true}, "established": {tcp.Established, true}, "listen": {tcp.Listen, false},
	}
	for name, want := range tests {
		for _, fam := range nstest.Families() {
			t.Run(name+"/"+fam.String(), func(t *testing.T) {
				nstest.Require(t)
				ns := nstest.New(t)
				ns.Do(func() {
					s := nstest.Build(t, name, fam).Subject
					facts, err := sockopt.Inspect(os.Getpid(), s.FD, s.Inode)
					if errors.Is(err, unix.EPERM) {
						t.Skipf("this process may not trace itself: %v", err)
					}
					if err != nil || facts.State != want.state || facts.WasConnected() != want.connected || facts.Netns != ns.Inode() {
						t.Errorf("%v connected %v netns %d, %v; want %v connected %v netns %d",
							facts.State, facts.WasConnected(), facts.Netns, err, want.state, want.connected, ns.Inode())
					}
					if _, err := sockopt.Inspect(os.Getpid(), s.FD, s.Inode+1); !errors.Is(err, sockopt.ErrGone) {
						t.Errorf("another inode: %v, want ErrGone", err)
					}
				})
			})
		}
	}
}

func TestInspect_gone(t *testing.T) {
	for _, test := range []struct{ pid, fd int }{{os.Getpid(), 1 << 20}, {1 << 30, 0}} {
		_, err := sockopt.Inspect(test.pid, test.fd, 1)
		if !errors.Is(err, sockopt.ErrGone) && !errors.Is(err, unix.EINVAL) {
			t.Errorf("pid %d descriptor %d: %v, want ErrGone", test.pid, test.fd, err)
		}
	}
}

// TestOptions: the cookie tells two sockets apart that the descriptor and the inode do not.
func TestOptions(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		s, _ := nstest.Connect(t, nstest.IPv6)
		s.Set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1500)
		s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7)
		cookie, err := unix.GetsockoptUint64(s.FD(), unix.SOL_SOCKET, unix.SO_COOKIE)
		if err != nil {
			t.Fatal(err)
		}
		o, err := sockopt.Options(os.Getpid(), s.FD(), s.Inode(), tcp.Cookie(cookie))
		if errors.Is(err, unix.EPERM) {
			t.Skipf("this process may not trace itself: %v", err)
		}
		if err != nil || o.UserTimeout != 1500*time.Millisecond || o.KeepaliveInterval != 7*time.Second || o.KeepaliveProbes != 9 || o.ThinLinear {
			t.Errorf("%+v, %v", o, err)
		}
		if _, err := sockopt.Options(os.Getpid(), s.FD(), s.Inode(), tcp.Cookie(cookie+1)); !errors.Is(err, sockopt.ErrGone) {
			t.Errorf("another cookie: %v, want ErrGone", err)
		}
	})
}
