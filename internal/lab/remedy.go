package lab

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
	// taken is when the ends of the targets were foretold, began when the action was.
	taken, began time.Time
	at           report.Seconds // began, on the clock of the story
}

// How an action is watched: an end foretold within horizon is waited for, and what is to stay must still be there after calm.
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
	r.propose()
	r.began, r.at = time.Now(), r.since()
	if r.result.Refused == nil {
		r.apply()
	}
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

// foreseen is what "closewait when --if" says of a socket.
type foreseen struct {
	Cookie *string      `json:"cookie"`
	Timer  report.Timer `json:"timer"`
	Ends   report.Ends  `json:"ends"`
	EndsIf *report.Ends `json:"ends_if"`
}

// foresee learns when the targets end: as things are and, with a setting to be tried, with that. taken is when the kernel was asked.
func (r *remedy) foresee(trial string) (sockets map[tcp.Cookie]foreseen, taken time.Time) {
	args := []string{"when", r.stuck.Filter}
	if trial != "" {
		args = append(args, "--if", trial)
	}
	var answer struct {
		TakenAt time.Time  `json:"taken_at"`
		Sockets []foreseen `json:"sockets"`
	}
	asked := time.Now()
	r.must(r.run(&answer, args...))
	sockets = map[tcp.Cookie]foreseen{}
	for _, s := range answer.Sockets {
		sockets[cookie(s.Cookie)] = s
	}
	return sockets, asked.Add(answer.TakenAt.Sub(asked))
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

// promised notes what the plan promises of each target, and of all.
func (r *remedy) promised() {
	touched := r.touched()
	for i := range r.targets {
		t := &r.targets[i]
		then, there := r.before[t.key.Cookie]
		if !there {
			r.Lacks("a socket had ended before anything was done about it: this host is too busy")
		}
		step := touched[t.key.Cookie.String()]
		t.now = step != nil && step.Frees.Sockets > 0
		if t.ends = then.Ends; then.EndsIf != nil && r.result.Refused == nil && (step != nil || !r.action.filter) {
			t.ends = *then.EndsIf
		}
		if !r.watched && step != nil {
			r.Watch(t.key.Local, t.key.Peer)
		}
	}
	for i := range r.plan.Steps {
		r.result.Promised.FDs += r.plan.Steps[i].Frees.FDs
		r.result.Promised.AcceptQueuePlaces += r.plan.Steps[i].Frees.AcceptQueuePlaces
	}
}

// near reports whether the end of a target is foretold for so soon that it is waited for.
func (t *target) near() bool { return t.latest() < horizon }

// latest is when a target ends at the latest, a very long time where that is not known.
func (t *target) latest() time.Duration {
	if t.ends.Kind != "at" {
		return math.MaxInt64
	}
	return time.Duration(*t.ends.LatestSeconds)
}

// touched returns the steps of the plan by the cookies of their sockets.
func (r *remedy) touched() map[string]*report.Step {
	steps := map[string]*report.Step{}
	for i := range r.plan.Steps {
		if socket := r.plan.Steps[i].Detail.Socket; socket != nil {
			steps[socket.Cookie] = &r.plan.Steps[i]
		}
	}
	return steps
}

// apply makes the change that was planned.
func (r *remedy) apply() {
	flags := []string{"--yes"}
	for _, why := range r.plan.Refused {
		flags = append(flags, strings.Fields(why.AcceptWith)...)
	}
	var result report.Result
	r.must(r.run(&result, r.verb(flags...)...))
	if len(result.Steps) == 0 {
		r.must(errors.New("nothing was done"))
	}
	for i := range result.Steps {
		if s := &result.Steps[i]; s.Status == nil || !s.Verified {
			r.must(fmt.Errorf("a step is not verified: %s %s", s.Action, s.Target))
		}
	}
}

// refresh foretells the ends anew where a timer has fired between the plan and the action: that firing was yet to learn of it, as the plan says. Then it counts what is
// to end.
func (r *remedy) refresh() {
	now, taken := r.foresee("")
	fired := false
	for i := range r.targets {
		cookie := r.targets[i].key.Cookie
		s, there := now[cookie]
		fired = fired || there && s.fired(r.before[cookie], taken.Sub(r.taken))
	}
	if fired {
		r.Say("a timer fired meanwhile: the ends are foretold anew")
		r.taken = taken
	}
	for i := range r.targets {
		t := &r.targets[i]
		if s, there := now[t.key.Cookie]; there && fired {
			t.ends = s.Ends
		}
		if t.now || t.near() {
			r.result.Promised.Sockets++
		}
	}
}

// fired reports whether the timer of a socket has fired since it was looked at before: it is no longer due at the same moment.
func (s *foreseen) fired(before foreseen, since time.Duration) bool {
	const blur = 100 * time.Millisecond // less than any pause between two firings
	was, is := before.Timer.ExpiresSeconds, s.Timer.ExpiresSeconds
	if was == nil || is == nil || before.Timer.Kind != s.Timer.Kind || before.Timer.Count != s.Timer.Count {
		return before.Timer != s.Timer
	}
	return (time.Duration(*is) + since - time.Duration(*was)).Abs() > blur
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
		if r.result.EndedSeconds == nil || report.Seconds(t.ended) > *r.result.EndedSeconds {
			r.result.EndedSeconds = report.SecondsOf(t.ended)
		}
	case t.ends.Kind != "unknown" && !r.there(t.key):
		r.must(fmt.Errorf("a socket ended although it was to stay: %s", foretold(t.ends)))
	}
}

// punctual waits for an end that was foretold and holds it against the interval.
func (r *remedy) punctual(t *target) {
	earliest, latest := time.Duration(*t.ends.EarliestSeconds), time.Duration(*t.ends.LatestSeconds)
	before, after := r.gone(t.key, r.taken, latest+spare)
	t.ended, t.gone = after.Sub(r.began), true
	if after.Sub(r.taken) < earliest-slack || before.Sub(r.taken) > latest+slack {
		r.must(fmt.Errorf("a socket ended after %.3f s; %s", after.Sub(r.taken).Seconds(), foretold(t.ends)))
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
