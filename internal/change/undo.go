package change

import (
	"context"
	"errors"
	"fmt"

	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

// Errors of Undo and Confirm, besides those of the journal.
var (
	// ErrNothingToUndo means that no step of the change can be taken back, or all were.
	ErrNothingToUndo = errors.New("nothing of this change can be taken back")
	// ErrMoved means that somebody else has written over the change since.
	ErrMoved = errors.New("somebody else has written in between")
	// ErrOtherHost means that the entry was written on another host.
	ErrOtherHost = errors.New("this change was made on another host")
	// ErrConfirmed means that the change was confirmed, so that it does not take itself back.
	ErrConfirmed = errors.New("this change was confirmed")
)

// PlanUndo returns the change that takes back another, and that one's entry.
func (r *Runner) PlanUndo(id string) (*report.Change, *report.Journal, error) {
	entry, err := r.Journal.Read(id)
	if err != nil {
		return nil, nil, err
	}
	if entry.Host.Name != r.Header.Host.Name {
		return nil, entry, fmt.Errorf("%w: %s", ErrOtherHost, entry.Host.Name)
	}
	c := &report.Change{Header: r.Header, ChangeHead: report.ChangeHead{Action: "undo", Together: entry.Together, BootID: r.Header.Host.BootID}}
	c.Kind, c.CreatedAt, c.Risks, c.Refused, c.Groups = "Change", r.Now().UTC(), []string{}, []report.Refusal{}, []report.Group{}
	if c.ID, err = r.Journal.NewID(); err != nil {
		return nil, entry, err
	}
	for i := len(entry.Steps) - 1; i >= 0; i-- {
		if !journal.TakesBack(&entry.Steps[i]) {
			continue
		}
		step := entry.Steps[i].Step
		step.Before, step.After, step.Frees = step.After, step.Before, report.Frees{}
		c.Steps = append(c.Steps, step)
	}
	if len(c.Steps) == 0 || !journal.Undoable(entry) {
		return nil, entry, ErrNothingToUndo
	}
	return c, entry, nil
}

// Undo takes a change back, as PlanUndo has planned it. Steps that belong together are only taken back when all of them can be: ErrMoved. With unlessConfirmed a
// change that was confirmed meanwhile is left as it is, ErrConfirmed, and a change that is being made now is waited for.
//
// An error means that nothing was changed.
func (r *Runner) Undo(ctx context.Context, c *report.Change, id string, unlessConfirmed bool) (*report.Result, error) {
	release, err := r.Journal.Lock(unlessConfirmed)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := r.open(c.ID); err != nil {
		return nil, err
	}
	undone, err := r.Journal.Read(id) // again, now that nobody else changes it
	switch {
	case err != nil:
		return nil, err
	case !journal.Undoable(undone):
		return nil, ErrNothingToUndo
	case unlessConfirmed && undone.ConfirmedAt != nil:
		return nil, ErrConfirmed
	}
	entry := r.entry(c.ChangeHead, c.Steps)
	entry.Undoes = &id
	t := &tour{ctx: ctx, runner: r, entry: entry}
	if err := t.unmoved(undone); err != nil {
		return nil, err
	}
	if t.writer, err = r.Journal.Create(entry); err != nil {
		return nil, err
	}
	t.undo(undone)
	result, err := r.finish(t)
	if err != nil || t.interrupted || t.missed > 0 {
		return result, err
	}
	if err := r.markUndone(undone, entry.ID); err != nil {
		result.Incomplete = append(result.Incomplete, report.Incomplete{Code: "journal", Message: "the undone change could not be marked: " + err.Error()})
	}
	return r.ended(result, undone), nil
}

// markUndone closes an entry that was taken back, and earlier attempts to do so that were interrupted.
func (r *Runner) markUndone(undone *report.Journal, by string) error {
	undone.State, undone.UndoneBy = report.JournalUndone, &by
	if err := r.Journal.Update(undone); err != nil {
		return err
	}
	heads, err := r.Journal.Heads()
	for _, head := range heads {
		if head.State != report.JournalOpen || head.Undoes == nil || *head.Undoes != undone.ID {
			continue
		}
		earlier, readErr := r.Journal.Read(head.ID)
		if readErr == nil {
			earlier.State = report.JournalSettled
			readErr = r.Journal.Update(earlier)
		}
		err = errors.Join(err, readErr)
	}
	return err
}

// original returns the step as it was made, from the one that takes it back.
func original(back *report.Step) report.Step {
	step := *back
	step.Before, step.After = back.After, back.Before
	return step
}

// ended reports whether the target of a step has ended with the kernel it was in.
func (t *tour) ended(step *report.Step, undone *report.Journal) bool {
	return !step.SurvivesReboot && !sameBoot(undone.BootID, t.runner.Header.Host.BootID)
}

// unmoved refuses to take apart steps that belong together.
func (t *tour) unmoved(undone *report.Journal) error {
	if !undone.Together {
		return nil
	}
	for i := range t.entry.Steps {
		step := original(&t.entry.Steps[i].Step)
		actor, known := t.runner.Actors[step.Action]
		if !known || t.ended(&step, undone) {
			continue
		}
		reading, err := actor.Read(t.ctx, &step)
		if err != nil {
			return fmt.Errorf("%s could not be read: %w", step.Target, err)
		}
		if reading.Standing == Elsewhere {
			return fmt.Errorf("%w: %w", ErrMoved, moved(&step, reading))
		}
	}
	return nil
}

// undo takes the steps back. When some of them were not, the change can be taken back again.
func (t *tour) undo(undone *report.Journal) {
	for i := range t.entry.Steps {
		step := original(&t.entry.Steps[i].Step)
		var o outcome
		switch {
		case t.ctx.Err() != nil:
			o = outcome{report.StatusRefused, false, t.ctx.Err()}
		case t.ended(&step, undone):
			o = outcome{report.StatusGone, true, nil}
		default:
			o = t.runner.Actors.undo(t.ctx, &step)
		}
		if o.status == report.StatusFailed || o.status == report.StatusRefused {
			t.missed++
		}
		if err := t.note(i, o); err != nil {
			t.giveUp(i+1, err)
			return
		}
	}
}
