package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

// option sets one option of sockets through a duplicate of their descriptor.
type option struct {
	*Sockets
	get func(*sockopt.Borrowed) (report.Value, error)
	set func(*sockopt.Borrowed, report.Value) error
}

// Read implements Actor. The option of a connection that is over no longer matters.
func (o option) Read(_ context.Context, s *report.Step) (Reading, error) {
	b, err := o.borrow(s)
	if errors.Is(err, fs.ErrNotExist) {
		return Reading{Standing: Gone}, nil
	}
	if err != nil {
		return Reading{}, err
	}
	defer b.Close()
	if state, err := b.State(); err == nil && state == tcp.Closed {
		return Reading{Standing: Gone}, nil
	}
	now, err := o.get(b)
	return Compare(s, now), err
}

// Apply implements Actor.
func (o option) Apply(_ context.Context, s *report.Step) error { return o.write(s, s.After) }

// Undo implements Actor.
func (o option) Undo(_ context.Context, s *report.Step) error { return o.write(s, s.Before) }

func (o option) write(s *report.Step, value report.Value) error {
	b, err := o.borrow(s)
	if err != nil {
		return err
	}
	defer b.Close()
	return o.set(b, value)
}

// OptionOf reads the value that a step on a socket's option would find, with the same checks of its identity.
func (s *Sockets) OptionOf(step *report.Step) (report.Value, error) {
	o, ok := s.Actors()[step.Action].(option)
	if !ok {
		return "", fmt.Errorf("%q is no option of sockets", step.Action)
	}
	b, err := s.borrow(step)
	if err != nil {
		return "", err
	}
	defer b.Close()
	return o.get(b)
}

func userTimeout(s *Sockets) Actor {
	return option{s, timeValue((*sockopt.Borrowed).UserTimeout), setTime((*sockopt.Borrowed).SetUserTimeout)}
}

func rtoMax(s *Sockets) Actor {
	return option{s, timeValue((*sockopt.Borrowed).RTOMax), setTime((*sockopt.Borrowed).SetRTOMax)}
}

func keepalive(s *Sockets) Actor {
	return option{s, func(b *sockopt.Borrowed) (report.Value, error) {
		k, err := b.Keepalive()
		return report.Keepalive(k.On, k.Idle, k.Interval, k.Probes), err
	}, func(b *sockopt.Borrowed, v report.Value) error {
		k, err := parseKeepalive(v)
		if err != nil {
			return err
		}
		return b.SetKeepalive(k)
	}}
}

// timeValue and setTime turn times into seconds and back.
func timeValue(get func(*sockopt.Borrowed) (time.Duration, error)) func(*sockopt.Borrowed) (report.Value, error) {
	return func(b *sockopt.Borrowed) (report.Value, error) {
		d, err := get(b)
		return report.Duration(d), err
	}
}

func setTime(set func(*sockopt.Borrowed, time.Duration) error) func(*sockopt.Borrowed, report.Value) error {
	return func(b *sockopt.Borrowed, v report.Value) error {
		seconds, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return fmt.Errorf("%w: %s is no time", ErrRefused, v)
		}
		return set(b, time.Duration(seconds*1e3+0.5)*time.Millisecond)
	}
}

func parseKeepalive(v report.Value) (k sockopt.Keepalive, err error) {
	var on string
	if _, err := fmt.Sscanf(v.String(), "%s %d/%d/%d", &on, &k.Idle, &k.Interval, &k.Probes); err != nil || on != "on" && on != "off" {
		return k, fmt.Errorf("%w: %s is no keepalive", ErrRefused, v)
	}
	k.On = on == "on"
	return k, nil
}
