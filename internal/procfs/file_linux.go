package procfs

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// How much of a file is read at most. The text files of /proc are cut there; those of container runtimes are refused when they are longer.
const (
	maxStat   = 4 << 10  // a line of 52 numbers
	maxText   = 64 << 10 // cgroup, limits, sockstat, netstat, snmp
	maxConfig = 1 << 20  // the description of one container
	maxList   = 4 << 20  // the list of all containers
)

var (
	errTooLarge   = errors.New("file is larger than expected")
	errNotRegular = errors.New("not a regular file")
)

// directory is an open directory. Files opened through a process's directory belong to that process: once it has ended they answer ESRCH,
// whatever its pid is used for by then.
type directory struct {
	fd   int
	path string
}

func openDirectory(path string) (directory, error) {
	fd, err := openat(unix.AT_FDCWD, path, unix.O_DIRECTORY)
	return directory{fd, path}, opError("open", path, err)
}

func (d directory) close() { _ = unix.Close(d.fd) }

// within opens a directory below d that must not be a symbolic link.
func (d directory) within(name string) (directory, error) {
	fd, err := openat(d.fd, name, unix.O_DIRECTORY|unix.O_NOFOLLOW)
	path := d.path + "/" + name
	return directory{fd, path}, opError("open", path, err)
}

// read returns the first limit bytes of a file below d.
func (d directory) read(name string, limit int64) ([]byte, error) {
	b, err := readAt(d.fd, name, limit)
	return b, opError("read", d.path+"/"+name, err)
}

// patience is how long a file is waited for that the kernel makes under a lock of the process it is about. It may be held for ever: by a fault that a file server does not answer, by an
// execve that waits for such a one. Else it takes microseconds.
const patience = 300 * time.Millisecond

// ErrHung is returned for a file that was not answered in time.
var ErrHung = errors.New("the kernel did not answer: a lock of the process is held")

// readPatiently is read for such files. The error is ErrHung when there was no answer in time.
func (d directory) readPatiently(name string, limit int64) ([]byte, error) {
	b, err := patiently(func() ([]byte, error) { return readAt(d.fd, name, limit) })
	return b, opError("read", d.path+"/"+name, err)
}

// patiently gives up waiting for f after a while. The goroutine that waits on is lost, with its thread, until the kernel answers.
func patiently(f func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		b   []byte
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		b, err := f()
		answered <- answer{b, err}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case a := <-answered:
		return a.b, a.err
	case <-late.C:
		return nil, ErrHung
	}
}

// readPlain returns a whole regular file that is not a symbolic link: the way to read what somebody else wrote into a known place. O_NONBLOCK keeps a
// FIFO from stopping us before it is found out.
func (d directory) readPlain(name string, limit int64) ([]byte, error) {
	b, err := readPlainAt(d.fd, name, limit)
	return b, opError("read", d.path+"/"+name, err)
}

// readFile returns the first limit bytes of a file.
func readFile(path string, limit int64) ([]byte, error) {
	b, err := readAt(unix.AT_FDCWD, path, limit)
	return b, opError("read", path, err)
}

func readAt(dir int, name string, limit int64) ([]byte, error) {
	fd, err := openat(dir, name, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readUpTo(fd, limit)
}

func readPlainAt(dir int, name string, limit int64) ([]byte, error) {
	fd, err := openat(dir, name, unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errNotRegular
	}
	b, err := readUpTo(fd, limit+1)
	if int64(len(b)) > limit {
		return nil, errTooLarge
	}
	return b, err
}

// readUpTo reads until the end or the limit. It does without os.File, which would tell the poller of each file.
func readUpTo(fd int, limit int64) ([]byte, error) {
	b := make([]byte, 0, min(limit, 1024))
	for int64(len(b)) < limit {
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
		n, err := unix.Read(fd, b[len(b):min(int64(cap(b)), limit)])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return b, err
		}
		b = b[:len(b)+n]
	}
	return b, nil
}

// openat opens for reading, again when a signal came in between.
func openat(dir int, path string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
