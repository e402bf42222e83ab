package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// Error is an error as the user gets it.
type Error struct {
	Exit    Code
	Code    string // a word for programs; "" stands for the one of Exit
	Message string // what failed, with the object it failed on
	Detail  string // lines shown as they are below the message, such as the place in a filter; not in JSON
	Why     string // the reason, "" when the message says all
	Help    string // a command or a sentence that helps, "" when nothing does
	Err     error  // the cause, for errors.Is
}

// Error implements error.
func (e *Error) Error() string {
	if e.Why != "" {
		return e.Message + ": " + e.Why
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// usageError is an Error for a command line that makes no sense.
func usageError(help, format string, args ...any) *Error {
	return &Error{Exit: Usage, Message: fmt.Sprintf(format, args...), Help: help}
}

// asError makes an Error of any error.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Exit: exitOf(err), Message: err.Error(), Err: err}
}

// print writes the error for people, in at most four lines: what, detail, why, help.
func (e *Error) print(w io.Writer) {
	lines := []string{"closewait: error: " + e.Message}
	if e.Detail != "" {
		for line := range strings.SplitSeq(strings.TrimSuffix(e.Detail, "\n"), "\n") {
			lines = append(lines, "  "+line)
		}
	}
	if e.Why != "" {
		lines = append(lines, "closewait: why: "+e.Why)
	}
	if e.Help != "" {
		lines = append(lines, "closewait: help: "+e.Help)
	}
	for _, line := range lines[:min(len(lines), 4)] {
		fmt.Fprintln(w, render.Clean(line))
	}
}

// printJSON writes the error as one object on one line.
func (e *Error) printJSON(w io.Writer) {
	code := e.Code
	if code == "" {
		code = slugs[e.Exit]
	}
	_ = encoder(w).Encode(report.Error{Kind: "Error", Code: code, Message: e.Error(), Remedy: e.Help})
}
