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
	// between reports whether a value is part before, part after; nil where it is set by one call.
	between func(before, after, now report.Value) bool
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
	reading := Compare(s, now)
	if err == nil && reading.Standing == Elsewhere && o.between != nil && o.between(s.Before, s.After, now) {
		reading.Standing = Between
	}
	return reading, err
}

// Apply implements Actor.
func (o option) Apply(_ context.Context, s *report.Step) error { return o.write(s, s.Before, s.After) }

// Undo implements Actor.
func (o option) Undo(_ context.Context, s *report.Step) error { return o.write(s, s.After, s.Before) }

// write leads from one value to the other, or changes nothing: an error that says that it was refused is only returned when that is so.
func (o option) write(s *report.Step, from, to report.Value) error {
	b, err := o.borrow(s)
	if err != nil {
		return err
	}
	defer b.Close()
	if err = o.set(b, to); err == nil || o.between == nil {
		return err
	}
	if now, unread := o.get(b); unread == nil && now == from {
		return err
	}
	if o.set(b, from) != nil {
		return fmt.Errorf("it was set in part: %s", err.Error()) // not wrapped: something was changed
	}
	return err
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
	return option{s, timeValue((*sockopt.Borrowed).UserTimeout), setTime((*sockopt.Borrowed).SetUserTimeout), nil}
}

func rtoMax(s *Sockets) Actor {
	return option{s, timeValue((*sockopt.Borrowed).RTOMax), setTime((*sockopt.Borrowed).SetRTOMax), nil}
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
	}, betweenKeepalives}
}

// betweenKeepalives reports whether each of the four parts, which take a call each, has one of its two values.
func betweenKeepalives(before, after, now report.Value) bool {
	b, errB := parseKeepalive(before)
	a, errA := parseKeepalive(after)
	n, errN := parseKeepalive(now)
	return errors.Join(errB, errA, errN) == nil && (n.On == b.On || n.On == a.On) && (n.Idle == b.Idle || n.Idle == a.Idle) &&
		(n.Interval == b.Interval || n.Interval == a.Interval) && (n.Probes == b.Probes || n.Probes == a.Probes)
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
