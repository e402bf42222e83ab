package change

import (
	"context"
	"errors"

	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

// tour is one walk over the steps of an entry.
type tour struct {
	ctx    context.Context //nolint:containedctx // of the one call that makes the tour
	runner *Runner
	entry  *report.Journal
	writer *journal.Writer
	// interrupted is true when the walk ended early and the entry stays open.
	interrupted bool
	// missed counts steps that could not be taken back.
	missed int
}

// apply makes the steps in their order; those that outlive a reboot wait for a confirmation. When the steps belong together, the first one that is not made takes
// the others back.
func (t *tour) apply(unconfirmed bool) {
	for i := range t.entry.Steps {
		step := &t.entry.Steps[i]
		if unconfirmed && step.SurvivesReboot {
			continue
		}
		o := outcome{report.StatusRefused, false, t.ctx.Err()}
		if o.err == nil {
			o = t.runner.Actors.apply(context.WithoutCancel(t.ctx), &step.Step) // what was begun is brought to its end
		}
		if err := t.note(i, o); err != nil {
			t.giveUp(i+1, err)
			return
		}
		if t.entry.Together && (o.status == report.StatusFailed || o.status == report.StatusRefused) {
			t.rollBack(i)
			return
		}
	}
}

// note puts the outcome of a step into the entry and its file.
func (t *tour) note(i int, o outcome) error {
	step := &t.entry.Steps[i]
	o.write(step)
	return t.writer.Status(i, o.status, step.SurvivesReboot)
}

// giveUp refuses the steps from i on: what cannot be written down is not done.
func (t *tour) giveUp(i int, err error) {
	t.interrupted = true
	err = errors.Join(errors.New("the journal could not be written"), err)
	for ; i < len(t.entry.Steps); i++ {
		outcome{report.StatusRefused, false, err}.write(&t.entry.Steps[i])
	}
}

// rollBack takes back the steps before the one that was not made, and that one if nobody knows. Whoever asked to stop gets it all the same.
func (t *tour) rollBack(last int) {
	ctx := context.WithoutCancel(t.ctx)
	t.entry.State = report.JournalRolledBack
	for i := len(t.entry.Steps) - 1; i >= 0; i-- {
		step := &t.entry.Steps[i]
		if i > last {
			outcome{report.StatusRefused, false, errors.New("not tried: an earlier step was not made")}.write(step)
			continue
		}
		if !journal.TakesBack(step) {
			continue
		}
		back := t.runner.Actors.undo(ctx, &step.Step)
		switch {
		case back.status == report.StatusFailed || back.status == report.StatusRefused:
			t.entry.State = report.JournalOpen
			t.interrupted = true
			back = outcome{report.StatusFailed, false, errors.Join(errors.New("could not be taken back"), back.err)}
		case i == last:
			continue // its own failure says more
		default:
			back = outcome{report.StatusRefused, true, errors.New("taken back: another step was not made")}
		}
		_ = t.note(i, back) // the entry is written as a whole at the end
	}
}
