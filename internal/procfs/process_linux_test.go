package procfs_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

func TestProcess_fixture(t *testing.T) {
	long := strings.Repeat("x", 5000) // a class path, say
	f, root := fixture(t, map[int]fakeProcess{
		10: {fds: map[int]string{0: "/dev/null", 3: socket(5)}, files: map[string]string{
			"cmdline": "nginx\x00-g\x00daemon off;\x00", "limits": limits, "cgroup": "0::/system.slice/nginx.service\n",
		}},
		20: {files: map[string]string{"cmdline": long + "\x00Main\x00--port=80\x00", "cgroup": "0::/\n"}},
		30: {files: map[string]string{"stat": "30 broken"}},
	})
	write(t, root, map[string]string{"stat": "cpu 1 2 3\nbtime 1000000\n"})
	f = f.WithFiles(t.TempDir())
	want := map[int]*look.Process{
		10: {
			PID: 10, Comm: "p10", Cmdline: "nginx -g daemon off;", StartTime: time.Unix(1000010, 0), StartTicks: 1000, FDs: 2, FDLimit: 20000, Group: 1, State: 'S',
			Workload: look.Workload{Name: "nginx.service", Kind: look.KindUnit, Unit: "nginx.service", Cgroup: "/system.slice/nginx.service"},
		},
		20: {
			PID: 20, Comm: "p20", Cmdline: long[:3072] + " … " + long[:1024-len("x Main --port=80")+1] + " Main --port=80", StartTime: time.Unix(1000020, 0), StartTicks: 2000, FDs: 0, FDLimit: -1, Group: 1, State: 'S',
			Workload: look.Workload{Name: "p20", Cgroup: "/"},
		},
	}
	got, err := f.Processes(t.Context(), []int{10, 20, 99})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := f.Process(99); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	var op *procfs.OpError
	if got, err := f.Processes(t.Context(), []int{30, 10}); !errors.As(err, &op) || !strings.HasSuffix(op.Path, "/30/stat") || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Processes(ctx, []int{10}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestProcess_noBootTime leaves the start time unknown, not wrong.
func TestProcess_noBootTime(t *testing.T) {
	f, _ := fixture(t, map[int]fakeProcess{10: {}})
	if p, err := f.Process(10); err != nil || !p.StartTime.IsZero() || p.StartTicks != 1000 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestProcesses_there: a file that is said not to exist although the process or thread does is something that could not be read.
func TestProcesses_there(t *testing.T) {
	f, root := fixture(t, map[int]fakeProcess{10: {}, 20: {files: map[string]string{"task/20/comm": "a thread whose stat cannot be read"}}})
	if err := os.Remove(root + "/10/stat"); err != nil {
		t.Fatal(err)
	}
	if all, err := f.Processes(t.Context(), []int{10, 20, 30}); len(all) != 1 || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/10/stat") {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := f.Processes(t.Context(), []int{20, 30}); len(all) != 1 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if a, err := f.Activity(20, 10, new(procfs.Common)); a == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestProcess_kernel(t *testing.T) {
	f := procfs.New("/proc")
	before, err := f.Process(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	openSockets(t, 50)
	after, err := f.Process(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.FDs-before.FDs != 50 {
		t.Errorf("50 more descriptors, and the count went from %d to %d", before.FDs, after.FDs)
	}
	if age := time.Since(after.StartTime); age < -2*time.Second || age > time.Hour {
		t.Errorf("started %v ago", age)
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil || after.Comm != strings.TrimSuffix(string(comm), "\n") {
		t.Errorf("comm %q, want %q", after.Comm, comm)
	}
	if exe, err := os.Executable(); err != nil || after.Exe != exe || !after.Go {
		t.Errorf("executable %q, built by Go: %v; want %q, true", after.Exe, after.Go, exe)
	}
	if after.StartTicks == 0 || after.StartTicks != before.StartTicks || after.FDLimit == 0 || !strings.HasPrefix(after.Cmdline, os.Args[0]) {
		t.Errorf("%+v", after)
	}
	// What needs no permission is read of every process, and no two are the same.
	if p, err := f.Process(1); err != nil || p.Comm == "" || p.StartTicks == 0 || p.FDs == 0 {
		t.Errorf("process 1: %+v, %v", p, err)
	}
}

func BenchmarkProcesses(b *testing.B) {
	f := procfs.New("/proc")
	pids := make([]int, 100)
	for i := range pids {
		pids[i] = os.Getpid()
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Processes(b.Context(), pids); err != nil {
			b.Fatal(err)
		}
	}
}
