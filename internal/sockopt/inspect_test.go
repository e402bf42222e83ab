package sockopt_test

import (
	"errors"
	"os"
	"testing"

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
