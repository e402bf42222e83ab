package netns

import (
	"errors"
	"strconv"
)

var (
	// ErrVanished says that a path no longer leads to the namespace it was found for: its process ended, and the pid may be another's by now.
	ErrVanished = errors.New("the namespace is gone")
	// ErrNotNamespace says that a path does not lead to a network namespace.
	ErrNotNamespace = errors.New("not a network namespace")
)

// OpError is the error of every operation of this package.
//
// errors.Is(err, fs.ErrPermission) is true when the caller may not look at a process (ptrace access) or enter a namespace (EPERM: it takes CAP_SYS_ADMIN in the user namespace
// that owns the network namespace and in the caller's own); fs.ErrNotExist when there is no such file.
type OpError struct {
	Op   string // "open", "enter", "list", "select"
	Path string
	Err  error
}

// Error returns the operation, the quoted path and the cause.
func (e *OpError) Error() string { return e.Op + " " + strconv.Quote(e.Path) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

func opError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{op, path, err}
}
