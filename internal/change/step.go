package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// outcome is what became of a step.
type outcome struct {
	status   string
	verified bool
	err      error
}

// apply makes one step: reads, writes, and reads again.
func (a Actors) apply(ctx context.Context, s *report.Step) outcome {
	actor, ok := a[s.Action]
	if !ok {
		return outcome{report.StatusRefused, false, fmt.Errorf("this version cannot make steps of the kind %q", s.Action)}
	}
	reading, err := actor.Read(ctx, s)
	if o := settled(s, reading, err); o.status != "" {
		return o
	}
	if err := actor.Apply(ctx, s); err != nil {
		return failed(err)
	}
	reading, err = actor.Read(ctx, s)
	return word(s, reading, err, AsAfter, s.After)
}

// applyEach makes several steps of one crew in the same way, but does not read before what was just read.
func applyEach(ctx context.Context, c crew, steps []*report.Step, read bool) []outcome {
	outcomes := make([]outcome, len(steps))
	open := func() (left []*report.Step, at []int) {
		for i := range outcomes {
			if outcomes[i].status == "" {
				left, at = append(left, steps[i]), append(at, i)
			}
		}
		return left, at
	}
	if !read {
		for i, f := range c.readEach(ctx, steps, false) {
			outcomes[i] = settled(steps[i], f.Reading, f.err)
		}
	}
	left, at := open()
	for k, err := range c.applyEach(ctx, left) {
		if err != nil {
			outcomes[at[k]] = failed(err)
		}
	}
	left, at = open()
	for k, f := range c.readEach(ctx, left, true) {
		outcomes[at[k]] = word(left[k], f.Reading, f.err, AsAfter, left[k].After)
	}
	return outcomes
}

// settled says what becomes of a step that is not to be made, as its target is not where the step starts from; nothing when it is.
func settled(s *report.Step, reading Reading, err error) outcome {
	switch {
	case err != nil:
		return failed(err)
	case reading.Standing == AsAfter:
		return outcome{report.StatusAlready, true, nil}
	case reading.Standing == Gone:
		return outcome{report.StatusGone, true, nil}
	case reading.Standing == Elsewhere:
		return outcome{report.StatusRefused, false, fmt.Errorf("%s is %s now, and was %s when this was planned", s.Target, s.Show(reading.Now), s.Show(s.Before))}
	}
	return outcome{}
}

// undo takes one step back.
func (a Actors) undo(ctx context.Context, s *report.Step) outcome {
	actor, ok := a[s.Action]
	if !ok {
		return outcome{report.StatusRefused, false, fmt.Errorf("this version cannot take back steps of the kind %q", s.Action)}
	}
	reading, err := actor.Read(ctx, s)
	switch {
	case err != nil:
		return failed(err)
	case reading.Standing == AsBefore:
		if t, ok := actor.(tidier); ok {
			err = t.tidy(s)
		}
		if err != nil {
			return failed(err)
		}
		return outcome{report.StatusAlready, true, nil}
	case reading.Standing == Gone:
		return outcome{report.StatusGone, true, nil}
	case reading.Standing == Elsewhere:
		return outcome{report.StatusRefused, false, moved(s, reading)}
	}
	if err := actor.Undo(ctx, s); err != nil {
		return failed(err)
	}
	reading, err = actor.Read(ctx, s)
	return word(s, reading, err, AsBefore, s.Before)
}

// moved is why a step is not taken back that somebody else has written over.
func moved(s *report.Step, r Reading) error {
	if s.Action == report.ActionFile && r.Now != "" {
		return fmt.Errorf("%s is no longer as this change had written it", s.Target)
	}
	return fmt.Errorf("%s is %s, this change had set %s", s.Target, s.Show(r.Now), s.Show(s.After))
}

// word judges what is read back after something was written. That a socket has ended is what a step wants that ends it.
func word(s *report.Step, reading Reading, err error, want Standing, value report.Value) outcome {
	switch {
	case err != nil:
		return outcome{report.StatusFailed, false, fmt.Errorf("it could not be read back: %w", err)}
	case reading.Standing == want || reading.Standing == Gone && want == AsAfter && ends(s):
		return outcome{report.StatusDone, true, nil}
	case reading.Standing == Gone:
		return outcome{report.StatusGone, true, nil}
	}
	return outcome{report.StatusFailed, false, fmt.Errorf("%s is %s when read back, not %s", s.Target, s.Show(reading.Now), s.Show(value))}
}

// ends reports whether a step leads to the end of its target.
func ends(s *report.Step) bool {
	return s.Action == report.ActionDestroy || s.Action == report.ActionShutdown
}

func failed(err error) outcome {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return outcome{report.StatusGone, true, nil}
	case errors.Is(err, ErrRefused), errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		return outcome{report.StatusRefused, false, err}
	}
	return outcome{report.StatusFailed, false, err}
}

// write puts the outcome into a result.
func (o outcome) write(r *report.StepResult) {
	r.Status, r.Verified, r.Error = &o.status, o.verified, nil
	if o.err != nil {
		r.Error = new(strings.TrimPrefix(o.err.Error(), ErrRefused.Error()+": ")) // the status says that
	}
}
