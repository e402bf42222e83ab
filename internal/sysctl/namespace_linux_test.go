package sysctl_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/closewait/closewait/internal/sysctl"
)

const childEnv = "CLOSEWAIT_SYSCTL_CHILD"

// inChild runs the calling test again in a process with a user and a network namespace of its own, and returns true in there.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("user namespaces cannot be made here: %v", err)
	case err != nil:
		t.Errorf("child: %v\n%s", err, out)
	case !bytes.Contains(out, []byte("--- PASS")):
		t.Skipf("child:\n%s", out)
	}
	return false
}

// TestTCPSettings_newNamespace holds the catalogue against what the kernel gives a new namespace and what it lets one write there.
func TestTCPSettings_newNamespace(t *testing.T) {
	if !inChild(t) {
		return
	}
	s := sysctl.New("/proc/sys")
	for _, set := range sysctl.TCPSettings() {
		got, err := s.Int(set.Key())
		if set.Scope == sysctl.WholeHost {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is seen in a namespace: %d, %v", set.Name, got, err)
			}
			continue
		}
		if errors.Is(err, fs.ErrNotExist) && set.Since != "" {
			continue // an older kernel
		}
		if err != nil || got != set.Default {
			t.Errorf("%s is %d, %v; want %d", set.Name, got, err, set.Default)
		}
		accepts(t, set, set.Min, true)
		accepts(t, set, set.Max, true)
		if set.Unit != sysctl.Seconds { // of which the kernel takes negative ones, and more when it counts fewer jiffies
			accepts(t, set, set.Min-1, false)
			accepts(t, set, set.Max+1, false)
		}
	}
}

func accepts(t *testing.T, set sysctl.Setting, n int64, want bool) {
	t.Helper()
	path, err := sysctl.Path(set.Key())
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile("/proc/sys/"+path, strconv.AppendInt(nil, n, 10), 0)
	if errors.Is(err, fs.ErrPermission) {
		t.Skip(err)
	}
	if (err == nil) != want {
		t.Errorf("%s = %d: %v", set.Name, n, err)
	}
}
