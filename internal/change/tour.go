package change

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	// planned is when the targets were read for the plan, zero for an undo.
	planned time.Time
	// missed counts steps that could not be taken back.
	missed int
}

// apply makes the steps in their order; those that outlive a reboot wait for a confirmation. When the steps belong together, the first one that is not made takes
// the others back.
func (t *tour) apply(unconfirmed bool) {
	for i := 0; i < len(t.entry.Steps); {
		step := &t.entry.Steps[i]
		if unconfirmed && step.SurvivesReboot {
			i++
			continue
		}
		outcomes := t.make(i)
		err := t.note(i, outcomes...)
		if i += len(outcomes); err != nil {
			t.giveUp(i, err)
			if t.entry.Together {
				t.rollBack(i - 1)
			}
			return
		}
		if status := *step.Status; t.entry.Together && (status == report.StatusFailed || status == report.StatusRefused) {
			t.rollBack(i - 1)
			return
		}
	}
}

// make makes the step at i, or several from there on when they can be made at once and do not belong together.
func (t *tour) make(i int) []outcome {
	first := &t.entry.Steps[i].Step
	ctx := context.WithoutCancel(t.ctx) // what was begun is brought to its end
	c, isCrew := t.runner.Actors[first.Action].(crew)
	switch {
	case t.ctx.Err() != nil:
		return []outcome{{report.StatusRefused, false, t.ctx.Err()}}
	case !isCrew || t.entry.Together || first.Netns == nil:
		return []outcome{t.runner.Actors.apply(ctx, first)}
	}
	var steps []*report.Step
	for ; i < len(t.entry.Steps) && len(steps) < atOnce; i++ {
		s := &t.entry.Steps[i].Step
		if s.Action != first.Action || s.Netns == nil || s.Netns.Inode != first.Netns.Inode {
			break
		}
		steps = append(steps, s)
	}
	return applyEach(ctx, c, steps, t.runner.Now().Sub(t.planned) < fresh)
}

const (
	// atOnce is how many steps of a crew are made before the journal is told: of so many nobody knows whether they were made when this process is killed.
	atOnce = 16 << 10
	// fresh is for how long what the plan has read holds without being read again, for targets that no other can be taken for.
	fresh = time.Second
)

// note puts the outcomes of the steps from i on into the entry and its file.
func (t *tour) note(i int, outcomes ...outcome) error {
	survives := false
	for k, o := range outcomes {
		step := &t.entry.Steps[i+k]
		o.write(step)
		survives = survives || step.SurvivesReboot
	}
	return t.writer.Status(i, t.entry.Steps[i:i+len(outcomes)], survives)
}

// giveUp refuses the steps from i on: what cannot be written down is not done.
func (t *tour) giveUp(i int, err error) {
	t.interrupted = i < len(t.entry.Steps)
	err = fmt.Errorf("the journal could not be written: %w", err)
	for ; i < len(t.entry.Steps); i++ {
		outcome{report.StatusRefused, false, err}.write(&t.entry.Steps[i])
	}
}

// rollBack takes back the steps up to the last one, which was not made, of which nobody knows, or which could not be written down. Whoever asked to stop gets it all the same.
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
		case *step.Status != report.StatusDone:
			continue // its own failure says more
		default:
			back = outcome{report.StatusRefused, true, errors.New("taken back: another step was not made")}
		}
		_ = t.note(i, back) // the entry is written as a whole at the end
	}
}
