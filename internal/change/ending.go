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
	state, err := d.state(ctx, s)
	if errors.Is(err, fs.ErrNotExist) {
		return Reading{Standing: Gone}, nil
	}
	return Compare(s, report.Text(state.String())), err
}

// Apply implements Actor.
func (d destroyer) Apply(ctx context.Context, s *report.Step) error {
	t, err := d.target(s)
	if err != nil {
		return err
	}
	c, err := d.conn(ctx, s)
	if err != nil {
		return err
	}
	return c.Destroy(ctx, &t.socket)
}

// Undo implements Actor.
func (destroyer) Undo(context.Context, *report.Step) error { return errNotUndoable }

// shutter sends the FIN of sockets (shutdown) through a duplicate of their descriptor.
type shutter struct{ *Sockets }

// Read implements Actor: a socket in any of the states after a FIN was sent stands as after.
func (a shutter) Read(ctx context.Context, s *report.Step) (Reading, error) {
	state, err := a.state(ctx, s)
	if errors.Is(err, fs.ErrNotExist) {
		return Reading{Standing: Gone}, nil
	}
	reading := Compare(s, report.Text(state.String()))
	if tcp.SetOf(tcp.FinWait1, tcp.FinWait2, tcp.Closing, tcp.LastAck, tcp.TimeWait).Has(state) {
		reading.Standing = AsAfter
	}
	return reading, err
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
