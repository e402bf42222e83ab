package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/redact"
	"github.com/closewait/closewait/internal/render"
)

// app is one run of the command.
type app struct {
	cfg   Config
	args  []string
	flags flags
	out   *bufio.Writer
	notes map[string]bool // those already shown
	code  Code            // what the answer amounts to, when there is no error
	made  string          // the change that was made, "" while there is none
	ctx   context.Context // ends with a signal
	// monitored says that a monitoring system reads the exit code: it knows those of plugins only.
	monitored bool
	got       func() Code // the code of the signal that came, Done when none did
	// kept are the recordings that --from names, once they are read; substitutes are what --redact puts in the place of names.
	kept        []*record.Recording
	substitutes *redact.Redactor
}

// Main runs the command with its arguments (without the program's name) and returns the exit code of the process.
func Main(args []string, cfg Config) int {
	a := &app{cfg: cfg, args: args, out: bufio.NewWriterSize(cfg.Out, 64<<10), notes: map[string]bool{}}
	stop := a.catch()
	defer stop()
	if cfg.Env("GOGC") == "" {
		// A look allocates once and ends: tidying up in between costs more than the memory is worth.
		debug.SetGCPercent(400)
	}
	return int(a.run())
}

// run executes the command and turns however it ended into an exit code.
func (a *app) run() (code Code) {
	defer func() {
		if cause := recover(); cause != nil {
			code = a.fail(a.bug(cause, debug.Stack()))
		}
	}()
	root := a.root()
	root.SetArgs(append([]string{}, a.args...)) // nil would mean os.Args
	err := root.ExecuteContext(a.ctx)
	if flushed := a.out.Flush(); err == nil || errors.Is(err, context.Canceled) {
		err = flushed
	}
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		if code := a.fail(a.outputError(err)); a.got() == Done {
			return code
		}
	}
	if code := a.got(); code != Done {
		return code
	}
	return a.code
}

// fail shows an error and returns its exit code.
func (a *app) fail(err error) Code {
	e := asError(err)
	if a.wantsJSON() {
		e.printJSON(a.cfg.Err)
	} else {
		e.print(a.cfg.Err)
	}
	return e.Exit
}

// wantsJSON reports whether errors are to be objects, also when the error is that the flags could not be read.
func (a *app) wantsJSON() bool {
	last := a.flags.output
	for i, arg := range a.args {
		if arg == "--" {
			break
		}
		if (arg == "-o" || arg == "--output") && i+1 < len(a.args) {
			last = a.args[i+1]
		} else if format, ok := strings.CutPrefix(arg, "--output="); ok {
			last = format
		} else if format, ok := strings.CutPrefix(arg, "-o"); ok && format != "" {
			last = strings.TrimPrefix(format, "=")
		}
	}
	return last == formatJSON || last == formatNDJSON
}

// outputError explains an error of writing the answer; others it returns as they are. What was changed is changed: its exit code stays.
func (a *app) outputError(err error) error {
	var e *Error
	if path := (*os.PathError)(nil); errors.As(err, &e) || !errors.As(err, &path) || path.Op != "write" {
		return err
	}
	failed := &Error{Exit: OutputFailed, Code: "output", Message: "write the answer: " + err.Error(), Why: "what was printed so far is not complete", Err: err}
	if a.monitored {
		failed.Exit = pluginUnknown
	}
	if a.made != "" {
		failed.Exit, failed.Why, failed.Help = a.code, "the change itself was made, and its result is in the journal", "closewait changes "+a.made
	}
	return failed
}

// bug is the error for a panic. Its stack is only shown on demand: it helps nobody at three in the morning.
func (a *app) bug(cause any, stack []byte) error {
	if a.flags.verbose > 0 {
		fmt.Fprintf(a.cfg.Err, "%s\n", stack)
	}
	return &Error{
		Exit: Bug, Message: fmt.Sprintf("internal error: %v", cause), Why: "this is a bug in closewait; the sockets are not to blame",
		Help: "report it at https://github.com/closewait/closewait/issues with the output of \"closewait version\" and of this command with -v",
	}
}

// note tells something beside the answer, once.
func (a *app) note(format string, args ...any) {
	text := render.Clean(fmt.Sprintf(format, args...))
	if a.flags.quiet || a.notes[text] {
		return
	}
	a.notes[text] = true
	fmt.Fprintf(a.cfg.Err, "closewait: note: %s\n", text)
}

// catch ends a.ctx at the first SIGINT or SIGTERM; a second one ends the process, should the first not suffice. SIGPIPE is caught so that a closed pipe
// is an error of writing and not a death: a script with pipefail can read "closewait ls | head -1".
func (a *app) catch() (stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals, pipes := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	signal.Notify(pipes, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalError{s})
		case <-ctx.Done():
		}
	}()
	a.ctx = ctx
	a.got = func() Code { return signalCode(context.Cause(ctx)) }
	return func() {
		signal.Stop(signals)
		signal.Stop(pipes)
		cancel(context.Canceled)
		<-done
	}
}

// signalError is why a context ended with a signal.
type signalError struct{ os.Signal }

// Error implements error.
func (s signalError) Error() string { return s.String() }

func signalCode(cause error) Code {
	var s signalError
	switch {
	case !errors.As(cause, &s):
		return Done
	case s.Signal == syscall.SIGTERM:
		return Terminated
	}
	return Interrupted
}
