package nstest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// childEnv names, in the environment of a child, the test that it is to run.
const childEnv = "CLOSEWAIT_NSTEST_CHILD"

// ParentNamespace leads a child to the network namespace it comes from.
const ParentNamespace = "/proc/self/fd/3"

// InChild runs the calling test again in a process with a user, a network and a mount namespace of its own, where it may do what it likes, and returns true in there. It needs no root.
func InChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		return true
	}
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name())
	cmd.ExtraFiles = []*os.File{own} // ParentNamespace
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		Missing(t, "user namespaces: "+err.Error())
	case err != nil:
		t.Errorf("child: %v\n%s", err, out)
	case !bytes.Contains(out, []byte("--- PASS")):
		Missing(t, "what its child lacks:\n"+string(out))
	}
	return false
}
