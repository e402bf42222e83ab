package procfs

import (
	"context"
	"errors"
	"io/fs"
)

// Next is what a visitor wants to see next.
type Next uint8

// The answers of a visitor.
const (
	Continue    Next = iota // the next descriptor
	NextProcess             // nothing more of this process
	Stop                    // nothing more at all
)

// Walk says what a walk visits.
type Walk struct {
	// PIDs are the processes to visit, in this order; nil means every process there is.
	PIDs []int
	// Visit is called once for each descriptor that refers to a socket. The inode is the socket's in sockfs, cut to the 32 bits that sock_diag
	// reports of it (inet_diag_msg.idiag_inode).
	Visit func(pid, fd int, inode uint32) Next
	// Epoll, when set, is called for each descriptor of an epoll instance, Ring for each of an io_uring.
	Epoll, Ring func(pid, fd int)
}

// WalkStats says how much a walk has seen, and what it could not see.
//
// A kernel that hides other users' processes (mount option hidepid) shows nothing of them that could be counted: where not even process 1 is there, one is taken
// to be not permitted.
type WalkStats struct {
	// Processes counts the processes whose descriptors were listed, or known to be none.
	Processes int
	// NotPermitted counts the processes whose descriptors may not be listed (EACCES, EPERM): a socket with no holder may belong to one of them.
	NotPermitted int
	// Unrelated counts the processes that Holders passed over, once all sockets were found, because they share nothing with a holder by descent.
	Unrelated int
	// Descriptors counts the descriptors looked at, of any kind.
	Descriptors int
}

// Complete reports whether every process that was tried was readable.
func (s WalkStats) Complete() bool { return s.NotPermitted == 0 }

// Walk visits every socket descriptor of every process that may be read, one call of w.Visit each. Processes that end meanwhile are not errors.
//
// Threads are taken to share the descriptors of their process, as they do unless one called unshare(CLONE_FILES).
//
// It allocates nothing for a descriptor and a constant amount for a process. The context is looked at between processes and every few
// thousand descriptors; its error is found by errors.Is, and the statistics then tell how far the walk came. Any other error means that the root
// could not be read or that a limit of our own was hit (EMFILE).
func (f FS) Walk(ctx context.Context, w Walk) (WalkStats, error) {
	k, err := f.newWalker(ctx, w.Visit)
	if err != nil {
		return WalkStats{}, err
	}
	defer k.close()
	k.epoll, k.ring = w.Epoll, w.Ring
	pids := w.PIDs
	if pids == nil {
		if pids, err = k.pids(); err != nil {
			return k.stats, err
		}
	}
	for _, pid := range pids {
		if next, err := k.process(pid); err != nil || next == Stop {
			return k.stats, err
		}
	}
	return k.stats, nil
}

// Pids returns the ids of all processes that can be seen, in ascending order for a real /proc (next_tgid in fs/proc/base.c).
func (f FS) Pids() ([]int, error) {
	k, err := f.newWalker(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	defer k.close()
	return k.pids()
}

// settle sorts out what became of a process whose directory answered err.
func (k *walker) settle(pid int, err error) error {
	wrapped := &OpError{Op: "walk", Path: k.fs.path(pid, "fd"), Err: err}
	switch {
	case errors.Is(wrapped, fs.ErrNotExist):
		return nil
	case !errors.Is(wrapped, fs.ErrPermission):
		return wrapped
	case k.mayHold(pid):
		k.stats.NotPermitted++
	}
	return nil
}

// mayHold reports whether something was missed when a process did not let us in. A kernel thread or a zombie has no descriptors; and a process
// that ended between two calls answers EACCES as well (proc_fd_access_allowed in fs/proc/base.c).
func (k *walker) mayHold(pid int) bool {
	st, ok := k.stat(pid)
	return ok && !st.KernelThread() && st.State != 'Z' && st.State != 'X'
}
