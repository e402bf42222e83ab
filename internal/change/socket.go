package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

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
	// parsed is the target parsed last, from this detail: a step asks for the same one several times.
	detail string
	parsed target
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

// target is a socket as a step names it.
type target struct {
	report.SocketTarget
	socket tcp.Socket
}

func (s *Sockets) target(step *report.Step) (*target, error) {
	if s.detail == string(step.Detail) && s.detail != "" {
		return &s.parsed, nil
	}
	t, err := parseTarget(step.Detail)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: the step does not say which socket is meant: %w", ErrRefused, step.Target, err)
	}
	s.detail, s.parsed = string(step.Detail), t
	return &s.parsed, nil
}

func parseTarget(detail json.RawMessage) (t target, err error) {
	if err = json.Unmarshal(detail, &t.SocketTarget); err != nil {
		return t, err
	}
	var errs [5]error
	t.socket.Local, errs[0] = netip.ParseAddrPort(t.Local)
	t.socket.Peer, errs[1] = netip.ParseAddrPort(t.Peer)
	t.socket.Cookie, errs[2] = tcp.ParseCookie(t.Cookie)
	t.socket.State, errs[3] = tcp.ParseState(t.State)
	if t.socket.Cookie == tcp.NoCookie || t.Cookie == "" {
		errs[4] = errors.New("a cookie that fits any socket")
	}
	switch t.Family {
	case tcp.IPv4.String():
		t.socket.Family = tcp.IPv4
	case tcp.IPv6.String():
		t.socket.Family = tcp.IPv6
	default:
		return t, fmt.Errorf("family %q", t.Family)
	}
	t.socket.Interface, t.socket.Inode = t.Interface, t.Inode
	return t, errors.Join(errs[:]...)
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

// state asks the tables for the state of the socket: fs.ErrNotExist when this very socket is in none.
func (s *Sockets) state(ctx context.Context, step *report.Step) (tcp.State, error) {
	t, err := s.target(step)
	if err != nil {
		return 0, err
	}
	c, err := s.conn(ctx, step)
	if err != nil {
		return 0, err
	}
	var now tcp.Socket
	if err := c.Get(ctx, &t.socket, 0, &now); err != nil {
		return 0, err
	}
	if now.Cookie != t.socket.Cookie {
		return 0, fs.ErrNotExist
	}
	return now.State, nil
}

// borrow duplicates the first of the target's descriptors that is still what it was: the same process, by its start time, and the same socket, by inode and cookie.
func (s *Sockets) borrow(step *report.Step) (*sockopt.Borrowed, error) {
	t, err := s.target(step)
	if err != nil {
		return nil, err
	}
	if len(t.Owners) == 0 {
		return nil, fmt.Errorf("%w: no process has a descriptor of %s", ErrRefused, step.Target)
	}
	for _, owner := range t.Owners {
		p, err := s.proc.Stat(owner.PID)
		if err != nil || owner.StartTicks != 0 && p.StartTicks != owner.StartTicks {
			continue // the process has ended, and its pid may be another's
		}
		b, err := sockopt.Borrow(owner.PID, owner.FD, t.Inode, t.socket.Cookie)
		switch {
		case err == nil:
			return b, nil
		case !errors.Is(err, sockopt.ErrGone):
			return nil, err
		}
	}
	return nil, fs.ErrNotExist
}
