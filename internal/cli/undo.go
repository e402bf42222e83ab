package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) undoCommand() *cobra.Command {
	var f changeFlags
	var unlessConfirmed bool
	var at string
	cmd := &cobra.Command{
		Use:   "undo [ID]",
		Short: "take a change back, the last one without an ID",
		Example: `closewait changes
sudo closewait undo
sudo closewait undo 91d4 --yes`,
		Long: `Only what the change itself has set is put back. Where somebody else has
written in between the undo is refused. Sockets that were ended stay ended.`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			if at != "" {
				if err := a.waitUntil(cmd.Context(), at); err != nil {
					return err
				}
			}
			return a.undo(cmd.Context(), wantedID(args), unlessConfirmed, &f)
		},
	}
	f.register(cmd.Flags(), false)
	cmd.Flags().BoolVar(&unlessConfirmed, "unless-confirmed", false, "leave a confirmed change alone")
	cmd.Flags().StringVar(&at, "at", "", "wait until then")
	_ = cmd.Flags().MarkHidden("unless-confirmed")
	_ = cmd.Flags().MarkHidden("at")
	return cmd
}

// waitUntil waits for a moment. It asks the wall clock once: somebody may set that while a change waits to be confirmed. From then on a clock counts that nobody sets, again and again, because a host that
// slept may have passed the moment.
func (a *app) waitUntil(ctx context.Context, at string) error {
	moment, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return usageError("", "flag --at: %v", err)
	}
	end := upTime() + moment.Sub(a.cfg.Now())
	for {
		left := end - upTime()
		if left <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(left, 5*time.Second)):
		}
	}
}

// upTime is how long this host has been up, the time it slept included.
func upTime() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) // since 2.6.39
	return time.Duration(now.Nano())
}

// undo takes a change back.
func (a *app) undo(ctx context.Context, id string, unlessConfirmed bool, f *changeFlags) error {
	runner, done, err := a.keeper()
	if err != nil {
		return err
	}
	defer done()
	if id == "" {
		if id, err = lastToUndo(runner); err != nil {
			return err
		}
	}
	c, undone, err := runner.PlanUndo(id)
	if err != nil {
		return changeError(id, err)
	}
	c.Groups = undoGroups(c, undone)
	stop, err := a.offer(ctx, c, f)
	if err != nil || stop {
		return err
	}
	result, err := runner.Undo(ctx, c, id, unlessConfirmed)
	if err != nil {
		return changeError(id, err)
	}
	return a.showResult(result)
}

// lastToUndo returns the latest change that can be taken back.
func lastToUndo(r *change.Runner) (string, error) {
	heads, err := r.Journal.Heads()
	for i := range heads {
		if heads[i].Undoes != nil {
			continue
		}
		if _, _, err := r.PlanUndo(heads[i].ID); err == nil {
			return heads[i].ID, nil
		}
	}
	return "", &Error{Exit: Refused, Code: "nothing_to_do", Message: "there is no change that could be taken back", Help: "closewait changes", Err: err}
}

// shownUndo is how many steps of an undo are shown one by one.
const shownUndo = 10

// undoGroups shows what an undo would do.
func undoGroups(c *report.Change, undone *report.Journal) []report.Group {
	var groups []report.Group
	for i := range c.Steps {
		s := &c.Steps[i]
		if i == shownUndo {
			rest := len(c.Steps) - shownUndo
			groups = append(groups, report.Group{Sign: "~", Title: summaryMore(rest), Steps: rest, Undoable: true, Lines: []report.Line{}})
			break
		}
		groups = append(groups, report.Group{Sign: "~", Title: s.Target + "  " + s.Show(s.Before) + " → " + s.Show(s.After), Steps: 1, Undoable: true, Lines: []report.Line{}})
	}
	if len(groups) > 0 {
		groups[0].Lines = []report.Line{{Label: "change", Text: undone.ID + " of " + undone.StartedAt.UTC().Format("2006-01-02 15:04:05") + "Z, " + stateWords(undone)}}
	}
	return groups
}
