package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
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
		Args: atMostOne,
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
	c, err := given(ctx, a, path, func() (*report.Change, error) { return readPlan(path) })
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

// maxPlan is what a plan for a million descriptors takes, at half a kilobyte each.
const maxPlan = 512 << 20

// readPlan reads a plan and makes sure that it is as it was written.
func readPlan(path string) (*report.Change, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError("", "plan: %v", err)
	}
	defer file.Close()
	return decodePlan(path, io.LimitReader(file, maxPlan))
}

func decodePlan(path string, in io.Reader) (*report.Change, error) {
	c := &report.Change{}
	err := oneDocument(in, c)
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return nil, usageError("", "plan: %v", err)
	}
	if err != nil || c.Schema != report.Schema || c.Kind != "Change" || c.Hash == nil || !journal.ValidID(c.ID) { // it becomes part of a path
		return nil, usageError("closewait apply --help", "%s is no plan that --save has written", path)
	}
	hash, err := plan.Hash(c)
	if err != nil || hash != *c.Hash {
		return nil, &Error{Exit: Refused, Code: "drift", Message: "plan " + path + " is not applied", Why: "it was edited since it was written", Help: "plan it again"}
	}
	return c, nil
}

// oneDocument reads a document that nothing follows, and of anything else no more than up to what is wrong with it.
func oneDocument(in io.Reader, to any) error {
	dec := json.NewDecoder(in)
	if err := dec.Decode(to); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
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
