package procfs

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"
)

// FS is a /proc at some root, and the root of the files that give containers and pods their names.
type FS struct{ proc, files string }

// New returns the file system at root, normally "/proc". Names of containers and pods are sought under "/": see [FS.WithFiles].
func New(root string) FS { return FS{proc: root, files: "/"} }

// WithFiles returns a copy of f that looks up the names of containers and pods (/var/log/pods, /var/lib/docker, ...) below root: the place where a
// container has mounted its host's file system, or a fixture.
func (f FS) WithFiles(root string) FS {
	f.files = root
	return f
}

// OpError is the error of every operation of this package.
//
// errors.Is(err, fs.ErrNotExist) is true when the process is gone (ENOENT or ESRCH), errors.Is(err, fs.ErrPermission) when it may not be read (EACCES or
// EPERM). Errors of a context are found by errors.Is as well.
type OpError struct {
	Op   string // what was being done: "read", "walk", "parse stat"
	Path string // the file, "" for a parser
	Err  error
}

// Error returns the operation, the quoted path and the cause.
func (e *OpError) Error() string {
	if e.Path == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + strconv.Quote(e.Path) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Is makes ESRCH, which /proc answers when the process ended after its file was opened, a case of fs.ErrNotExist.
func (e *OpError) Is(target error) bool {
	return target == fs.ErrNotExist && errors.Is(e.Err, syscall.ESRCH)
}

// opError returns nil for a nil error, so that callers can end in one line.
func opError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Path: path, Err: err}
}

func (f FS) path(pid int, name string) string {
	return f.proc + "/" + strconv.Itoa(pid) + "/" + name
}
