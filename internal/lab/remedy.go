package lab

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
)

// remedy is an action against the stuck sockets of a scene.
type remedy struct {
	*Play
	action  action
	stuck   Stuck
	targets []target
	result  report.LabRemedy
	plan    *report.Change
	before  map[tcp.Cookie]foreseen // when the plan was made
	// taken is when that was, began when the action did, done when it was made.
	taken, began, done time.Time
}

// How an action is watched: an end that may come within horizon is waited for, and what is to stay must still be there after calm.
const (
	horizon = 8 * time.Second
	calm    = time.Second
)

// take plans the action, takes it, and holds what the plan promised against what the kernel shows.
func (r *remedy) take() {
	if len(r.targets) > 0 {
		r.result.State = r.targets[0].key.State.String()
	}
	r.result.Filter, r.result.Sockets = r.stuck.Filter, len(r.targets)
	r.result.Command = strings.Join(r.action.command, " ")
	r.Play.result.Remedy = &r.result
	fds, places := r.descriptors(r.stuck.Holder), r.queued()
	r.settle()
	r.propose()
	r.began, r.result.AtSeconds = time.Now(), r.since()
	if r.result.Refused == nil {
		r.apply()
	}
	r.done = time.Now()
	r.refresh()
	r.watchTargets()
	r.result.Freed.AcceptQueuePlaces = places - r.queued()
	r.freedDescriptors(fds)
	r.witnesses()
	r.conclude()
}

// run runs a verb of closewait on the scene's network and reads the document it answers with, if it does.
func (r *remedy) run(document any, args ...string) error {
	args = append([]string{"-o", "json", "--netns", r.near.Path()}, args...)
	out, err := r.verbs.Run(r.ctx, r.Settings.state, args...)
	if len(out) == 0 {
		return err
	}
	r.must(json.Unmarshal(out, document))
	return err
}

// verb is the command with its filter and further flags.
func (r *remedy) verb(flags ...string) []string {
	args := slices.Clone(r.action.command)
	if r.action.filter {
		args = append(args, r.stuck.Filter)
	}
	return append(args, flags...)
}

// propose asks for the plan. Refused is one that no accepted risk would let pass.
func (r *remedy) propose() {
	r.before, r.taken = r.foresee(r.action.trial)
	r.plan = &report.Change{}
	if err := r.run(r.plan, r.verb("-n")...); r.plan.Kind == "" {
		r.result.Refused = new(err.Error()) // no socket was found
	}
	for _, why := range r.plan.Refused {
		if why.AcceptWith == "" {
			r.result.Refused = new(why.Why)
		}
	}
	r.promised()
	r.Say("closewait %s", strings.Join(quoted(r.verb()), " "))
	r.tellPlan()
}

// apply makes the change that was planned.
func (r *remedy) apply() {
	flags := []string{"--yes"}
	for _, why := range r.plan.Refused {
		flags = append(flags, strings.Fields(why.AcceptWith)...)
	}
	var result report.Result
	err := r.run(&result, r.verb(flags...)...)
	failed := func(s report.StepResult) bool { return s.Status != nil && *s.Status == report.StatusFailed }
	if slices.Contains(r.plan.Risks, report.RiskOrphanBug) && slices.ContainsFunc(result.Steps, failed) {
		r.Lacks("this kernel keeps orphans that are destroyed, as the plan warns: it lacks the fix of Linux 6.11")
	}
	if slices.ContainsFunc(result.Steps, func(s report.StepResult) bool { return s.Status != nil && *s.Status == report.StatusGone }) || err != nil && !r.allThere() {
		r.tooLate()
	}
	r.must(err)
	if len(result.Steps) == 0 {
		r.must(errors.New("nothing was done"))
	}
	for i := range result.Steps {
		if s := &result.Steps[i]; s.Status == nil || !s.Verified {
			r.must(fmt.Errorf("a step is not verified: %s %s", s.Action, s.Target))
		}
	}
}

// allThere reports whether none of the targets has ended.
func (r *remedy) allThere() bool {
	return !slices.ContainsFunc(r.targets, func(t target) bool { return !r.there(t.key) })
}

// tooLate ends the play because a target ended by itself before something could be done about it.
func (r *remedy) tooLate() {
	r.Lacks("a socket had ended by itself before anything was done about it: this host is too busy")
}

// watchTargets waits for the ends that are near and makes sure that what is to stay is there a while later.
func (r *remedy) watchTargets() {
	slices.SortFunc(r.targets, func(a, b target) int { return cmp.Compare(a.latest(), b.latest()) })
	for i := range r.targets {
		switch t := &r.targets[i]; {
		case t.now:
			_, after := r.gone(t.key, r.began, stage.Patience)
			t.ended, t.gone = after.Sub(r.began), true
		case t.near():
			r.punctual(t)
		}
	}
	if r.result.Promised.Sockets == 0 {
		r.wait(calm)
	}
	for i := range r.targets {
		r.account(&r.targets[i])
	}
}

// account makes sure of a target that is to stay, and counts one that has ended.
func (r *remedy) account(t *target) {
	if !t.now && r.result.Ends == nil {
		r.result.Ends = &t.ends
	}
	switch {
	case t.gone:
		r.result.Freed.Sockets++
		if t.itself {
			r.result.ByThemselves++
		}
		if r.result.EndedSeconds == nil || report.Seconds(t.ended) > *r.result.EndedSeconds {
			r.result.EndedSeconds = report.SecondsOf(t.ended)
		}
	case t.ends.Kind != "unknown" && !t.due() && !r.there(t.key):
		r.must(fmt.Errorf("a socket ended although it was to stay: %s", foretold(t.ends)))
	}
}

// punctual waits for an end that was foretold and holds it against the interval.
func (r *remedy) punctual(t *target) {
	earliest, latest := time.Duration(*t.ends.EarliestSeconds), time.Duration(*t.ends.LatestSeconds)
	before, after := r.gone(t.key, t.taken, latest+spare)
	t.ended, t.gone = after.Sub(r.began), true
	if after.Sub(t.taken) < earliest-slack || before.Sub(t.taken) > latest+slack {
		r.must(fmt.Errorf("a socket ended after %.3f s; %s", after.Sub(t.taken).Seconds(), foretold(t.ends)))
	}
}

// freedDescriptors counts what became of the descriptors. A program that closes when a call fails gives back more than was promised, in its own time.
func (r *remedy) freedDescriptors(before int) {
	if r.stuck.Closes && r.result.Freed.Sockets > 0 {
		r.eventually(patience, 5*time.Millisecond, func() (bool, string) {
			return before-r.descriptors(r.stuck.Holder) >= r.result.Freed.Sockets, "the program to close what has ended"
		})
	}
	r.result.Freed.FDs = before - r.descriptors(r.stuck.Holder)
}
