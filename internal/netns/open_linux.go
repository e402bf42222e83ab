package netns

import (
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// nsGetType is NS_GET_NSTYPE (include/uapi/linux/nsfs.h, since 4.11): which kind of namespace a file of nsfs is.
const nsGetType = 0xb703

// File is an open network namespace. It keeps the namespace alive until it is closed. Its methods may be called from several goroutines at once, except for Close.
type File struct {
	fd    int
	inode uint64
	path  string
	proc  string
}

// Open opens the namespace by its path and makes sure that it is still the same one: ErrVanished when the path leads elsewhere or nowhere,
// ErrNotNamespace when it leads to something else altogether, fs.ErrPermission when it may not be opened. The caller closes the file.
func (r Roots) Open(ns Namespace) (*File, error) {
	f, err := r.OpenPath(ns.Path)
	switch {
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH):
		return nil, opError("open", ns.Path, errors.Join(ErrVanished, errors.Unwrap(err)))
	case err != nil:
		return nil, err
	case f.inode != ns.Inode:
		_ = f.Close()
		return nil, opError("open", ns.Path, ErrVanished)
	}
	return f, nil
}

// OpenPath opens whatever network namespace the path leads to.
func (r Roots) OpenPath(path string) (*File, error) {
	// O_NONBLOCK: the path may come from the command line and be a FIFO.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, opError("open", path, err)
	}
	inode, err := identify(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, opError("open", path, err)
	}
	return &File{fd, inode, path, r.Proc}, nil
}

// identify returns the inode of an open network namespace.
func identify(fd int) (uint64, error) {
	var sfs unix.Statfs_t
	var st unix.Stat_t
	if err := unix.Fstatfs(fd, &sfs); err != nil {
		return 0, err
	}
	// Nothing but nsfs may be sent the request: elsewhere the number can mean something else.
	if sfs.Type != unix.NSFS_MAGIC {
		return 0, ErrNotNamespace
	}
	if kind, err := unix.IoctlRetInt(fd, nsGetType); err == nil && kind != unix.CLONE_NEWNET {
		return 0, ErrNotNamespace
	}
	err := unix.Fstat(fd, &st)
	return st.Ino, err
}

// Inode returns the inode that identifies the namespace.
func (f *File) Inode() uint64 { return f.inode }

// Close closes the file.
func (f *File) Close() error { return opError("close", f.path, unix.Close(f.fd)) }

// Path returns the inode of the network namespace that a path leads to.
func (r Roots) Path(path string) (uint64, error) {
	f, err := r.OpenPath(path)
	if err != nil {
		return 0, err
	}
	return f.inode, f.Close()
}

// PID returns the inode of the network namespace of a process, which takes the right to trace it, and a path to open it by.
func (r Roots) PID(pid int) (inode uint64, path string, err error) {
	path = r.Proc + "/" + strconv.Itoa(pid) + "/ns/net"
	inode, err = readLink(unix.AT_FDCWD, path)
	return inode, path, opError("read", path, err)
}

// cause strips what package os wraps around an errno, which OpError says already.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
