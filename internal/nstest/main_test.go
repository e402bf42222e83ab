package nstest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/stage"
	"golang.org/x/sys/unix"
)

// witness is a testing.TB that notes how the test under it would end, and ends its goroutine then.
type witness struct {
	testing.TB
	ended string
}

func (w *witness) Helper()                        {}
func (w *witness) Skipf(format string, a ...any)  { w.end("skip: " + fmt.Sprintf(format, a...)) }
func (w *witness) Fatalf(format string, a ...any) { w.end("fatal: " + fmt.Sprintf(format, a...)) }
func (w *witness) Fatal(a ...any)                 { w.end("fatal: " + fmt.Sprint(a...)) }
func (w *witness) end(how string)                 { w.ended = how; panic(w) }

func endOf(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	w := &witness{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(w) {
				panic(p)
			}
		}()
		f(w)
	}()
	return w.ended
}

func TestRequire(t *testing.T) {
	for _, test := range []struct{ stage, ci, want string }{
		{"outside=1", "true", ""},
		{"refused=operation not permitted", "", "skip: this test needs a private network namespace (operation not permitted)"},
		{"refused=operation not permitted", "true", "fatal: this test needs a private network namespace (operation not permitted), and"},
		{"", "", "fatal: TestMain of this package does not call"},
	} {
		t.Setenv(stageEnv, test.stage)
		t.Setenv("CI", test.ci)
		if got := endOf(t, Require); !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("stage %q, CI %q: %q, want %q", test.stage, test.ci, got, test.want)
		}
	}
}

func TestBuild_unknown_scene(t *testing.T) {
	got := endOf(t, func(t testing.TB) { Build(t, "no_such", IPv4) })
	if !strings.Contains(got, `no scene "no_such"`) {
		t.Errorf("ends with %q", got)
	}
}

func TestArrive_distrusts_the_environment(t *testing.T) {
	Require(t)
	inode, err := stage.Inode("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if err := arrive(fmt.Sprint(inode)); err == nil {
		t.Error("took the namespace it was started from for a private one")
	}
	if err := arrive("1"); err != nil {
		t.Error(err)
	}
}

// again prepares this test binary to run one of its tests as if it were started from a shell, told to play a part.
func again(t *testing.T, test, part string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^"+test+"$", "-test.v")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, stageEnv) })
	cmd.Env = append(cmd.Env, partEnv+"="+part)
	return cmd
}

const partEnv = "NSTEST_PART"

func TestMain_passes_the_exit_code_on(t *testing.T) {
	Require(t)
	if os.Getenv(partEnv) == "fail" {
		t.Fatal("fails on demand")
	}
	out, err := again(t, t.Name(), "fail").CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "fails on demand") {
		t.Errorf("%v: %s", err, out)
	}
}

// Killed or asked to end, the outer process takes the inner one with it: the last writer of the pipe is gone.
func TestMain_inner_process_does_not_survive(t *testing.T) {
	Require(t)
	if os.Getenv(partEnv) == "linger" {
		fmt.Println("\nlingering", os.Getpid())
		<-time.After(time.Minute) // killed long before
		return
	}
	for _, signal := range []unix.Signal{unix.SIGKILL, unix.SIGTERM} {
		outer := again(t, t.Name(), "linger")
		stdout, err := outer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := outer.Start(); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(stage.Patience, func() { t.Errorf("%v: the inner process lives", signal); _ = stdout.Close() })
		lines := bufio.NewReader(stdout)
		for line := ""; !strings.HasPrefix(line, "lingering"); {
			if line, err = lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		if err := outer.Process.Signal(signal); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, lines)
		late.Stop()
		_ = outer.Wait()
	}
}

func TestParseRow(t *testing.T) {
	const line = "   0: 0100007F:1F90 0200007F:C350 08 0000000A:000003E9 01:00000014 00000003  1000        0 4711 2 0 20 4 30 10 -1"
	got, err := parseRow(2, line)
	want := "ipv4 close_wait recv-q 1001 send-q 10 127.0.0.1:8080 > 127.0.0.2:50000 timer retransmit ino 4711"
	if err != nil || got.String() != want {
		t.Errorf("%v, %v, want %s", got, err, want)
	}
	v6, err := parseHexAddress("0000000000000000FFFF00000100007F:0050")
	if err != nil || v6.String() != "[::ffff:127.0.0.1]:80" {
		t.Errorf("%v, %v", v6, err)
	}
	for _, bad := range []string{"", "0: 1 2", strings.Replace(line, "08", "zz", 1), strings.Replace(line, "7F:1F", "7:1F", 1), strings.Replace(line, "1F90", "11F90", 1)} {
		if got, err := parseRow(2, bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}
