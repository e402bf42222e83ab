package procfs_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

func set(inodes ...uint32) map[uint32]struct{} {
	all := map[uint32]struct{}{}
	for _, n := range inodes {
		all[n] = struct{}{}
	}
	return all
}

// family is a /proc in which inode 100 is held by 10, by its child 12, and by 50, which is no relation and comes last.
func family(t *testing.T) procfs.FS {
	t.Helper()
	f, _ := fixture(t, map[int]fakeProcess{
		1:  {fds: map[int]string{3: socket(1)}},
		10: {ppid: 1, fds: map[int]string{3: socket(100), 7: socket(100), 8: socket(200)}},
		12: {ppid: 10, fds: map[int]string{3: socket(100)}},
		13: {ppid: 12, fds: map[int]string{4: socket(300)}},
		50: {ppid: 1, fds: map[int]string{3: socket(100), 5: socket(500)}},
		51: {ppid: 50, fds: map[int]string{6: socket(100)}},
	})
	return f
}

// holdersOf is Holders with maps on both sides.
func holdersOf(ctx context.Context, f procfs.FS, wanted map[uint32]struct{}, opts procfs.HolderOptions) (map[uint32][]look.Holder, procfs.WalkStats, error) {
	table := look.MakeHolders(len(wanted))
	for inode := range wanted {
		table.Want(inode)
	}
	stats, err := f.Holders(ctx, &table, opts)
	held := map[uint32][]look.Holder{}
	for inode, h := range table.All() {
		held[inode] = append(held[inode], h)
	}
	return held, stats, err
}

func TestHolders_fixture(t *testing.T) {
	near := []look.Holder{{PID: 10, FD: 3}, {PID: 10, FD: 7}, {PID: 12, FD: 3}}
	far := append(near[:3:3], look.Holder{PID: 50, FD: 3}, look.Holder{PID: 51, FD: 6})
	first := procfs.HolderOptions{First: []int{10}}
	for _, test := range []struct {
		name   string
		wanted map[uint32]struct{}
		opts   procfs.HolderOptions
		want   map[uint32][]look.Holder
		passed int
	}{
		{"nothing", nil, procfs.HolderOptions{}, map[uint32][]look.Holder{}, 0},
		{"relations", set(100), first, map[uint32][]look.Holder{100: near}, 2},
		{"exhaustive", set(100), procfs.HolderOptions{Exhaustive: true}, map[uint32][]look.Holder{100: far}, 0},
		{"found-on-the-way", set(100, 500), first, map[uint32][]look.Holder{100: far, 500: {{PID: 50, FD: 5}}}, 0},
		{"nobody", set(100, 999), first, map[uint32][]look.Holder{100: far}, 0},
		{"only-one", set(200), first, map[uint32][]look.Holder{200: {{PID: 10, FD: 8}}}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, stats, err := holdersOf(t.Context(), family(t), test.wanted, test.opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if stats.Unrelated != test.passed {
				t.Errorf("passed over %d, want %d (%+v)", stats.Unrelated, test.passed, stats)
			}
		})
	}
}

// TestHolders_relationsOfRelations finds a holder that is only related to another one found late.
func TestHolders_relationsOfRelations(t *testing.T) {
	f, _ := fixture(t, map[int]fakeProcess{
		30: {ppid: 20, fds: map[int]string{3: socket(100)}}, // found first
		25: {ppid: 24, fds: map[int]string{3: socket(100)}}, // a nephew, who has it from his parent
		24: {ppid: 20, fds: map[int]string{3: socket(100)}}, // a sibling
		20: {ppid: 1}, 90: {ppid: 1, fds: map[int]string{3: socket(100)}},
	})
	got, _, err := holdersOf(t.Context(), f, set(100), procfs.HolderOptions{First: []int{30}})
	want := map[uint32][]look.Holder{100: {{PID: 24, FD: 3}, {PID: 25, FD: 3}, {PID: 30, FD: 3}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestHolders_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := holdersOf(ctx, family(t), set(100), procfs.HolderOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, _, err := holdersOf(t.Context(), procfs.New("/nowhere"), set(1), procfs.HolderOptions{}); err == nil {
		t.Error("no error")
	}
}

const childEnv = "CLOSEWAIT_PROCFS_CHILD"

// TestMain makes the test binary the child of its own tests: one that holds what it was given until its standard input ends.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	for fd := range 2000 * (len(os.Getenv(childEnv)) - 1) { // "xx": with many more descriptors
		if _, err := unix.FcntlInt(0, unix.F_DUPFD, fd%2+10); err != nil {
			os.Exit(1)
		}
	}
	_, _ = os.Stdout.WriteString("ready\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startChild starts a child that inherits the socket as descriptor 3, if there is one, and waits until it runs.
func startChild(t *testing.T, fd int, env string) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+env)
	if fd >= 0 {
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(copied), "socket")
		defer file.Close()
		cmd.ExtraFiles = []*os.File{file}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("child: %q, %v", line, err)
	}
	return cmd.Process.Pid
}

// TestHolders_kernel shares a socket with a child: small, and with so many descriptors that it is only asked for some.
func TestHolders_kernel(t *testing.T) {
	for _, env := range []string{"x", "xx"} {
		t.Run(env, func(t *testing.T) {
			for fd, inode := range openSockets(t, 1) {
				var limit unix.Rlimit
				if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 2100 {
					t.Skipf("at most %d descriptors may be open: %v", limit.Cur, err)
				}
				child, other := startChild(t, fd, env), startChild(t, -1, env)
				for _, opts := range []procfs.HolderOptions{{}, {Exhaustive: true}, {First: []int{os.Getpid()}}, {First: []int{child}}} {
					got, stats, err := holdersOf(t.Context(), procfs.New("/proc"), set(inode), opts)
					if err != nil {
						t.Fatal(err)
					}
					want := map[look.Holder]bool{{PID: os.Getpid(), FD: fd}: true}
					for _, h := range got[inode] {
						if h.PID == child { // the number: a "3" given to it, as ExtraFiles promises
							h.FD = -h.FD
						}
						delete(want, h)
						if h.PID == other {
							t.Errorf("%+v holds nothing", h)
						}
					}
					if len(want) != 0 || len(got[inode]) != 2 || len(got) != 1 {
						t.Errorf("%+v: got %v, want this process and %d (%+v)", opts, got, child, stats)
					}
				}
			}
		})
	}
}

// TestHolders_large does not list a relation with many descriptors that shares none.
func TestHolders_large(t *testing.T) {
	for fd, inode := range openSockets(t, 1) {
		startChild(t, -1, "xx")
		f := procfs.New("/proc")
		if f.FDCountKnown(t) {
			_, stats, err := holdersOf(t.Context(), f, set(inode), procfs.HolderOptions{First: []int{os.Getpid()}})
			if err != nil {
				t.Fatal(err)
			}
			if stats.Descriptors >= 2000 {
				t.Errorf("looked at %d descriptors to find %d", stats.Descriptors, fd)
			}
		}
	}
}

// BenchmarkHolders looks for 10,000 sockets of one process among all processes.
func BenchmarkHolders(b *testing.B) {
	mine := openSockets(b, 10000)
	for name, n := range map[string]int{"all": len(mine), "one": 1} {
		b.Run(name, func(b *testing.B) {
			inodes := slices.Collect(maps.Values(mine))[:n]
			seen, start := 0, cpuTime()
			b.ReportAllocs()
			for b.Loop() {
				wanted := look.MakeHolders(n)
				for _, inode := range inodes {
					wanted.Want(inode)
				}
				stats, err := procfs.New("/proc").Holders(b.Context(), &wanted, procfs.HolderOptions{})
				if err != nil || wanted.Held() != n {
					b.Fatal(wanted.Held(), err)
				}
				seen += stats.Descriptors
			}
			b.ReportMetric(float64(cpuTime()-start)/float64(seen), "cpu-ns/descriptor")
			b.ReportMetric(float64(seen)/float64(b.N), "descriptors")
		})
	}
}
