package lab_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/report"
)

// TestMain is closewait itself when the lab starts this binary again, or a test does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "lab" {
		os.Exit(cli.Main(os.Args[1:], cli.System()))
	}
	os.Exit(m.Run())
}

// run plays scenes and returns what came out.
func run(t *testing.T, as *syscall.Credential, args ...string) []report.LabScene {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{"lab", "run", "-o", "json"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	cmd.Dir = "/"
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var doc report.Lab
	if json.Unmarshal(out.Bytes(), &doc) != nil {
		t.Fatalf("%v: %s%s", err, out.String(), stderr.String())
	}
	return doc.Scenes
}

func judge(t *testing.T, scenes []report.LabScene) {
	t.Helper()
	for _, s := range scenes {
		switch s.Status {
		case report.LabFailed:
			t.Errorf("%s %v: %s", s.Name, s.Settings, *s.Reason)
		case report.LabSkipped:
			nstest.Missing(t, s.Name+": "+*s.Reason)
		}
	}
}

// TestScenes plays every scene: these are the end-to-end tests of diagnosis and forecast.
func TestScenes(t *testing.T) {
	for _, family := range []string{"ipv4", "ipv6"} {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			atOnce := min(6, 3*runtime.NumCPU()) // what a scene waits for comes too late on a processor with too many of them
			scenes := run(t, nil, "all", "--at-once", strconv.Itoa(atOnce), "--family", family)
			want := len(lab.Scenes())
			for _, s := range lab.Scenes() {
				if s.Stuck() {
					want += len(lab.Actions())
				}
			}
			if len(scenes) != want {
				t.Errorf("%d of %d scenes were played", len(scenes), want)
			}
			judge(t, scenes)
			if !t.Failed() {
				holdReadme(t, scenes)
			}
		})
	}
}

// TestScenes_unprivileged plays some scenes as an ordinary user.
func TestScenes_unprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("TestScenes already runs as an ordinary user")
	}
	t.Parallel()
	scenes := run(t, &syscall.Credential{Uid: 65534, Gid: 65534}, "leak", "zero-window", "vanished-close-wait", "half-close", "--family", "mapped")
	for _, s := range scenes {
		if s.Status == report.LabSkipped && strings.Contains(*s.Reason, "no private network") {
			t.Skipf("this kernel allows no user namespaces to ordinary users: %s", *s.Reason)
		}
	}
	judge(t, scenes)
}

// playing returns the pids of processes with a mark.
func playing(t *testing.T, mark string) (pids []int) {
	t.Helper()
	marked, err := lab.Playing(mark)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range marked {
		pids = append(pids, m.PID)
	}
	return pids
}
