package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// changeFlags are the flags of verbs that change something.
type changeFlags struct {
	yes, dryRun bool
	save        string
	max         int
	accept      []string
	confirm     time.Duration
}

// riskList is the flag --accept-risk.
type riskList []string

// String implements pflag.Value.
func (r *riskList) String() string { return strings.Join(*r, ",") }

// Type implements pflag.Value.
func (r *riskList) Type() string { return "risks" }

// Set implements pflag.Value.
func (r *riskList) Set(text string) error {
	names, err := plan.ParseRisks(text)
	*r = append(*r, names...)
	return err
}

// register defines the flags; those of the guard only for verbs that plan.
func (f *changeFlags) register(set *pflag.FlagSet, plans bool) {
	set.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	set.BoolVarP(&f.dryRun, "dry-run", "n", false, "stop after the plan")
	if plans {
		set.Var((*filled)(&f.save), "save", "write the plan for \"closewait apply\" and stop")
		set.Var((*riskList)(&f.accept), "accept-risk", "accept risks by name")
		set.Var(&interval{&f.confirm, time.Second}, "confirm-within", "undo by itself unless confirmed")
	}
}

// registerMax defines the limit of verbs that touch sockets.
func (f *changeFlags) registerMax(set *pflag.FlagSet) {
	f.max = 100
	set.Var((*count)(&f.max), "max", "touch at most so many sockets")
}

// guard is what the flags allow.
func (f *changeFlags) guard() plan.Guard { return plan.Guard{Max: f.max, Accept: f.accept} }

// planLife is how long a saved plan may be applied.
const planLife = time.Hour

// newChange begins a change with a header and an identifier.
func (a *app) newChange(r *change.Runner, action string) (*report.Change, error) {
	c := &report.Change{Header: r.Header}
	var err error
	if c.ID, err = r.Journal.NewID(); err != nil { // whether a name is taken does not show
		return nil, noJournal(err)
	}
	c.Kind, c.Action, c.CreatedAt, c.BootID = "Change", action, c.TakenAt, c.Host.BootID
	c.Risks, c.Refused, c.Steps, c.Groups = []string{}, []report.Refusal{}, []report.Step{}, []report.Group{}
	return c, nil
}

// carryOut takes a planned change as far as the flags and the user want it: shows it, saves it, or makes it and shows what became of it.
func (a *app) carryOut(ctx context.Context, c *report.Change, f *changeFlags) error {
	stop, err := a.offer(ctx, c, f)
	if err != nil || stop {
		return err
	}
	runner, done, err := a.actor()
	if err != nil {
		return err
	}
	defer done()
	var confirm *change.Confirmation
	if f.confirm > 0 {
		confirm = &change.Confirmation{Within: f.confirm, Schedule: func(id string, at time.Time) (how string, err error) {
			if how, err = a.cfg.Acting.Schedule(runner.Journal.State(), id, at); err == nil {
				a.note("unless confirmed, change %s is taken back at %s by %s", id, at.Format(time.RFC3339), how)
			}
			return how, err
		}}
	}
	result, err := runner.Apply(ctx, c, confirm)
	if errors.Is(err, context.Canceled) {
		a.note("interrupted: nothing was changed")
	}
	if err != nil {
		return changeError(c.ID, err)
	}
	return a.showResult(result)
}

// offer shows a plan and reports whether that is where it ends.
func (a *app) offer(ctx context.Context, c *report.Change, f *changeFlags) (stop bool, err error) {
	insist := plan.Insist(c.Refused)
	switch {
	case f.save != "":
		return true, a.savePlan(c, f.save)
	case f.dryRun || len(c.Refused) > 0:
		if len(c.Refused) > 0 {
			a.code = Refused
		}
		return true, a.showPlan(c, insist)
	case f.yes && (a.flags.json() || !a.tabular()):
		return false, nil // the result says all
	case a.flags.json():
		return true, notConfirmed()
	}
	if err := a.showPlan(c, insist); err != nil || f.yes {
		return false, err
	}
	return a.ask(ctx)
}

func (a *app) showPlan(c *report.Change, insist string) error {
	if a.flags.json() {
		return a.writeObject(c)
	}
	return render.Plan(a.out, c, insist, a.style())
}

func (a *app) showResult(r *report.Result) error {
	a.code, a.made = judgeResult(r), r.ID
	for _, missing := range r.Incomplete {
		a.note("%s", missing.Message)
	}
	if a.flags.json() {
		return a.writeObject(r)
	}
	return render.Outcome(a.out, r, a.style())
}

func notConfirmed() error {
	return &Error{Exit: Refused, Code: "not_confirmed", Message: "nothing was changed", Why: "nobody can be asked: this is no terminal, or the answer is for a program", Help: "--yes makes the change without asking, -n shows it"}
}

// ask waits for the user's word, which is no unless it is yes.
func (a *app) ask(ctx context.Context) (stop bool, err error) {
	if !a.cfg.InTerminal || !a.cfg.OutTerminal {
		return true, notConfirmed()
	}
	if err := a.out.Flush(); err != nil {
		return true, err
	}
	fmt.Fprint(a.cfg.Err, "Apply? [y/N] ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.cfg.In).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return true, ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return false, nil
		}
	}
	return true, &Error{Exit: Refused, Code: "not_confirmed", Message: "nothing was changed", Why: "the answer was not yes"}
}

// savePlan writes a plan for apply. What is refused now may be accepted there.
func (a *app) savePlan(c *report.Change, path string) error {
	c.ExpiresAt = new(c.CreatedAt.Add(planLife))
	hash, err := plan.Hash(c)
	if err != nil {
		return err
	}
	c.Hash = &hash
	if err := vacant(path, true); err != nil {
		return err
	}
	if err := writeFile(path, true, func(w io.Writer) error { return writeDocument(w, c) }); err != nil {
		return err
	}
	a.note("plan %s is in %s, good until %s: closewait apply %s", c.ID, path, c.ExpiresAt.Format(time.RFC3339), path)
	return nil
}
