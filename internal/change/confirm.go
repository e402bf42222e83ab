package change

import (
	"context"
	"errors"

	"github.com/closewait/closewait/internal/report"
)

// ErrNothingToConfirm means that the change waits for no confirmation and was not interrupted.
var ErrNothingToConfirm = errors.New("this change does not wait to be confirmed")

// Confirm keeps a change: one that would take itself back, whose steps that outlive a reboot are made now, or one that was interrupted, which is left as it is.
//
// An error means that nothing was changed.
func (r *Runner) Confirm(ctx context.Context, id string) (*report.Result, error) {
	release, err := r.Journal.Lock(false)
	if err != nil {
		return nil, err
	}
	defer release()
	entry, err := r.Journal.Read(id)
	switch {
	case err != nil:
		return nil, err
	case entry.State == report.JournalOpen:
		entry.State, entry.ConfirmedAt = report.JournalSettled, new(r.Now().UTC())
		if err := r.Journal.Update(entry); err != nil {
			return nil, err
		}
		return r.ended(r.result(entry), entry), nil
	case entry.State != report.JournalDone || entry.ConfirmBy == nil || entry.ConfirmedAt != nil:
		return nil, ErrNothingToConfirm
	case !sameBoot(entry.BootID, r.Header.Host.BootID):
		return nil, ErrReboot
	}
	entry.ConfirmedAt = new(r.Now().UTC())
	w, err := r.Journal.Create(entry)
	if err != nil {
		return nil, err
	}
	t := &tour{ctx: ctx, runner: r, entry: entry, writer: w}
	t.persist()
	result, err := r.finish(t)
	return r.ended(result, entry), err
}

// persist makes the steps that waited. Each stands for itself: the change itself has been made.
func (t *tour) persist() {
	for i := range t.entry.Steps {
		step := &t.entry.Steps[i]
		if step.Status != nil {
			continue
		}
		if err := t.note(i, t.runner.Actors.apply(t.ctx, &step.Step)); err != nil {
			t.giveUp(i+1, err)
			return
		}
	}
}
