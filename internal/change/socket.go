package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

// Sockets reaches the sockets of all network namespaces: through their tables, and through the descriptors of processes. It must be closed.
type Sockets struct {
	proc  procfs.FS
	roots netns.Roots
	conns map[uint64]*inetdiag.Conn
	// places are where namespaces were said to be; found are those there and those that can be listed, once they were looked for.
	places []string
	found  []netns.Namespace
	// named is used again and again: a socket is large.
	named []*tcp.Socket
}

// NewSockets returns the sockets of this host. places name namespaces that may be in no list, as [netns.Select] takes them.
func NewSockets(places ...string) *Sockets {
	return &Sockets{proc: procfs.New("/proc"), roots: netns.DefaultRoots(), conns: map[uint64]*inetdiag.Conn{}, places: places}
}

// Actors returns the actors of all actions on sockets.
func (s *Sockets) Actors() Actors {
	return Actors{
		report.ActionDestroy: destroyer{s}, report.ActionShutdown: shutter{s}, report.ActionUserTimeout: userTimeout(s),
		report.ActionRTOMax: rtoMax(s), report.ActionKeepalive: keepalive(s),
	}
}

// Close gives back the connections to the kernel.
func (s *Sockets) Close() error {
	var err error
	for _, c := range s.conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

// target puts into s the socket that a step names, as far as it takes to ask the kernel for it.
func target(step *report.Step, s *tcp.Socket) error {
	t := step.Detail.Socket
	if t == nil {
		return fmt.Errorf("%w: %s: the step does not say which socket is meant", ErrRefused, step.Target)
	}
	s.Local, s.Peer, s.Interface, s.Inode = tcp.EndpointOf(t.Local), tcp.EndpointOf(t.Peer), t.Interface, t.Inode
	var errs [3]error
	s.Cookie, errs[0] = tcp.ParseCookie(t.Cookie)
	s.State, errs[1] = tcp.ParseState(t.State)
	switch {
	case t.Cookie == "" || s.Cookie == tcp.NoCookie:
		errs[2] = errors.New("a cookie that fits any socket")
	case !t.Local.IsValid() || !t.Peer.IsValid():
		errs[2] = errors.New("not its two addresses")
	case t.Family == tcp.IPv4.String():
		s.Family = tcp.IPv4
	case t.Family == tcp.IPv6.String():
		s.Family = tcp.IPv6
	default:
		errs[2] = fmt.Errorf("family %q", t.Family)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("%w: %s: the step does not say which socket is meant: %w", ErrRefused, step.Target, err)
	}
	return nil
}

// conn returns the connection to the tables of the namespace a step is about.
func (s *Sockets) conn(ctx context.Context, step *report.Step) (*inetdiag.Conn, error) {
	if step.Netns == nil {
		return nil, fmt.Errorf("%w: %s: the step names no network namespace", ErrRefused, step.Target)
	}
	inode := step.Netns.Inode
	if c := s.conns[inode]; c != nil {
		return c, nil
	}
	ns, err := s.namespace(ctx, inode)
	if err != nil {
		return nil, err
	}
	err = s.roots.Do(ns, func() error {
		c, err := inetdiag.Open()
		if err == nil {
			s.conns[inode] = c
		}
		return err
	})
	return s.conns[inode], err
}

// namespace finds a namespace by its inode. One that is not found may live on, kept by a descriptor: nothing is said of its sockets then.
func (s *Sockets) namespace(ctx context.Context, inode uint64) (netns.Namespace, error) {
	if s.found == nil {
		all, _, err := netns.List(ctx, s.roots)
		if err != nil {
			return netns.Namespace{}, err
		}
		named, err := netns.Select(all, s.places, s.roots)
		if err != nil {
			return netns.Namespace{}, err
		}
		s.found = append(all, named...)
	}
	for _, ns := range s.found {
		if ns.Inode == inode {
			return ns, nil
		}
	}
	return netns.Namespace{}, fmt.Errorf("%w: the network namespace net:[%d] cannot be found, or not be read; --netns PATH names one that is in no list", ErrRefused, inode)
}

// CanDestroy reports whether the socket of a step may be destroyed, without doing it: the errors are those of [inetdiag.Conn.CanDestroy], and ErrRefused when its
// namespace cannot be found.
func (s *Sockets) CanDestroy(ctx context.Context, step *report.Step) error {
	c, err := s.conn(ctx, step)
	if err != nil {
		return err
	}
	return c.CanDestroy(ctx)
}

// Reach reports whether a descriptor leads to the socket of a step: fs.ErrPermission, fs.ErrNotExist when none does any more.
func (s *Sockets) Reach(step *report.Step) error {
	b, err := s.borrow(step)
	if err == nil {
		b.Close()
	}
	return err
}

// identify returns the sockets of steps, all in one network namespace, and whom to ask for them. They are good until the next call. The error is about one of the steps.
func (s *Sockets) identify(ctx context.Context, steps []*report.Step) (*inetdiag.Conn, []*tcp.Socket, error) {
	for len(s.named) < len(steps) {
		s.named = append(s.named, &tcp.Socket{})
	}
	for i, step := range steps {
		if err := target(step, s.named[i]); err != nil {
			return nil, nil, err
		}
	}
	c, err := s.conn(ctx, steps[0])
	return c, s.named[:len(steps)], err
}

// standing is what the tables say of a socket: its state, or fs.ErrNotExist when this very socket is in none.
type standing struct {
	state tcp.State
	err   error
}

// states asks the tables for the sockets of steps, all in one network namespace. Those that were ended by the word of the kernel are only sought among what is left.
func (s *Sockets) states(ctx context.Context, steps []*report.Step, made bool) []standing {
	list := make([]standing, len(steps))
	if len(steps) == 0 {
		return list
	}
	c, sockets, err := s.identify(ctx, steps)
	switch {
	case err == nil && made && len(steps) >= manySockets && s.left(ctx, c, steps[0], sockets, list):
	case err == nil:
		err = s.lookUp(ctx, steps[0], sockets, list)
	case len(steps) > 1:
		for i := range steps { // each stands for itself
			list[i] = s.states(ctx, steps[i:i+1], made)[0]
		}
		return list
	}
	for i := range list {
		if list[i] == (standing{}) {
			list[i].err = err
		}
	}
	return list
}

// lookUp asks for each of the sockets. Those it got no answer for have no standing.
func (s *Sockets) lookUp(ctx context.Context, step *report.Step, sockets []*tcp.Socket, list []standing) error {
	c, err := s.conn(ctx, step)
	if err != nil {
		return err
	}
	return c.GetEach(ctx, sockets, 0, func(i int, found *tcp.Socket, err error) {
		switch {
		case err != nil:
			list[i].err = err
		case found.Cookie != sockets[i].Cookie:
			list[i].err = fs.ErrNotExist
		default:
			list[i].state = found.State
		}
	})
}

// manySockets is the number from which on reading the whole table of a namespace may be cheaper than a lookup for each socket: a walk over all chains of the hash table,
// which all namespaces share, takes some milliseconds even when it finds nothing.
const manySockets = 4096

// left looks for sockets among all that the namespace of a step has left. It gives up, and returns false, when there are more than those sought: then lookups are cheaper. A dump can
// miss a socket while others come and go, so it is no proof that one has ended, only a second word beside that of the kernel.
func (s *Sockets) left(ctx context.Context, c *inetdiag.Conn, step *report.Step, sockets []*tcp.Socket, list []standing) bool {
	states := map[tcp.Cookie]tcp.State{}
	errMore := errors.New("more")
	stats, err := c.Dump(ctx, inetdiag.Query{}, func(found *tcp.Socket) error {
		if states[found.Cookie] = found.State; len(states) > len(sockets) {
			return errMore
		}
		return nil
	})
	if errors.Is(err, errMore) { // the kernel would go on with the dump; another connection need not wait for that
		delete(s.conns, step.Netns.Inode)
		_ = c.Close()
	}
	if err != nil || stats.Interrupted || stats.Malformed > 0 {
		return false
	}
	for i := range list {
		if state, there := states[sockets[i].Cookie]; there {
			list[i].state = state
		} else {
			list[i].err = fs.ErrNotExist
		}
	}
	return true
}

// borrow duplicates the first of the target's descriptors that is still what it was: the same process, by its start time, and the same socket, by inode and cookie.
func (s *Sockets) borrow(step *report.Step) (*sockopt.Borrowed, error) {
	var socket tcp.Socket
	if err := target(step, &socket); err != nil {
		return nil, err
	}
	owners := step.Detail.Socket.Owners
	if len(owners) == 0 {
		return nil, fmt.Errorf("%w: no process has a descriptor of %s", ErrRefused, step.Target)
	}
	for _, owner := range owners {
		p, err := s.proc.Stat(owner.PID)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && owner.StartTicks != 0 && p.StartTicks != owner.StartTicks:
			continue // the process has ended, and its pid may be another's
		case err != nil:
			return nil, err
		}
		b, err := sockopt.Borrow(owner.PID, owner.FD, socket.Inode, socket.Cookie)
		switch {
		case err == nil:
			return b, nil
		case !errors.Is(err, sockopt.ErrGone):
			return nil, err
		}
	}
	return nil, fs.ErrNotExist
}
