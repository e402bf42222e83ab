package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) applyCommand() *cobra.Command {
	var f changeFlags
	cmd := &cobra.Command{
		Use:   "apply PLANFILE",
		Short: "make a change that was saved with --save",
		Example: `sudo closewait apply -n plan.json
sudo closewait apply plan.json`,
		Long: `The plan is refused when its hour has passed, when the host was started anew,
or when the file was edited. Each step is refused by itself when its target is
no longer what the plan had found.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("closewait apply --help", "apply needs the file that --save has written")
			}
			return a.apply(cmd.Context(), args[0], &f)
		},
	}
	f.register(cmd.Flags(), true)
	f.registerMax(cmd.Flags())
	_ = cmd.Flags().MarkHidden("save")
	return cmd
}

// apply makes a saved change.
func (a *app) apply(ctx context.Context, path string, f *changeFlags) error {
	runner := a.planner()
	c, err := readPlan(path)
	if err != nil {
		return err
	}
	if drift := drifted(c, runner.Header); drift != "" {
		return &Error{Exit: Refused, Code: "drift", Message: "plan " + c.ID + " is not applied", Why: drift, Help: "plan it again"}
	}
	if known, err := runner.Journal.Has(c.ID); known || err != nil { // nobody is asked about it
		return changeError(c.ID, cmp.Or(err, change.ErrKnown))
	}
	c.Refused = slices.DeleteFunc(c.Refused, func(r report.Refusal) bool { return f.overrules(c, r) })
	return a.carryOut(ctx, c, f)
}

// overrules reports whether the flags of apply accept what the plan was refused for.
func (f *changeFlags) overrules(c *report.Change, r report.Refusal) bool {
	for _, name := range f.accept {
		if r.AcceptWith == "--accept-risk="+name {
			return true
		}
	}
	return plan.MaxRefusal(r) && len(c.Steps) <= f.max
}

// maxPlan is more than a plan for all descriptors of a host takes, at half a kilobyte each.
const maxPlan = 1 << 30

// readPlan reads a plan and makes sure that it is as it was written.
func readPlan(path string) (*report.Change, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError("", "plan: %v", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxPlan))
	if err != nil {
		return nil, usageError("", "plan: %v", err)
	}
	return decodePlan(path, b)
}

func decodePlan(path string, b []byte) (*report.Change, error) {
	c := &report.Change{}
	if err := json.Unmarshal(b, c); err != nil || c.Schema != report.Schema || c.Kind != "Change" || c.Hash == nil || !journal.ValidID(c.ID) { // it becomes part of a path
		return nil, usageError("closewait apply --help", "%s is no plan that --save has written", path)
	}
	hash, err := plan.Hash(c)
	if err != nil || hash != *c.Hash {
		return nil, &Error{Exit: Refused, Code: "drift", Message: "plan " + path + " is not applied", Why: "it was edited since it was written", Help: "plan it again"}
	}
	return c, nil
}

// drifted says why a plan no longer fits this host, "" when it does.
func drifted(c *report.Change, here report.Header) string {
	switch {
	case c.Host.Name != here.Host.Name:
		return "it was made on another host, " + c.Host.Name
	case c.BootID != nil && here.Host.BootID != nil && *c.BootID != *here.Host.BootID:
		return "the host was started anew since"
	case c.ExpiresAt == nil || here.TakenAt.After(*c.ExpiresAt):
		return "it was only good for an hour"
	}
	return ""
}
