package inetdiag

import (
	"errors"
	"strconv"
)

// Errors that are not the kernel's.
var (
	// ErrMalformed means that a message contradicts itself: a length beyond its end or too small for its kind.
	ErrMalformed = errors.New("malformed message")
	// ErrTooLarge means that a condition does not fit the 64 KiB the bytecode can address.
	ErrTooLarge = errors.New("condition too large for the kernel")
	// ErrLost means that the kernel dropped events because they were not received fast enough.
	ErrLost = errors.New("events lost")
)

// OpError is the error of all methods of this package.
type OpError struct {
	Op      string // "open", "dump", "get", "destroy", "receive"
	Err     error  // see the package comment
	Message string // the kernel's own words (extended acknowledgement), or ""
}

// Error implements error.
func (e *OpError) Error() string {
	text := "sock_diag " + e.Op + ": " + e.Err.Error()
	if e.Message != "" {
		text += " (" + strconv.Quote(e.Message) + ")"
	}
	return text
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// opError wraps err unless it is nil or wrapped already.
func opError(op string, err error) error {
	var known *OpError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &OpError{Op: op, Err: err}
}
