package nstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/closewait/closewait/internal/stage"
	"golang.org/x/sys/unix"
)

// stageEnv tells the test binary where it runs. Its value is one of the prefixes below and what they announce.
const (
	stageEnv = "CLOSEWAIT_NSTEST"
	inside   = "outside=" // runs in a namespace of its own; the inode of the one it was started from
	refused  = "refused=" // could get no namespace; why
)

// Main runs the tests of m in a private network namespace whose loopback device is up, and exits. It is the whole body of a TestMain.
//
// The inner process gets the arguments, the environment and the standard files; it dies with the outer one. The signals that end a
// test run reach it. A test binary started by a test of this process does not nest further.
func Main(m *testing.M) {
	if count := os.Getenv(holdEnv); count != "" {
		os.Exit(hold(count))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if outside, ok := strings.CutPrefix(os.Getenv(stageEnv), inside); ok {
		if err := arrive(outside); err != nil {
			return runRefused(m, err)
		}
		return m.Run()
	}
	inner, err := enter()
	if err != nil {
		return runRefused(m, err)
	}
	return follow(inner)
}

// runRefused keeps the reason in the environment, not in a variable, so that Require needs no state.
func runRefused(m *testing.M, why error) int {
	if err := os.Setenv(stageEnv, refused+why.Error()); err != nil {
		fmt.Fprintln(os.Stderr, "nstest:", err)
		return 1
	}
	return m.Run()
}

// arrive makes the new namespace usable. It does not trust the environment: a stale variable must not let tests loose on the host.
func arrive(outside string) error {
	inode, err := stage.Inode("/proc/self/ns/net")
	if err != nil {
		return err
	}
	if strconv.FormatUint(inode, 10) == outside {
		return fmt.Errorf("still in network namespace %d, in spite of %s", inode, stageEnv)
	}
	return stage.SetUp("lo")
}

// enter starts this binary again in a new network namespace.
func enter() (*exec.Cmd, error) {
	// The kernel sends the parent death signal when the thread that forked ends; this one must last as long as the process.
	runtime.LockOSThread()
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	inode, err := stage.Inode("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	return stage.Enter(func() *exec.Cmd {
		inner := exec.Command(exe)
		inner.Args = os.Args
		inner.Env = append(os.Environ(), stageEnv+"="+inside+strconv.FormatUint(inode, 10))
		inner.Stdin, inner.Stdout, inner.Stderr = os.Stdin, os.Stdout, os.Stderr
		return inner
	})
}

// follow waits for the inner process and returns the exit code to end with.
func follow(inner *exec.Cmd) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGHUP)
	go func() {
		for s := range signals {
			_ = inner.Process.Signal(s) // it may have ended meanwhile
		}
	}()
	err := inner.Wait()
	signal.Stop(signals)
	if status, ok := inner.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "nstest:", err)
		return 1
	}
	return inner.ProcessState.ExitCode()
}

// Require skips the test, or fails it with CI=true, when it does not run in a private network namespace.
func Require(t testing.TB) {
	t.Helper()
	stage := os.Getenv(stageEnv)
	if why, ok := strings.CutPrefix(stage, refused); ok {
		Missing(t, "a private network namespace ("+why+")")
	}
	if !strings.HasPrefix(stage, inside) {
		t.Fatal("TestMain of this package does not call nstest.Main")
	}
}

// Before reports whether the running kernel is older than a version by the name it gives itself.
func Before(t testing.TB, major, minor int) bool {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	var is [2]int
	if _, scanErr := fmt.Sscanf(string(release), "%d.%d", &is[0], &is[1]); err != nil || scanErr != nil {
		t.Fatal(string(release), err, scanErr)
	}
	return slices.Compare(is[:], []int{major, minor}) < 0
}

// Missing ends a test that lacks something the machine should have: it is skipped, but fails with CI=true, where a silent skip would look like success.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("this test needs %s, and CI=true forbids to skip it", what)
	}
	t.Skipf("this test needs %s", what)
}
