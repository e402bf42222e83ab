package stage

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// Network is a network namespace besides the one the process is in. It must be closed.
type Network struct {
	fd   int
	link *cable // nil without Pair
}

// Unshare makes a network with its loopback device up.
func Unshare() (*Network, error) {
	n := &Network{}
	var err error
	Aside(func() { n.fd, err = unshare() })
	return n, err
}

// Here returns the network the calling thread is in.
func Here() (*Network, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return &Network{fd: fd}, os.NewSyscallError("open", err)
}

// unshare moves the calling thread, which must be a throwaway one, into a new namespace and returns a descriptor of that.
func unshare() (int, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return -1, os.NewSyscallError("unshare", err)
	}
	if err := SetUp("lo"); err != nil {
		return -1, err
	}
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return fd, os.NewSyscallError("open", err)
}

// Close lets go of the namespace. It lives on while sockets or processes are in it.
func (n *Network) Close() { _ = unix.Close(n.fd) }

// Do calls f with the calling thread in the namespace and returns when it is done. Goroutines that f starts do not inherit the namespace; processes it
// starts do, and see their parent's thread end with Do. Goexit and panics in f take effect in the caller.
//
// Errors: those of setns(2); f was not called then.
func (n *Network) Do(f func()) error {
	var err error
	Aside(func() {
		if err = unix.Setns(n.fd, unix.CLONE_NEWNET); err == nil {
			f()
		}
	})
	return os.NewSyscallError("setns", err)
}

// Path returns a file of this process that, opened, is the namespace: for setns, or to pass on to what takes such a path.
func (n *Network) Path() string { return fmt.Sprintf("/proc/self/fd/%d", n.fd) }

// Inode returns the namespace's inode number, as in net:[4026531840].
func (n *Network) Inode() (uint64, error) { return Inode(n.Path()) }

// Address returns the namespace's address: its end of the cable when it comes from Pair, the loopback address otherwise.
func (n *Network) Address(fam Family) netip.Addr {
	if n.link == nil {
		return fam.Loopback()
	}
	switch fam {
	case IPv4:
		return n.link.addresses[0]
	case IPv6:
		return n.link.addresses[1]
	}
	return netip.AddrFrom16(n.link.addresses[0].As16())
}

// Aside calls f on a thread of its own, which is never the main one, and waits for it. The thread stays locked when the goroutine ends, which makes the runtime throw it away: what f
// did to it cannot reach other goroutines. New threads are never cloned from a locked one, so there is no leak that way either.
func Aside(f func()) {
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
			Aside(f)
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
		runtime.Goexit() // f ended the goroutine, as FailNow does, which must end the caller's
	}
}
