package host

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/tcp"
)

// pause is the time between the two looks: long enough for a sender on any sane path to have moved, short enough to wait for.
const pause = 300 * time.Millisecond

// single is the number of undecided sockets of a namespace up to which they are looked up one by one; a lookup costs about as much as dumping a
// hundred sockets.
const single = 100

func (v *visit) anyUndecided(sockets []tcp.Socket) bool {
	for i := range sockets {
		if v.undecided(&sockets[i]) {
			return true
		}
	}
	return false
}

func (v *visit) undecided(s *tcp.Socket) bool {
	return v.request.Undecided != nil && v.request.Undecided(s)
}

// again looks at the undecided sockets once more. nil means that there were none or that time was up; a socket that is gone is not in the result.
func (v *visit) again(ctx context.Context) []tcp.Socket {
	if len(v.tables) == 0 {
		return nil
	}
	timer := time.NewTimer(pause - v.host.now().Sub(v.snapshot.TakenAt))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil
	}
	later := []tcp.Socket{}
	for index, conn := range v.tables {
		var err error
		if later, err = v.relook(ctx, conn, v.snapshot.Namespaces[index].Sockets, later); err != nil {
			v.missing("CW506", "the second look at undecided sockets failed: "+err.Error(), "look again")
			return nil
		}
	}
	return later
}

func (v *visit) relook(ctx context.Context, conn *inetdiag.Conn, sockets, to []tcp.Socket) ([]tcp.Socket, error) {
	var states tcp.StateSet
	var undecided []*tcp.Socket
	for i := range sockets {
		if s := &sockets[i]; v.undecided(s) {
			undecided = append(undecided, s)
			states |= tcp.SetOf(s.State)
		}
	}
	if len(undecided) > single {
		to, _, err := conn.Sockets(ctx, inetdiag.Query{States: states, Extensions: inetdiag.WithInfo}, to)
		return to, err
	}
	for _, s := range undecided {
		var found tcp.Socket
		switch err := conn.Get(ctx, s, inetdiag.WithInfo, &found); {
		case err == nil:
			to = append(to, found)
		case !errors.Is(err, fs.ErrNotExist):
			return to, err
		}
	}
	return to, nil
}
