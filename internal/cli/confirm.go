package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/journal"
)

func (a *app) confirmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm [ID]",
		Short: "keep a change that would take itself back",
		Example: `sudo closewait confirm
sudo closewait confirm 91d4`,
		Long: `What such a change would write for the next boot is written now. A change that
was interrupted is kept as it is. Without an ID: the one that waits.`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error { return a.confirm(cmd.Context(), wantedID(args)) },
	}
}

func (a *app) confirm(ctx context.Context, id string) error {
	runner, done, err := a.keeper()
	if err != nil {
		return err
	}
	defer done()
	if id == "" {
		if id, err = onlyPending(runner.Journal); err != nil {
			return err
		}
	}
	result, err := runner.Confirm(ctx, id)
	if err != nil {
		return changeError(id, err)
	}
	return a.showResult(result)
}

// onlyPending returns the one change that waits.
func onlyPending(dir journal.Dir) (string, error) {
	pending, err := dir.Pending()
	if len(pending) == 1 {
		return pending[0].ID, nil
	}
	e := &Error{Exit: Refused, Code: "nothing_to_do", Message: "no change waits to be confirmed", Help: "closewait changes", Err: err}
	if len(pending) > 1 {
		e.Message, e.Help = "several changes wait to be confirmed", "name one: closewait changes"
	}
	return "", e
}
