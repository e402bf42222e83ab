package netns

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// sleeper starts a process that does nothing, in a network namespace of its own if apart.
func sleeper(t *testing.T, apart bool) int {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if apart {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		}
	}
	if err := cmd.Start(); err != nil {
		if apart && errors.Is(err, fs.ErrPermission) {
			t.Skipf("no user namespaces here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// TestRecognise: a process that may not be looked at is no hole in the list when it lives where others live, and two in one unknown namespace are one hole.
func TestRecognise(t *testing.T) {
	all, _, err := List(t.Context(), DefaultRoots())
	if err != nil {
		t.Fatal(err)
	}
	own := all[0]
	near, far := sleeper(t, false), sleeper(t, true)
	l := &listing{roots: DefaultRoots(), own: own.Inode, found: map[uint64]*Namespace{own.Inode: &own}}
	for _, pid := range []int{near, far, far} {
		l.unreadable = append(l.unreadable, Unreadable{PID: pid, Err: fs.ErrPermission})
	}
	l.recognise()
	if len(l.unreadable) != 1 || l.unreadable[0].PID != far {
		t.Errorf("unreadable: %+v, want only pid %d", l.unreadable, far)
	}
}
