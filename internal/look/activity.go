package look

import (
	"slices"
	"time"
)

// Activity is what a process is doing, read for the holders of suspect sockets only.
type Activity struct {
	// Threads are in the order of their ids; nil when they could not be listed. The main thread's id is the pid.
	Threads []Thread
	// ThreadCount is how many there are; Threads has fewer of them when there were too many to look at.
	ThreadCount int
	// CallsKnown is true when the system calls of the threads could be read, which takes ptrace rights.
	CallsKnown bool
	// Frozen is true when its cgroup's freezer keeps it from running.
	Frozen bool
	// Executable is the path of the program, "" when not known.
	Executable string `redact:"path"`
	// Running is how long before Snapshot.TakenAt the process was forked, 0 when not known. The true time is up to 10 ms shorter.
	Running time.Duration
	// Executed is true when it has executed a program since it was forked: its descriptors have then passed an exec.
	Executed bool
	// Epolls are its epoll instances with what each watches.
	Epolls []PollSet
	// Sockets are all its socket descriptors, in ascending order; nil when they were not listed.
	Sockets []Descriptor
	// Outputs are the inodes of the pipes or sockets that are its standard output and its standard error, 0 for anything else.
	Outputs [2]uint32
	// Children are the processes it has started and not waited for yet, as far as they were described; ChildrenSought is true when somebody asked for them.
	Children       []int
	ChildrenSought bool
	// PidsLimited is true when a cgroup above the process has reached its limit of processes and threads (pids.max).
	PidsLimited bool
}

// Descriptor is a descriptor that refers to a socket. There may be a million.
type Descriptor struct {
	FD    int32
	Inode uint32
	// FlagsKnown says that CloseOnExec was read.
	FlagsKnown, CloseOnExec bool
}

// PollSet is an epoll instance.
type PollSet struct {
	FD      int
	Watches []Watch
}

// Watch is a descriptor that a poll set contains.
type Watch struct {
	FD int
	// Inode is that of the file, 0 where the kernel does not say: for epoll since 4.13, and for the first few that a poll or select has if they are pipes. A descriptor number that was closed
	// and used again may differ in it.
	Inode uint64
	// Events are those waited for, in the bits of epoll and poll. One-shot interest that has fired has none left.
	Events uint32
}

// The events that matter here, as epoll and poll number them (include/uapi/linux/eventpoll.h).
const (
	PollIn   uint32 = 0x001
	PollOut  uint32 = 0x004
	PollEdge uint32 = 1 << 31 // EPOLLET: readiness is told once, so membership says nothing of interest
	pollOnce uint32 = 1 << 30 // EPOLLONESHOT: nothing more is told until interest is renewed
	// pollRead are the events that a received FIN raises: IN, RDNORM, RDHUP.
	pollRead uint32 = 0x001 | 0x040 | 0x2000
)

// Armed reports whether data or a FIN would be told to whoever waits.
func (w *Watch) Armed() bool { return w.Events&pollRead != 0 }

// Fired reports whether one-shot interest has been told of something and was not renewed since.
func (w *Watch) Fired() bool { return w.Events&pollOnce != 0 && !w.Armed() && w.Events&PollOut == 0 }

// Thread is one thread at two moments.
type Thread struct {
	TID  int
	Comm string `redact:"name"`
	// Runtime is true when it belongs to the virtual machine that runs the program, a Java one: the program's own threads are others.
	Runtime bool
	// Running is how long before Snapshot.TakenAt it was started, 0 when not known. The true time is up to 10 ms shorter.
	Running time.Duration
	// Resting is for how long it had not run at that moment, 0 when not known or not asked; the true time may be longer.
	Resting time.Duration
	// First is what the first look saw, Again the second: its State is 0 when there was none, or when the thread has ended.
	First, Again Moment
}

// Moment is a thread at one moment.
type Moment struct {
	// State is the letter ps shows: R, S, D, T, t, I, Z, X; 0 when it could not be read.
	State byte
	// CPU is the processor time used so far, in steps of 10 ms.
	CPU  time.Duration
	Call Call
	// Slices is how often it has been given a processor so far, 0 when not known: the same number at both moments means that it did not run in between.
	Slices uint64
	// Runnable is the time it has spent on a processor or waiting for one so far, and At when that was read, on the clock that counts from boot; zeros when not known.
	Runnable, At time.Duration
	// Channel is the kernel function it sleeps in, "" when it runs or the kernel does not tell.
	Channel string `redact:"keep"`
}

// CallKind says what a system call waits for.
type CallKind uint8

// The kinds. A thread that runs is in none, whether it runs in the kernel or not.
const (
	CallUnknown CallKind = iota // could not be read, or a system call not known here
	CallNone                    // running
	CallRead                    // data from FD
	CallWrite                   // room for data to FD
	CallConnect                 // the peer of FD
	CallAccept                  // a connection on FD
	CallPoll                    // events of Watches, or of the epoll instance or ring FD
	CallLock                    // another thread
	CallSleep                   // time, or a signal
	CallChild                   // the end of a child
	CallFault                   // outside of any system call: a page of memory that comes from elsewhere, or a stop
	CallFile                    // a file system, or the other side of a FIFO that is being opened
	CallLinger                  // the peer, to take what is left of a connection that is being closed (SO_LINGER)
)

// Call is the system call a thread is in.
type Call struct {
	Kind CallKind
	// Name is the call's name: "epoll_wait"; "" when there is none or its number is not known.
	Name string `redact:"keep"`
	// FD is the descriptor it concerns, -1 when none.
	FD int
	// Target is what FD refers to, as /proc shows it ("socket:[4711]", "pipe:[12]", "/dev/null"), Inode the number of a socket. Both are read for what may block
	// for long, not for polls.
	Target string `redact:"file"`
	Inode  uint32
	// OwnPipe is true when FD is an end of a pipe whose other end the process has as well: what comes through it comes from another thread, as a rule.
	OwnPipe bool
	// Pipe is the inode of the pipe that FD is an end of, 0 when it is none.
	Pipe uint32
	// Child is the process whose end is waited for, 0 when any child's.
	Child int
	// Watches is what poll and select wait for, nil when it could not be read.
	Watches []Watch
	// Left is at most how long a sleep, or a wait with a time limit, still lasts; 0 when it has none or that could not be read.
	Left time.Duration
}

// Same reports whether two moments may show the same call, not finished in between.
func (c *Call) Same(other *Call) bool {
	return c.Kind == other.Kind && c.Name == other.Name && c.FD == other.FD
}

// Descriptor returns the process's descriptor of a number.
func (a *Activity) Descriptor(fd int) (Descriptor, bool) {
	i, ok := slices.BinarySearchFunc(a.Sockets, fd, func(d Descriptor, fd int) int { return int(d.FD) - fd })
	if !ok {
		return Descriptor{}, false
	}
	return a.Sockets[i], true
}
