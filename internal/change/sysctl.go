package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sysctl"
)

// Sysctl carries out steps that set a kernel setting in a network namespace.
type Sysctl struct {
	Tree  sysctl.FS
	Roots netns.Roots
}

// Read implements Actor.
func (a Sysctl) Read(ctx context.Context, s *report.Step) (Reading, error) {
	var text string
	err := a.in(ctx, s, func() (err error) {
		text, err = a.Tree.Get(s.Target)
		return err
	})
	if errors.Is(err, netns.ErrVanished) {
		return Reading{Standing: Gone}, nil
	}
	return Compare(s, report.SysctlValue(text)), err
}

// Apply implements Actor.
func (a Sysctl) Apply(ctx context.Context, s *report.Step) error { return a.set(ctx, s, s.After) }

// Undo implements Actor.
func (a Sysctl) Undo(ctx context.Context, s *report.Step) error { return a.set(ctx, s, s.Before) }

func (a Sysctl) set(ctx context.Context, s *report.Step, value report.Value) error {
	err := a.in(ctx, s, func() error { return a.Tree.Set(s.Target, value.String()) })
	if errors.Is(err, sysctl.ErrRange) || errors.Is(err, sysctl.ErrReadOnly) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// in calls fn in the namespace of a step: netns.ErrVanished when that is gone.
func (a Sysctl) in(ctx context.Context, s *report.Step, fn func() error) error {
	target := s.Detail.Sysctl
	if target == nil || s.Netns == nil {
		return fmt.Errorf("%w: the step does not say in which namespace", ErrRefused)
	}
	ns := netns.Namespace{Inode: s.Netns.Inode, Path: target.Path}
	checked := func() error {
		if cookie, ok := netns.Cookie(); ok && target.Cookie != "" && target.Cookie != "0x"+strconv.FormatUint(cookie, 16) {
			return netns.ErrVanished
		}
		return fn()
	}
	err := a.Roots.Do(ns, checked)
	if !errors.Is(err, netns.ErrVanished) {
		return err
	}
	// The process by which it was found may have ended before it.
	all, unreadable, listErr := netns.List(ctx, a.Roots)
	i := slices.IndexFunc(all, func(n netns.Namespace) bool { return n.Inode == ns.Inode })
	switch {
	case i >= 0:
		return a.Roots.Do(all[i], checked)
	case listErr != nil: // nobody knows then whether it is gone
		return listErr
	case len(unreadable) > 0:
		return fmt.Errorf("%w: the network namespace net:[%d] cannot be found, but not everything could be read: %w", ErrRefused, ns.Inode, unreadable[0].Err)
	}
	return err
}
