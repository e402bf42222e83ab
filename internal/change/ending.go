package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

// errNotUndoable is for actors whose steps are never undoable.
var errNotUndoable = fmt.Errorf("%w: it cannot be taken back", ErrRefused)

// destroyer ends sockets at once (SOCK_DESTROY).
type destroyer struct{ *Sockets }

// Read implements Actor: the state, as long as this very socket is in a table.
func (d destroyer) Read(ctx context.Context, s *report.Step) (Reading, error) {
	return d.readEach(ctx, []*report.Step{s}, false)[0].split()
}

// Apply implements Actor.
func (d destroyer) Apply(ctx context.Context, s *report.Step) error {
	return d.applyEach(ctx, []*report.Step{s})[0]
}

// readEach implements crew.
func (d destroyer) readEach(ctx context.Context, steps []*report.Step, made bool) []found {
	return d.readings(ctx, steps, made, func(s *report.Step, state tcp.State) Reading { return Compare(s, report.Text(state.String())) })
}

// applyEach implements crew. The kernel itself compares the cookies (sk_diag_find), so that no other socket is met.
func (d destroyer) applyEach(ctx context.Context, steps []*report.Step) []error {
	errs := make([]error, len(steps))
	if len(steps) == 0 {
		return errs
	}
	told := make([]bool, len(steps))
	c, sockets, err := d.identify(ctx, steps)
	if err == nil {
		err = c.DestroyEach(ctx, sockets, func(i int, err error) { told[i], errs[i] = true, err })
	}
	for i := range errs {
		if !told[i] {
			errs[i] = err
		}
	}
	return errs
}

// Undo implements Actor.
func (destroyer) Undo(context.Context, *report.Step) error { return errNotUndoable }

// shutter sends the FIN of sockets (shutdown) through a duplicate of their descriptor.
type shutter struct{ *Sockets }

// Read implements Actor: a socket in any of the states after a FIN was sent stands as after.
func (a shutter) Read(ctx context.Context, s *report.Step) (Reading, error) {
	return a.readEach(ctx, []*report.Step{s}, false)[0].split()
}

// readEach implements crew.
func (a shutter) readEach(ctx context.Context, steps []*report.Step, made bool) []found {
	return a.readings(ctx, steps, made, func(s *report.Step, state tcp.State) Reading {
		reading := Compare(s, report.Text(state.String()))
		if tcp.SetOf(tcp.FinWait1, tcp.FinWait2, tcp.Closing, tcp.LastAck, tcp.TimeWait).Has(state) {
			reading.Standing = AsAfter
		}
		return reading
	})
}

// applyEach implements crew.
func (a shutter) applyEach(ctx context.Context, steps []*report.Step) []error {
	errs := make([]error, len(steps))
	for i, s := range steps {
		errs[i] = a.Apply(ctx, s)
	}
	return errs
}

// Apply implements Actor.
func (a shutter) Apply(_ context.Context, s *report.Step) error {
	b, err := a.borrow(s)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.CloseWrite(); !errors.Is(err, sockopt.ErrGone) {
		return err
	}
	return fs.ErrNotExist
}

// Undo implements Actor.
func (shutter) Undo(context.Context, *report.Step) error { return errNotUndoable }

// readings makes readings of the states of sockets.
func (s *Sockets) readings(ctx context.Context, steps []*report.Step, made bool, reading func(*report.Step, tcp.State) Reading) []found {
	list := make([]found, len(steps))
	for i, at := range s.states(ctx, steps, made) {
		switch {
		case errors.Is(at.err, fs.ErrNotExist):
			list[i].Standing = Gone
		case at.err != nil:
			list[i].err = at.err
		default:
			list[i].Reading = reading(steps[i], at.state)
		}
	}
	return list
}
