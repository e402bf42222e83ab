package cli

import (
	"context"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// everything is the filter that says that every socket is meant.
const everything = "state all"

// targets looks for the sockets that an acting verb is to touch, in the order of lists.
func (a *app) targets(ctx context.Context, verb string, q Query) (*Answer, error) {
	q.Filter = strings.TrimSpace(q.Filter)
	switch {
	case q.Filter == "":
		return nil, usageError("closewait "+verb+" --help", "%s needs a FILTER that says which sockets; '%s' means every one", verb, everything)
	}
	q.Rows, q.Owners = true, true
	answer, err := a.look(ctx, q)
	if err != nil {
		return nil, err
	}
	a.judge(answer, false)
	if a.code == Incomplete {
		return nil, &Error{Exit: Incomplete, Message: "nothing was changed", Why: "not everything could be read, and --strict was given"}
	}
	if len(answer.Rows) == 0 {
		return nil, &Error{Exit: Refused, Code: "nothing_matched", Message: "nothing was changed", Why: "no socket matches '" + render.Clean(q.Filter) + "'", Help: "closewait ls '" + render.Clean(q.Filter) + "'"}
	}
	arrange(answer.Rows)
	return answer, nil
}

// propose makes a change of a draft, as far as the flags allow.
func (a *app) propose(ctx context.Context, action string, f *changeFlags, draft func() (*plan.Draft, error)) error {
	if err := a.acts(); err != nil {
		return err
	}
	d, err := draft()
	if err != nil {
		return err
	}
	c, err := a.newChange(a.planner(), action)
	if err != nil {
		return err
	}
	c.Steps, c.Groups = d.Steps, d.Groups
	f.guard().Judge(d, &c.ChangeHead, d.Sockets)
	return a.carryOut(ctx, c, f)
}

// own tells the user's own connection, where that can be known.
func (a *app) own() func(*look.Row) bool {
	if a.cfg.Acting == nil || a.cfg.Acting.Own == nil {
		return nil
	}
	return a.cfg.Acting.Own()
}

// unsupported is the error for what this kernel cannot do.
func unsupported(what, needs string, err error) error {
	return &Error{Exit: Unsupported, Message: "nothing was changed: " + what, Why: needs, Help: "closewait capabilities", Err: err}
}

// what an option needs of the kernel.
func optionNeeds(action string) string {
	if action == report.ActionRTOMax {
		return "TCP_RTO_MAX_MS came with Linux 6.15"
	}
	return "sockets of other processes are reached by pidfd_getfd, which came with Linux 5.6"
}
