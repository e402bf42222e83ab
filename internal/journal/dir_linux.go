package journal

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/report"
)

// ErrBusy means that another closewait is making a change.
var ErrBusy = errors.New("another closewait is making a change")

// OpError is the error of this package. fs.ErrNotExist: no such entry; fs.ErrPermission: the state directory is somebody else's; ErrBusy.
type OpError struct {
	Op, Path string
	Err      error
}

// Error implements error.
func (e *OpError) Error() string { return e.Op + " " + e.Path + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

func opError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &OpError{op, path, err}
}

// Dir is the directory of the entries.
type Dir struct{ path string }

// Open returns the directory "changes" below a state directory and makes both when they are missing, for the owner alone.
func Open(state string) (Dir, error) {
	path := filepath.Join(state, "changes")
	if err := os.MkdirAll(path, 0o700); err != nil {
		return Dir{}, opError("make", path, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Dir{}, opError("stat", path, err)
	}
	if int(st.Uid) != os.Geteuid() {
		return Dir{}, opError("use", path, fs.ErrPermission)
	}
	return Dir{path}, nil
}

// At returns the directory of a state directory without making anything: for reading.
func At(state string) Dir { return Dir{filepath.Join(state, "changes")} }

// Exists reports whether the directory is there: whether anything was ever changed.
func (d Dir) Exists() bool {
	_, err := os.Lstat(d.path)
	return !errors.Is(err, fs.ErrNotExist)
}

// State returns the state directory.
func (d Dir) State() string { return filepath.Dir(d.path) }

// Path returns the file of an entry.
func (d Dir) Path(id string) string { return filepath.Join(d.path, id+".json") }

// Lock makes sure that no other closewait changes anything until it is released, or its process has ended. Unless it is to wait for another: ErrBusy.
func (d Dir) Lock(wait bool) (release func(), err error) {
	path := filepath.Join(d.path, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, opError("open", path, err)
	}
	if err := acquire(file, wait); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			err = busy(file)
		}
		return nil, opError("lock", path, err)
	}
	if err = file.Truncate(0); err == nil {
		_, err = fmt.Fprintf(file, "%d\n", os.Getpid())
	}
	if err != nil {
		_ = file.Close()
		return nil, opError("write", path, err)
	}
	return func() {
		// A process that is being started at this moment has a copy of the descriptor until it executes its program, and with it the lock.
		_ = unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
		_ = file.Close()
	}, nil
}

// acquire locks the file. It is a lock of the open file (F_OFD_SETLK, since 3.15), because whoever only asks for such a lock (see locked) does not get in the way of
// those who take it.
func acquire(file *os.File, wait bool) error {
	how := unix.F_OFD_SETLK
	if wait {
		how = unix.F_OFD_SETLKW
	}
	for {
		err := unix.FcntlFlock(file.Fd(), how, &unix.Flock_t{Type: unix.F_WRLCK})
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// busy names the holder of the lock, as far as it has written its pid.
func busy(file *os.File) error {
	var b [16]byte
	n, _ := file.ReadAt(b[:], 0)
	if pid := strings.TrimSpace(string(b[:n])); pid != "" {
		return fmt.Errorf("%w: pid %s", ErrBusy, pid)
	}
	return ErrBusy
}

// NewID returns an identifier that no entry has.
func (d Dir) NewID() (string, error) {
	for size := 2; ; size++ {
		b := make([]byte, size)
		_, _ = rand.Read(b) // never fails
		id := hex.EncodeToString(b)
		if taken, err := d.Has(id); !taken || size > 8 {
			return id, err
		}
	}
}

// ValidID reports whether a text can be the identifier of an entry, and thus part of a path.
func ValidID(id string) bool {
	return len(id) >= 4 && len(id) <= 32 && strings.Trim(id, "0123456789abcdef") == ""
}

// Has reports whether there is an entry with an identifier. That there is none is only certain while the lock is held.
func (d Dir) Has(id string) (bool, error) {
	_, err := os.Lstat(d.Path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, opError("stat", d.Path(id), err)
}

// Read returns an entry.
func (d Dir) Read(id string) (*report.Journal, error) {
	if !ValidID(id) {
		return nil, opError("read", id, fs.ErrNotExist)
	}
	b, err := readEntry(d.Path(id), maxEntry)
	if err != nil {
		return nil, opError("read", d.Path(id), err)
	}
	entry, err := decode(b)
	return entry, opError("read", d.Path(id), err)
}

// Heads returns all entries without their steps, the latest first. Entries that cannot be read are named in the error; the others are returned with it. That
// there is no directory means that nothing was ever changed.
func (d Dir) Heads() ([]report.Journal, error) {
	names, err := filepath.Glob(filepath.Join(d.path, "*.json"))
	if err != nil {
		return nil, opError("list", d.path, err)
	}
	if len(names) == 0 {
		if _, err := os.ReadDir(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, opError("list", d.path, err)
		}
	}
	var heads []report.Journal
	var unreadable []error
	for _, name := range names {
		head, err := readHead(name)
		if err != nil {
			unreadable = append(unreadable, opError("read", name, err))
			continue
		}
		heads = append(heads, *head)
	}
	slices.SortFunc(heads, func(a, b report.Journal) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), strings.Compare(a.ID, b.ID))
	})
	return heads, errors.Join(unreadable...)
}

// maxHead is more than the first line of an entry can take; the command line in it is cut by who writes it.
const maxHead = 64 << 10

func readHead(name string) (*report.Journal, error) {
	b, err := readEntry(name, maxHead)
	if err != nil {
		return nil, err
	}
	return decodeHead(b)
}

// maxEntry is what a change of a million sockets takes.
const maxEntry = 512 << 20

var errNotFile = errors.New("not a regular file")

// readEntry reads the beginning of a file, up to a limit. A link may lead anywhere, and a pipe or a device would be waited for.
func readEntry(name string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotFile
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
