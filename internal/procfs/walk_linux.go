package procfs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// dirBuffer is what glibc uses as well; the kernel fills about 1,300 entries of /proc/PID/fd into it.
	dirBuffer = 32 << 10
	// linkBuffer holds "socket:[18446744073709551615]" with a byte to spare, so that a link that fills it is known to be something else.
	linkBuffer = 32
	// contextEvery is how many descriptors pass between two looks at the context: some milliseconds.
	contextEvery = 4096
)

// walker is the state of one walk: an open /proc and the buffers that make a descriptor free of allocations.
type walker struct {
	fs    FS
	ctx   context.Context
	visit func(pid, fd int, inode uint32) Next
	epoll func(pid, fd int) // nil when nobody wants to know, as is ring
	ring  func(pid, fd int)
	root  int
	// counted is true when the size of /proc/PID/fd is the number of descriptors (proc_fd_getattr, since 6.2).
	counted bool
	stats   WalkStats
	link    []byte
	linked  int // length of the latest link
	entries []byte
}

func (f FS) newWalker(ctx context.Context, visit func(pid, fd int, inode uint32) Next) (*walker, error) {
	root, err := openat(unix.AT_FDCWD, f.proc, unix.O_DIRECTORY)
	if err != nil {
		return nil, opError("open", f.proc, err)
	}
	k := &walker{fs: f, ctx: ctx, visit: visit, root: root}
	k.link, k.entries = make([]byte, linkBuffer), make([]byte, dirBuffer)
	k.counted = countsDescriptors(root)
	return k, nil
}

func (k *walker) close() { _ = unix.Close(k.root) }

// countsDescriptors asks for our own count, which cannot be 0 while root is open.
func countsDescriptors(root int) bool {
	var st unix.Stat_t
	return isProc(root) && unix.Fstatat(root, "self/fd", &st, 0) == nil && st.Size > 0
}

// isProc tells a /proc from a fixture.
func isProc(root int) bool {
	var sfs unix.Statfs_t
	return unix.Fstatfs(root, &sfs) == nil && sfs.Type == unix.PROC_SUPER_MAGIC
}

// descriptors returns the number of descriptors of a process, -1 when it is not known. It needs no permission.
func (k *walker) descriptors(pid int) int {
	var st unix.Stat_t
	if !k.counted || unix.Fstatat(k.root, strconv.Itoa(pid)+"/fd", &st, 0) != nil {
		return -1
	}
	return int(st.Size)
}

func (k *walker) pids() ([]int, error) {
	list := make([]int, 0, 512)
	err := eachEntry(k.root, k.entries, func(name []byte) (Next, error) {
		if pid, ok := id(name[:len(name)-1]); ok {
			list = append(list, pid)
		}
		return Continue, nil
	})
	if err == nil && isProc(k.root) && !slices.Contains(list, 1) {
		k.stats.NotPermitted++ // hidepid
	}
	return list, opError("list", k.fs.proc, err)
}

// eachEntry calls visit with the name of each entry of an open directory, its NUL included, until it wants no more.
func eachEntry(dir int, buffer []byte, visit func(name []byte) (Next, error)) error {
	for {
		n, err := unix.Getdents(dir, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		for name, rest, ok := nextEntry(buffer[:n]); ok; name, rest, ok = nextEntry(rest) {
			if next, err := visit(name); err != nil || next != Continue {
				return err
			}
		}
	}
}

// process visits the socket descriptors of one process.
func (k *walker) process(pid int) (Next, error) {
	if err := k.ctx.Err(); err != nil {
		return Stop, opError("walk", k.fs.proc, err)
	}
	if k.descriptors(pid) == 0 { // a kernel thread or a zombie
		k.stats.Processes++
		return Continue, nil
	}
	dir, err := openat(k.root, strconv.Itoa(pid)+"/fd", unix.O_DIRECTORY)
	if err != nil {
		return Continue, k.settle(pid, err)
	}
	defer unix.Close(dir)
	var last Next
	err = eachEntry(dir, k.entries, func(name []byte) (Next, error) {
		last, err = k.descriptor(pid, dir, name)
		return last, err
	})
	if err == nil {
		k.stats.Processes++
	} else if isContext(err) {
		return Stop, opError("walk", k.fs.proc, err)
	} else if err := k.settle(pid, err); err != nil {
		return Stop, err
	} else {
		return Continue, nil // the others may still be readable
	}
	return last, nil
}

// descriptor looks at one descriptor and calls the visitor when it is a socket.
func (k *walker) descriptor(pid, dir int, name []byte) (Next, error) {
	fd, ok := id(name[:len(name)-1])
	if !ok {
		return Continue, nil
	}
	if k.stats.Descriptors++; k.stats.Descriptors%contextEvery == 0 && k.ctx.Err() != nil {
		return Stop, k.ctx.Err()
	}
	inode, ok, err := k.socket(dir, name)
	if err != nil {
		return Stop, err
	}
	if !ok {
		switch link := k.link[:k.linked]; {
		case k.epoll != nil && string(link) == "anon_inode:[eventpoll]":
			k.epoll(pid, fd)
		case k.ring != nil && string(link) == "anon_inode:[io_uring]":
			k.ring(pid, fd)
		}
		return Continue, nil
	}
	return k.visit(pid, fd, inode), nil
}

// socket returns the inode of the socket that the link called name, which ends in a NUL, stands for. The only errors are those that hold for the
// whole process.
func (k *walker) socket(dir int, name []byte) (inode uint32, ok bool, err error) {
	// unix.Readlinkat would copy the name twice for every descriptor.
	k.linked = 0
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&k.link[0])), linkBuffer, 0, 0)
	if errno == unix.EACCES || errno == unix.EPERM {
		return 0, false, errno // e.g. same user, but not dumpable
	}
	if errno != 0 || n == linkBuffer {
		return 0, false, nil
	}
	k.linked = int(n)
	whole, ok := bracketed(k.link[:n], "socket")
	return uint32(whole), ok, nil
}

// stat returns the parsed /proc/PID/stat.
func (k *walker) stat(pid int) (Stat, bool) {
	b, err := readAt(k.root, strconv.Itoa(pid)+"/stat", maxStat)
	if err != nil {
		return Stat{}, false
	}
	st, err := ParseStat(bytes.NewReader(b))
	return st, err == nil
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
