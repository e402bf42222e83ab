package cli

import (
	"errors"
	"io/fs"
	"syscall"
)

// Code is an exit code of the contract with scripts.
type Code int

// The exit codes. Output that cannot be written (a full disk) is OutputFailed, the same number as Usage: of the codes of the contract only "input,
// configuration or usage; nothing was changed" fits a destination that does not take the answer. A verb that has changed something keeps its own code then.
const (
	Done         Code = 0
	Found        Code = 1 // only verbs that are a test: something at or above the threshold
	Usage        Code = 2
	OutputFailed Code = 2
	Incomplete   Code = 3 // and --strict was given
	Refused      Code = 4
	RolledBack   Code = 5
	Unsupported  Code = 6
	Bug          Code = 70
	Interrupted  Code = 130
	Terminated   Code = 143
)

// slugs are the values of "code" in JSON errors.
var slugs = map[Code]string{
	Usage: "usage", Incomplete: "incomplete", Refused: "refused", RolledBack: "rolled_back", Unsupported: "unsupported", Bug: "bug",
	Interrupted: "interrupted", Terminated: "terminated",
}

// exitOf gives an error its exit code: its own, or what its cause says. An error of the system that says nothing of the kind counts as one of the
// environment, not as a bug.
func exitOf(err error) Code {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Exit
	case errors.Is(err, fs.ErrPermission):
		return Refused
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EPROTONOSUPPORT), errors.Is(err, syscall.EAFNOSUPPORT):
		return Unsupported
	}
	return Usage
}
