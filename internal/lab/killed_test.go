package lab_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/stage"
)

// TestKilled: whatever is killed, and whenever, nothing is left that "lab clean" does not find: no process, no network namespace, no mount of one, no journal.
func TestKilled(t *testing.T) {
	const moments, apart = 24, 40 * time.Millisecond
	var seen, journals atomic.Int32
	t.Run("at", func(t *testing.T) {
		for i := range moments {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				k := begin(t)
				k.watch(time.Duration(i) * apart)
				k.kill(i%2 == 1)
				nstest.Eventually(t, func() (bool, any) {
					left := playing(t, k.owner)
					return len(left) == 0, left
				})
				seen.Add(int32(len(k.networks)))
				journals.Add(int32(len(k.journals())))
				k.clean()
				k.nothing()
			})
		}
	})
	if seen.Load() < moments || journals.Load() == 0 {
		t.Errorf("%d networks were there to be left behind, and %d journals: nothing was tried", seen.Load(), journals.Load())
	}
}

// killed is a lab that is about to be killed.
type killed struct {
	*testing.T
	cmd   *exec.Cmd
	owner string
	temp  string // where its journals are
	// networks are namespaces of its scenes, held open so that no later one gets the same number.
	networks map[string]*os.File
}

func begin(t *testing.T) *killed {
	t.Helper()
	k := &killed{T: t, temp: t.TempDir(), networks: map[string]*os.File{}}
	k.cmd = k.lab("run", "leak", "vanished-established", "zero-window", "queue-dead", "--act", "destroy", "--hold", "1m", "-o", "json")
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.cmd.Process.Kill() })
	k.owner = lab.MarkOf(k.cmd.Process.Pid)
	return k
}

func (k *killed) lab(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{"lab"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+k.temp)
	return cmd
}

// watch notes the networks of the scenes for a while.
func (k *killed) watch(during time.Duration) {
	for deadline := time.Now().Add(during); time.Now().Before(deadline); stage.Sleep(time.Millisecond) {
		for _, pid := range playing(k.T, k.owner) {
			k.hold(fmt.Sprintf("/proc/%d/ns/net", pid))
		}
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		k.Fatal(err)
	}
	delete(k.networks, own) // of a process between fork and its own namespace
}

func (k *killed) hold(path string) {
	file, err := os.Open(path)
	if err != nil {
		return // it has ended meanwhile
	}
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		k.Fatal(err)
	}
	if k.networks[name] != nil {
		file.Close()
		return
	}
	k.networks[name] = file
	k.Cleanup(func() { file.Close() })
}

// kill kills the lab or, inside, one of its processes; a lab that lost one is then asked to end.
func (k *killed) kill(inside bool) {
	if pids := playing(k.T, k.owner); inside && len(pids) > 0 {
		_ = syscall.Kill(pids[0], syscall.SIGKILL) // it may have ended meanwhile
		_ = k.cmd.Process.Signal(syscall.SIGTERM)
	} else if err := k.cmd.Process.Kill(); err != nil {
		k.Fatal(err)
	}
	_ = k.cmd.Wait() // a signal is an error
}

func (k *killed) journals() []string {
	found, err := filepath.Glob(filepath.Join(k.temp, "*"))
	if err != nil {
		k.Fatal(err)
	}
	return found
}

func (k *killed) clean() {
	if out, err := k.lab("clean").CombinedOutput(); err != nil {
		k.Errorf("lab clean: %v: %s", err, out)
	}
}

// nothing makes sure that nothing of the lab is there any more.
func (k *killed) nothing() {
	if left := k.journals(); len(left) > 0 {
		k.Errorf("left behind: %v", left)
	}
	members, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/net")
	if err != nil || len(members) == 0 {
		k.Fatalf("%d threads, %v", len(members), err)
	}
	for _, path := range members {
		if link, err := os.Readlink(path); err == nil && k.networks[link] != nil {
			k.Errorf("%s is still in %s", path, link)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		k.Fatal(err)
	}
	for network := range k.networks {
		if strings.Contains(string(mounts), network) {
			k.Errorf("%s is mounted", network)
		}
	}
}
