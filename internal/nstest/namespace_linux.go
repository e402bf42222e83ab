package nstest

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace besides the one the tests run in. It lives until the end of the test that made it.
type Namespace struct {
	t    testing.TB
	fd   int
	link *cable // nil without Pair
}

// New makes a network namespace with its loopback device up.
func New(t testing.TB) *Namespace {
	t.Helper()
	Require(t)
	ns := &Namespace{t: t}
	var err error
	aside(func() { ns.fd, err = unshare() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(ns.fd) })
	return ns
}

// unshare moves the calling thread, which must be a throwaway one, into a new namespace and returns a descriptor of that.
func unshare() (int, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return -1, os.NewSyscallError("unshare", err)
	}
	if err := setUp("lo"); err != nil {
		return -1, err
	}
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return fd, os.NewSyscallError("open", err)
}

// Do calls f with the calling thread in the namespace and returns when it is done. Goroutines that f starts do not inherit the namespace; processes it
// starts do, and see their parent's thread end with Do. FailNow, SkipNow and panics in f take effect in the caller.
func (ns *Namespace) Do(f func()) {
	var err error
	aside(func() {
		if err = unix.Setns(ns.fd, unix.CLONE_NEWNET); err == nil {
			f()
		}
	})
	if err != nil {
		ns.t.Helper()
		ns.t.Fatal(os.NewSyscallError("setns", err))
	}
}

// Path returns a file of this process that, opened, is the namespace: for setns, or to pass on to what takes such a path.
func (ns *Namespace) Path() string { return fmt.Sprintf("/proc/self/fd/%d", ns.fd) }

// Inode returns the namespace's inode number, as in net:[4026531840].
func (ns *Namespace) Inode() uint64 {
	ns.t.Helper()
	var stat unix.Stat_t
	if err := unix.Fstat(ns.fd, &stat); err != nil {
		ns.t.Fatal(os.NewSyscallError("fstat", err))
	}
	return stat.Ino
}

// aside calls f on a thread of its own and waits for it. The thread stays locked when the goroutine ends, which makes the runtime throw it away: what f
// did to it cannot reach other goroutines. New threads are never cloned from a locked one, so there is no leak that way either.
func aside(f func()) {
	var (
		done     = make(chan struct{})
		returned bool
		failure  any
	)
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				failure = fmt.Sprintf("%v\n\n%s", p, debug.Stack())
			}
		}()
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread cannot be thrown away, and /proc/self would show the wrong namespace for ever. Locked, it is out
			// of the way for a second try.
			defer runtime.UnlockOSThread()
			aside(f)
		} else {
			f()
		}
		returned = true
	}()
	<-done
	switch {
	case failure != nil:
		panic(failure)
	case !returned:
		runtime.Goexit() // f called FailNow or SkipNow, which must end the caller's goroutine
	}
}
