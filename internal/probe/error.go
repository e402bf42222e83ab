package probe

import (
	"errors"
	"io/fs"
)

// OpError is the error of this package: fs.ErrPermission without the capabilities, errors.ErrUnsupported where the kernel lacks something.
type OpError struct {
	Op  string // "load", "open" or "read"
	Err error
}

// Error implements error.
func (e *OpError) Error() string { return "bpf: " + e.Op + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// opError leaves of a refusal what it is for want of: its words are the library's.
func opError(op string, err error) error {
	var told *OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &told):
		return err
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported):
		err = fs.ErrPermission
	}
	return &OpError{op, err}
}
