package netns_test

import (
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/nstest"
)

func TestDo_entersAndComesBack(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	before, f := here(t), newNamespace(t)
	if f.Inode() == before {
		t.Fatal("no new namespace")
	}
	want := errors.New("mine")
	err := f.Do(func() error {
		if got := here(t); got != f.Inode() {
			t.Errorf("in %d, want %d", got, f.Inode())
		}
		if main := inodeOf(t, "/proc/self/ns/net"); main != before {
			t.Errorf("the main thread is in %d", main)
		}
		return want
	})
	if err != want {
		t.Errorf("got %v, want the function's own error", err)
	}
	if got := here(t); got != before {
		t.Errorf("came back to %d, want %d", got, before)
	}
}

// TestDo_ownNamespace makes sure that being there already needs no right to enter.
func TestDo_ownNamespace(t *testing.T) {
	f, err := netns.DefaultRoots().OpenPath("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ran := false
	never := func(int) error { t.Error("restored what was not left"); return nil }
	if err := f.DoRestoring(func() error { ran = true; return nil }, never); err != nil || !ran {
		t.Errorf("%v, ran: %v", err, ran)
	}
}

// TestDo_noWrongNamespace is for the mistake of giving a thread back to the runtime that is not where the others are.
func TestDo_noWrongNamespace(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	before, f := here(t), newNamespace(t)
	fail := func(int) error { return unix.EPERM }
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			restore := func(fd int) error { return unix.Setns(fd, unix.CLONE_NEWNET) }
			if i%2 == 1 {
				restore = fail
			}
			err := f.DoRestoring(func() error {
				if here(t) != f.Inode() {
					t.Error("not where it should be")
				}
				return nil
			}, restore)
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if wrong := wrongGoroutines(t, before); wrong != 0 {
		t.Errorf("%d of 200 goroutines are in the wrong namespace", wrong)
	}
}

// wrongGoroutines makes 200 goroutines take a thread each, all at once, and counts those that are not in the namespace.
func wrongGoroutines(t *testing.T, want uint64) int {
	t.Helper()
	var group sync.WaitGroup
	seen, leave := make(chan uint64, 200), make(chan struct{})
	for range 200 {
		group.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			seen <- here(t)
			<-leave
		})
	}
	wrong := 0
	for range 200 {
		if got := <-seen; got != want {
			wrong++
		}
	}
	close(leave)
	group.Wait()
	return wrong
}

func TestDo_panic(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	before, f := here(t), newNamespace(t)
	func() {
		defer func() {
			if got := recover(); got != "ouch" {
				t.Errorf("recovered %v", got)
			}
		}()
		_ = f.Do(func() error { panic("ouch") })
		t.Error("the panic was lost")
	}()
	if wrong := wrongGoroutines(t, before); wrong != 0 {
		t.Errorf("%d of 200 goroutines are in the wrong namespace", wrong)
	}
}

func TestDo_goexit(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	before, f := here(t), newNamespace(t)
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() { ended <- !returned }()
		_ = f.Do(func() error { runtime.Goexit(); return nil })
		returned = true
	}()
	if !<-ended {
		t.Error("the caller went on")
	}
	if wrong := wrongGoroutines(t, before); wrong != 0 {
		t.Errorf("%d of 200 goroutines are in the wrong namespace", wrong)
	}
}

func TestDo_nested(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	a, b := newNamespace(t), newNamespace(t)
	err := a.Do(func() error {
		return b.Do(func() error {
			if got := here(t); got != b.Inode() {
				t.Errorf("in %d, want %d", got, b.Inode())
			}
			return a.Do(func() error {
				if got := here(t); got != a.Inode() {
					t.Errorf("in %d, want %d", got, a.Inode())
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDo_notPermitted asks for the namespace that the child's parent is in, which its user namespace does not own.
func TestDo_notPermitted(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	f, err := netns.DefaultRoots().OpenPath(nstest.ParentNamespace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = f.Do(func() error { t.Error("entered"); return nil })
	var op *netns.OpError
	if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &op) || op.Op != "enter" {
		t.Errorf("got %v, want a refusal to enter", err)
	}
}

func TestOpen_vanished(t *testing.T) {
	roots := netns.DefaultRoots()
	self := inodeOf(t, "/proc/self/ns/net")
	for path, want := range map[string]error{
		"/proc/self/ns/net": netns.ErrVanished, "/nowhere/at/all": netns.ErrVanished, "/proc/self/ns/mnt": netns.ErrNotNamespace,
		"/dev/null": netns.ErrNotNamespace, "/proc/self/ns": netns.ErrNotNamespace,
	} {
		f, err := roots.Open(netns.Namespace{Inode: self + 1, Path: path})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, %v; want %v", path, f, err, want)
		}
		if err := roots.Do(netns.Namespace{Inode: self + 1, Path: path}, func() error { return nil }); !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", path, err, want)
		}
	}
	f, err := roots.Open(netns.Namespace{Inode: self, Path: "/proc/self/ns/net"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenPath_fifoDoesNotBlock(t *testing.T) {
	path := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := netns.DefaultRoots().OpenPath(path); !errors.Is(err, netns.ErrNotNamespace) {
		t.Errorf("got %v", err)
	}
}
