package netns_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/netns"
)

const childEnv = "CLOSEWAIT_NETNS_CHILD"

// parentNamespace leads a child to the network namespace it comes from.
const parentNamespace = "/proc/self/fd/3"

// inChild runs the calling test again in a process with a user and a network namespace of its own, where it may do what it likes, and returns true in there.
// It needs no root.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	cmd.ExtraFiles = []*os.File{own} // parentNamespace
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

// newNamespace returns a new network namespace that only its file keeps alive.
func newNamespace(t testing.TB) *netns.File {
	t.Helper()
	made := make(chan error)
	var file *netns.File
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			// What happens to the main thread happens to the process as others see it. While we wait here the next goroutine is on another thread.
			defer runtime.UnlockOSThread()
			file = newNamespace(t)
			made <- nil
			return
		}
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			file, err = netns.DefaultRoots().OpenPath("/proc/thread-self/ns/net")
		}
		if err == nil {
			t.Cleanup(func() { _ = file.Close() })
		}
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	return file
}

// here returns the inode of the network namespace of the calling thread.
func here(t *testing.T) uint64 {
	t.Helper()
	return inodeOf(t, "/proc/thread-self/ns/net")
}

func inodeOf(t *testing.T, path string) uint64 {
	t.Helper()
	link, err := os.Readlink(path)
	if err != nil {
		t.Error(err)
	}
	inode, ok := netns.ParseLink([]byte(link))
	if !ok {
		t.Errorf("%s is %q", path, link)
	}
	return inode
}
