package netns_test

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/netns"
)

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
