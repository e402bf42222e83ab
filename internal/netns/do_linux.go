package netns

import (
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Do opens the namespace, runs fn in it and closes it: see [Roots.Open] and [File.Do].
func (r Roots) Do(ns Namespace, fn func() error) error {
	f, err := r.Open(ns)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Do(fn)
}

// Do runs fn on a thread that is in the namespace and returns its error as it is. An OpError is about entering; then fn has not run. It is
// fs.ErrPermission (EPERM) without CAP_SYS_ADMIN in the user namespace that owns the network namespace, and in the caller's own.
//
// When the calling thread is in the namespace already, fn runs on it and nothing is entered. Otherwise fn runs in a goroutine of its own, locked to its thread, for which Do
// waits. Sockets that fn opens stay in the namespace; goroutines that it starts are not in it. A panic of fn is passed on to the caller, and so
// is runtime.Goexit.
//
// A thread that cannot be brought back ends with its goroutine. The main thread is never used, because /proc/PID/ns/net is about that one.
func (f *File) Do(fn func() error) error { return f.do(fn, setns) }

// setns makes the thread enter a network namespace.
func setns(fd int) error { return unix.Setns(fd, unix.CLONE_NEWNET) }

func (f *File) do(fn func() error, restore func(fd int) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if f.here() {
		return fn()
	}
	v := visit{file: f, fn: fn, restore: restore, end: make(chan struct{})}
	go v.run()
	<-v.end
	switch {
	case v.panicked:
		panic(v.value)
	case !v.returned:
		runtime.Goexit()
	}
	return v.err
}

// here reports whether the calling thread is in the namespace.
func (f *File) here() bool {
	inode, err := readLink(unix.AT_FDCWD, f.proc+"/thread-self/ns/net")
	return err == nil && inode == f.inode
}

// visit is one stay in another namespace.
type visit struct {
	file    *File
	fn      func() error
	restore func(fd int) error
	end     chan struct{}

	err      error
	returned bool // fn, or what came before it, returned
	panicked bool
	value    any
}

// run is the goroutine of the visit. That it ends while locked to its thread is what makes the runtime destroy the thread.
func (v *visit) run() {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// While this goroutine holds the main thread the next one is on another.
		v.elsewhere()
		return
	}
	defer close(v.end)
	if v.enter() {
		runtime.UnlockOSThread()
	}
}

func (v *visit) elsewhere() {
	defer runtime.UnlockOSThread()
	go v.run()
	<-v.end
}

// enter does the visit, and reports whether the thread is back where it was. It is not when fn ends the goroutine.
func (v *visit) enter() (back bool) {
	own, err := unix.Open(v.file.proc+"/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		v.err, v.returned = opError("open", "/proc/thread-self/ns/net", err), true
		return true
	}
	defer unix.Close(own)
	if err := setns(v.file.fd); err != nil {
		v.err, v.returned = opError("enter", v.name(), err), true
		return true
	}
	v.call()
	return v.restore(own) == nil
}

// call runs fn. When fn panics the goroutine goes on, and the value is kept for the caller; when fn ends the goroutine, nothing after the deferred
// functions runs, so that the thread stays locked.
func (v *visit) call() {
	defer func() {
		if v.returned {
			return
		}
		if value := recover(); value != nil {
			v.panicked, v.value = true, value
		}
	}()
	v.err = v.fn()
	v.returned = true
}

func (v *visit) name() string {
	if v.file.path != "" {
		return v.file.path
	}
	return "net:[" + strconv.FormatUint(v.file.inode, 10) + "]"
}
