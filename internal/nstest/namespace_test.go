package nstest_test

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// inode returns the inode of the network namespace a path stands for.
func inode(t testing.TB, path string) uint64 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

const current = "/proc/thread-self/ns/net"

func TestNew_is_another_namespace(t *testing.T) {
	ns := nstest.New(t)
	before := inode(t, current)
	if ns.Inode() == before {
		t.Fatalf("namespace %d is the one of the test", before)
	}
	if got := inode(t, ns.Path()); got != ns.Inode() {
		t.Errorf("%s is %d, want %d", ns.Path(), got, ns.Inode())
	}
	ns.Do(func() {
		if got := inode(t, current); got != ns.Inode() {
			t.Errorf("inside Do: namespace %d, want %d", got, ns.Inode())
		}
		nstest.Build(t, "close_wait", nstest.IPv4)
		if got := len(nstest.SS(t)); got != 2 {
			t.Errorf("ss sees %d sockets in Do, want 2", got)
		}
	})
	if got := len(nstest.SS(t, "dport", "=", ":1")); got != 0 {
		t.Errorf("ss sees %d sockets outside", got)
	}
	if after := inode(t, current); after != before {
		t.Errorf("after Do: namespace %d, want %d", after, before)
	}
}

// Threads that were in another namespace must never carry other goroutines; see style.md, section 5, for how often they do when they are unlocked.
func TestDo_leaks_no_thread(t *testing.T) {
	home := inode(t, "/proc/self/ns/net")
	spaces := []*nstest.Namespace{nstest.New(t), nstest.New(t)}
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			spaces[i%2].Do(func() {
				var inner sync.WaitGroup
				inner.Go(func() {
					if got := inode(t, current); got != home {
						t.Errorf("a goroutine started in Do is in namespace %d", got)
					}
				})
				spaces[(i+1)%2].Do(func() {
					if got := inode(t, current); got != spaces[(i+1)%2].Inode() {
						t.Errorf("nested Do in namespace %d", got)
					}
				})
				inner.Wait()
			})
		})
	}
	group.Wait()
	begin := make(chan struct{})
	for range 200 {
		group.Go(func() {
			runtime.LockOSThread() // 200 threads at once: whatever the pool holds
			defer runtime.UnlockOSThread()
			<-begin
			if got := inode(t, current); got != home {
				t.Errorf("a later goroutine is in namespace %d, want %d", got, home)
			}
		})
	}
	close(begin)
	group.Wait()
	if got := inode(t, "/proc/self/ns/net"); got != home {
		t.Errorf("the main thread is in namespace %d, want %d", got, home)
	}
}

func TestDo_ends_the_caller(t *testing.T) {
	ns := nstest.New(t)
	var reached bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		ns.Do(runtime.Goexit) // what FailNow and SkipNow do
		reached = true
	}()
	<-done
	if reached {
		t.Error("Do returned although its function did not")
	}
	defer func() {
		if p := recover(); !strings.Contains(p.(string), "as planned") {
			t.Errorf("panic %v", p)
		}
	}()
	ns.Do(func() { panic("as planned") })
	t.Error("Do returned after a panic")
}

func TestPair_carries_and_loses(t *testing.T) {
	for _, fam := range nstest.Families() {
		t.Run(fam.String(), func(t *testing.T) {
			t.Parallel()
			a, b := nstest.Pair(t)
			server, client := nstest.ConnectAcross(t, fam, a, b)
			if client.Local().Addr() != a.Address(fam) || server.Local().Addr() != b.Address(fam) {
				t.Fatalf("connected %v to %v", client.Local(), server.Local())
			}
			client.Write(10)
			server.Read(10)
			a.BlackHole()
			server.Write(20) // the other direction works, though its acknowledgement is lost
			client.Read(20)
			client.Write(30)
			client.AwaitInfo("a retransmission time-out", func(info *tcp.Info) bool {
				n, _ := info.Uint(tcp.Retransmits)
				return n > 0
			})
			a.Heal()
			server.Read(30)
			client.AwaitInfo("recovery", func(info *tcp.Info) bool {
				n, _ := info.Uint(tcp.Unacked)
				return n == 0
			})
		})
	}
}

// The black hole leaves the kernel's half-open sockets on both sides, as the scenes do with a deaf socket.
func TestPair_half_open(t *testing.T) {
	a, b := nstest.Pair(t)
	var listener, client *nstest.Socket
	b.BlackHole()
	b.Do(func() { listener = nstest.ListenAt(t, nstest.IPv4, b.Address(nstest.IPv4), 1) })
	a.Do(func() { client = nstest.Open(t, nstest.IPv4) })
	client.Begin(listener.Local())
	client.Await(tcp.SynSent)
	b.Do(func() {
		nstest.Eventually(t, func() (bool, any) {
			got := nstest.SS(t, "dst", a.Address(nstest.IPv4).String())
			return len(got) == 1 && got[0].Peer == client.Local() && got[0].State == tcp.SynReceived, got
		})
	})
}

func TestMain_isolates(t *testing.T) {
	nstest.Require(t)
	parent := inode(t, "/proc/self/ns/net")
	if stage := os.Getenv("CLOSEWAIT_NSTEST"); !strings.HasPrefix(stage, "outside=") {
		t.Fatalf("stage %q in namespace %d", stage, parent)
	}
	if os.Geteuid() != 0 {
		t.Errorf("uid %d, want 0", os.Geteuid())
	}
	// A sysctl of the namespace can be written without rights on the host.
	const sysctl = "/proc/sys/net/ipv4/tcp_retries2"
	before, err := os.ReadFile(sysctl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.WriteFile(sysctl, before, 0) })
	if err := os.WriteFile(sysctl, []byte("5"), 0); err != nil {
		t.Error(err)
	}
}
