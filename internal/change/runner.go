package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

// Runner makes changes on this host.
type Runner struct {
	Journal journal.Dir
	Actors  Actors
	// Header begins the entries of the journal: it names the host and its boot.
	Header report.Header
	Who    report.Who
	Now    func() time.Time
	// Cancel ends what would take back a change by itself; nil where nothing needs to be ended.
	Cancel func(id string) error
}

// Confirmation is the wish that a change takes itself back unless it is confirmed.
type Confirmation struct {
	Within time.Duration
	// Schedule starts what will take back the change with this identifier at that moment, and says what that is. It is called before the first step.
	Schedule func(id string, at time.Time) (how string, err error)
}

// ErrReboot means that the change belongs to an earlier boot.
var ErrReboot = errors.New("the host has been started anew since this was planned")

// ErrKnown means that the journal has a change with this identifier: it was made already.
var ErrKnown = errors.New("it was applied before, or another change has its identifier")

// open makes sure, while the lock is held, that nothing of this identifier was done, before something is.
func (r *Runner) open(id string) error {
	known, err := r.Journal.Has(id)
	if known {
		return ErrKnown
	}
	return err
}

// Apply makes a change. Steps that outlive a reboot wait for the confirmation when there is to be one, so that an unconfirmed change is never met again after a
// reboot.
//
// An error means that nothing was changed: journal.ErrBusy, ErrReboot, ErrKnown, what kept the journal from being written, or that ctx had ended already. When it ends later, the steps left are refused.
func (r *Runner) Apply(ctx context.Context, c *report.Change, confirm *Confirmation) (*report.Result, error) {
	if !sameBoot(c.BootID, r.Header.Host.BootID) {
		return nil, ErrReboot
	}
	release, err := r.Journal.Lock(false)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := r.open(c.ID); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // a change that was stopped before it began leaves no entry
	}
	entry := r.entry(c.ChangeHead, c.Steps)
	if confirm != nil {
		if err := r.schedule(entry, confirm); err != nil {
			return nil, err
		}
	}
	w, err := r.Journal.Create(entry)
	if err != nil {
		return nil, errors.Join(err, r.cancel(entry))
	}
	t := &tour{ctx: ctx, runner: r, entry: entry, writer: w, planned: c.TakenAt}
	t.apply(entry.ConfirmBy != nil)
	if journal.Undoable(entry) {
		return r.finish(t)
	}
	begun := *entry
	entry.ConfirmBy, entry.Rollback = nil, nil // nothing waits to be confirmed
	result, err := r.finish(t)
	return r.ended(result, &begun), err
}

// schedule starts the roll-back, before the entry exists: one that finds no entry does nothing, while an entry without a roll-back would stay for good.
func (r *Runner) schedule(entry *report.Journal, confirm *Confirmation) error {
	entry.ConfirmBy = new(r.Now().UTC().Add(confirm.Within))
	how, err := confirm.Schedule(entry.ID, *entry.ConfirmBy)
	if err != nil {
		return fmt.Errorf("nothing could be found that would take the change back by itself: %w", err)
	}
	entry.Rollback = &how
	return nil
}

// cancel ends what would take back a change that was confirmed or taken back, or never made.
func (r *Runner) cancel(entry *report.Journal) error {
	if r.Cancel == nil || entry.ConfirmBy == nil {
		return nil
	}
	if err := r.Cancel(entry.ID); err != nil {
		return fmt.Errorf("what would have taken change %s back by itself could not be ended; it will find nothing to do: %w", entry.ID, err)
	}
	return nil
}

// ended is a result after which the change does not take itself back any more.
func (r *Runner) ended(result *report.Result, entry *report.Journal) *report.Result {
	if err := r.cancel(entry); err != nil {
		result.Incomplete = append(result.Incomplete, report.Incomplete{Code: "rollback", Message: err.Error()})
	}
	return result
}

func (r *Runner) entry(head report.ChangeHead, steps []report.Step) *report.Journal {
	entry := &report.Journal{Header: r.Header, ChangeHead: head, State: report.JournalOpen, Who: r.Who, StartedAt: r.Now().UTC()}
	entry.Kind, entry.TakenAt, entry.BootID = "Journal", entry.StartedAt, r.Header.Host.BootID
	entry.Steps = make([]report.StepResult, len(steps))
	for i := range steps {
		entry.Steps[i].Step = steps[i]
	}
	return entry
}

// finish writes the entry for the last time and makes the result of it.
func (r *Runner) finish(t *tour) (*report.Result, error) {
	t.entry.FinishedAt = new(r.Now().UTC())
	if t.entry.State == report.JournalOpen && !t.interrupted {
		t.entry.State = report.JournalDone
	}
	err := t.writer.Finish(t.entry)
	result := r.result(t.entry)
	if err != nil {
		result.Incomplete = append(result.Incomplete, report.Incomplete{Code: "journal", Message: "the journal could not be completed: " + err.Error()})
	}
	return result, nil
}

func (r *Runner) result(entry *report.Journal) *report.Result {
	result := &report.Result{Header: r.Header, ChangeHead: entry.ChangeHead, Steps: entry.Steps}
	result.Kind, result.TakenAt = "Result", r.Now().UTC()
	result.Incomplete = slices.Clone(r.Header.Incomplete)
	if journal.Undoable(entry) {
		result.Undo = new("closewait undo " + entry.ID)
	}
	if entry.ConfirmedAt == nil && entry.State != report.JournalRolledBack {
		result.ConfirmBy = entry.ConfirmBy
	}
	return result
}

func sameBoot(a, b *string) bool { return a == nil || b == nil || *a == *b }
