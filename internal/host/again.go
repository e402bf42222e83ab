package host

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/look"
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
	return v.request.Undecided != nil && v.request.Undecided(v.snapshot, s)
}

// again looks at the undecided sockets once more, and at what else may have changed its mind: threads and dead descriptors. nil means that there were none or that time was up; a socket that is gone is not in the result.
func (v *visit) again(ctx context.Context) []tcp.Socket {
	unopened := v.reopen()
	if unopened == nil && len(v.tables) == 0 && len(v.unsettled) == 0 && len(v.snapshot.Dead) == 0 {
		return nil
	}
	if !v.wait(ctx, v.secondLook(ctx)) || !v.threadsAgain(ctx) {
		v.unseenAgain(ctx.Err())
		return nil
	}
	v.snapshot.Dead = slices.DeleteFunc(v.snapshot.Dead, v.closedSince)
	if unopened != nil { // what is not found again would pass for gone
		v.unseenAgain(unopened)
		return nil
	}
	if len(v.tables) == 0 {
		return nil
	}
	later := []tcp.Socket{}
	for _, index := range slices.Sorted(maps.Keys(v.tables)) { // they were read in this order
		n := &v.snapshot.Namespaces[index]
		if !v.wait(ctx, n.ReadAt.Add(n.ReadFor+pause)) {
			v.unseenAgain(ctx.Err())
			return nil
		}
		var err error
		if later, err = v.relook(ctx, v.tables[index], n.Sockets, later); err != nil {
			v.unseenAgain(err)
			return nil
		}
	}
	return later
}

func (v *visit) unseenAgain(err error) {
	v.missing("CW506", "the second look at undecided sockets failed: "+reason(err), "look again")
}

// secondLook is when the second look begins: as late as the diagnosis wants, where there is the time. It is better early than never, and takes about as long as the first.
func (v *visit) secondLook(ctx context.Context) time.Time {
	patient := v.observed.Add(v.patience)
	if deadline, ok := ctx.Deadline(); ok {
		if last := deadline.Add(-max(v.observed.Sub(v.snapshot.TakenAt), pause)); last.Before(patient) {
			patient = last
		}
	}
	if start := v.snapshot.TakenAt.Add(pause); start.After(patient) {
		return start
	}
	return patient
}

// reopen connects to the namespaces with sockets that are undecided since holders were looked for, or since it is known what these do: one may come to an end with that. Where it fails there is no second look.
func (v *visit) reopen() error {
	if v.snapshot.Holders.Held() == v.snapshot.Holders.Wanted() && !slices.ContainsFunc(v.unsettled, v.handler) {
		return nil
	}
	for i := range v.snapshot.Namespaces {
		n := &v.snapshot.Namespaces[i]
		if v.tables[i] != nil || !v.anyUndecided(n.Sockets) {
			continue
		}
		if err := v.host.roots.Do(v.spaces[n.Inode], func() error {
			conn, err := inetdiag.Open()
			if err == nil {
				v.tables[i] = conn
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// handler reports whether a process has but one thread: whether its sockets are decided may depend on what that does.
func (v *visit) handler(pid int) bool {
	p := v.snapshot.Processes[pid]
	return p != nil && p.Activity != nil && p.Activity.ThreadCount == 1
}

// threadsAgain looks at the unsettled processes a second time, and reports whether there was time for it. What took long to read the first time takes long again: each is read in its turn, a moment
// after it was.
func (v *visit) threadsAgain(ctx context.Context) bool {
	slices.SortStableFunc(v.unsettled, func(a, b int) int { return v.seen[a].Compare(v.seen[b]) })
	var late atomic.Bool
	abreast(len(v.unsettled), func(i int) {
		pid := v.unsettled[i]
		if p := v.snapshot.Processes[pid]; p != nil && p.Activity != nil {
			if !v.wait(ctx, v.seen[pid].Add(pause/2)) {
				late.Store(true)
				return
			}
			v.fell(pid, v.host.proc.ActivityAgain(p))
		}
	})
	return !late.Load()
}

// wait waits for a moment, and reports whether there was time for it.
func (v *visit) wait(ctx context.Context, until time.Time) bool {
	left := until.Sub(v.host.now())
	if left <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// closedSince reports whether a descriptor that was dead in the first look has been closed or used again since: then nothing has leaked.
func (v *visit) closedSince(d look.DeadFD) bool {
	inode, err := v.host.proc.SocketInode(d.PID, d.FD)
	return errors.Is(err, fs.ErrNotExist) || err == nil && inode != d.Inode
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
