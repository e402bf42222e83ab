package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
)

// errHung is why there is no answer when a look has neither ended in time nor does anything.
var errHung = errors.New("a system call does not return")

// grace is how long a look may stand still after its time is up before it is given up, and stillness the processor time below which it does.
const grace, stillness = time.Second, 10 * time.Millisecond

// outcome is how something ended that may hang.
type outcome[T any] struct {
	value    T
	err      error
	panicked any
}

// aside does f in a goroutine of its own.
func aside[T any](f func() (T, error)) <-chan outcome[T] {
	ended := make(chan outcome[T], 1)
	go func() {
		var o outcome[T]
		defer func() {
			o.panicked = recover()
			ended <- o
		}()
		o.value, o.err = f()
	}()
	return ended
}

// result is what f has returned, or its panic.
func (o outcome[T]) result() (T, error) {
	if o.panicked != nil {
		panic(o.panicked)
	}
	return o.value, o.err
}

// capable asks what can be done here; the error is errHung when the answer did not come in time.
func (a *app) capable(ctx context.Context) ([]Capability, error) {
	ctx, cancel := context.WithTimeout(ctx, a.flags.timeout)
	defer cancel()
	ended := aside(func() ([]Capability, error) { return a.cfg.Capabilities(ctx), nil })
	select {
	case o := <-ended:
		return o.result()
	case <-time.After(a.flags.timeout + grace):
		return nil, errHung
	}
}

// unhung looks, and gives up when the time is up and a system call does not return: a file of /proc can hang for ever, when the process it is about holds a lock and waits for a file
// server. A look that is still at work on its answer, or waits for the reader of the rows, is waited for. The goroutine that hangs is lost, with its thread.
func (a *app) unhung(ctx context.Context, q Query) (*Answer, error) {
	var rows gate
	if q.Each != nil {
		q.Each = rows.guard(q.Each)
	}
	ended := aside(func() (*Answer, error) { return a.cfg.Look(ctx, q) })
	over, used := ctx.Done(), time.Duration(0)
	var wait <-chan time.Time
	for {
		select {
		case o := <-ended:
			return o.result()
		case <-over:
			over = nil
		case <-wait:
			if processorTime()-used < stillness && rows.shut() {
				return nil, a.hung()
			}
		}
		used, wait = processorTime(), time.After(grace)
	}
}

// given does what waits for a file or a pipe that somebody names, until a signal comes. It has all the time it takes, as it may be a person who answers; unless somebody said with --timeout how long.
func given[T any](ctx context.Context, a *app, what string, f func() (T, error)) (nothing T, err error) {
	var late <-chan time.Time
	if a.flags.timeoutSet {
		late = time.After(a.flags.timeout)
	}
	ended := aside(f)
	select {
	case o := <-ended:
		return o.result()
	case <-ctx.Done():
		return nothing, ctx.Err()
	case <-late:
		return nothing, &Error{Exit: Usage, Code: "timeout", Message: what + ": not read within " + a.flags.timeout.String(), Help: "a longer --timeout, or none: then it is waited for"}
	}
}

// hung is the error for it.
func (a *app) hung() *Error {
	return &Error{
		Exit: Usage, Code: "timeout", Message: "no answer within " + a.flags.timeout.String() + ": " + errHung.Error(),
		Why: "a process may hold a lock that the kernel wants to tell of it", Help: "--netns, to look at less; ps -eo pid,stat,wchan:32,comm shows processes in state D", Err: errHung,
	}
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano())
}

// gate lets rows through until it is shut.
type gate struct {
	mutex  sync.Mutex
	closed bool
}

func (g *gate) guard(each func(*look.Row) error) func(*look.Row) error {
	return func(r *look.Row) error {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		if g.closed {
			return errHung
		}
		return each(r)
	}
}

// shut keeps further rows out, unless one is being shown.
func (g *gate) shut() bool {
	if !g.mutex.TryLock() {
		return false
	}
	defer g.mutex.Unlock()
	g.closed = true
	return true
}
