package sysctl

import "strconv"

// FS is the tree of settings at some root.
type FS struct{ root string }

// New returns the tree at root, normally "/proc/sys".
func New(root string) FS { return FS{root: root} }

// OpError is the error of every operation of this package.
//
// errors.Is(err, fs.ErrNotExist) is true when the kernel, or the namespace, has no such setting, fs.ErrPermission when it may not be read, and fs.ErrInvalid
// when the key or the value is not of the form that was asked for.
type OpError struct {
	Op  string // "read", "parse", "write", "remove", "tidy"
	Key string // as the caller gave it; a path where it is about a file
	Err error
}

// Error returns the operation, the quoted key and the cause.
func (e *OpError) Error() string { return e.Op + " " + strconv.Quote(e.Key) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }
