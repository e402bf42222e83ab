package lab

import (
	"math"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

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

// promised notes what the plan promises of each target, and of all.
func (r *remedy) promised() {
	touched := r.touched()
	for i := range r.targets {
		t := &r.targets[i]
		then, there := r.before[t.key.Cookie]
		if !there {
			r.tooLate()
		}
		t.taken = r.taken
		step := touched[t.key.Cookie.String()]
		t.now = step != nil && step.Frees.Sockets > 0
		t.ends, t.itself = then.Ends, !t.now
		if then.EndsIf != nil && r.result.Refused == nil && (step != nil || !r.action.filter) {
			t.ends, t.itself = *then.EndsIf, sameEnd(&then.Ends, then.EndsIf)
		}
	}
	for i := range r.plan.Steps {
		r.result.Promised.FDs += r.plan.Steps[i].Frees.FDs
		r.result.Promised.AcceptQueuePlaces += r.plan.Steps[i].Frees.AcceptQueuePlaces
	}
}

// sameEnd reports whether two forecasts of one look speak of one firing.
func sameEnd(a, b *report.Ends) bool {
	return a.Kind == b.Kind && (a.Seconds == b.Seconds || a.Seconds != nil && b.Seconds != nil && *a.Seconds == *b.Seconds)
}

// near reports whether the end of a target is foretold for so soon that it is waited for.
func (t *target) near() bool {
	return t.ends.Kind == "at" && time.Duration(*t.ends.EarliestSeconds) < horizon
}

// due reports whether a target may have ended by now.
func (t *target) due() bool {
	return t.ends.Kind == "at" && time.Since(t.taken) >= time.Duration(*t.ends.EarliestSeconds)-slack
}

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

// How long the timers of the targets must still run when an action is planned, so that none fires before it has been made: some times as long as a look takes here and now, and no longer
// than the pauses that can be waited for.
const (
	rehearsals          = 6
	leastRest, mostRest = time.Second, 2500 * time.Millisecond
	settling            = 20 * time.Second
	lateness            = 10 * time.Millisecond // of a firing, and of the answer to a probe
)

// settle waits for a moment at which no timer of the targets is about to fire, as a rule that after a firing, so that the plan can be held to its own promise: a firing between the plan
// and the action would be one that has not heard of it. Where none comes, or too little of a socket's life would be left, the action is taken at once.
func (r *remedy) settle() {
	if r.action.trial == "" {
		return // its promise is of the moment it is made, or depends on no firing
	}
	for deadline := time.Now().Add(settling); time.Now().Before(deadline); {
		asked := time.Now()
		sockets, taken := r.foresee("")
		need := min(max(rehearsals*time.Since(asked), leastRest), mostRest)
		next := firing(sockets)
		rest := next - time.Since(taken)
		if rest >= need || end(sockets)-next < need {
			return
		}
		r.wait(max(rest, 0) + lateness)
	}
}

// firing returns when the next write timer fires, a very long time where there is none.
func firing(sockets map[tcp.Cookie]foreseen) time.Duration {
	next := time.Duration(math.MaxInt64)
	for _, s := range sockets {
		if due, ok := s.fires(); ok {
			next = min(next, due)
		}
	}
	return next
}

// end returns when the first of the sockets may end, a very long time where none does.
func end(sockets map[tcp.Cookie]foreseen) time.Duration {
	first := time.Duration(math.MaxInt64)
	for _, s := range sockets {
		if s.Ends.Kind == "at" {
			first = min(first, time.Duration(*s.Ends.EarliestSeconds))
		}
	}
	return first
}

// fires returns when the timer of a socket fires that asks for the limits each time it does, and starts again.
func (s *foreseen) fires() (due time.Duration, ok bool) {
	ok = s.Timer.ExpiresSeconds != nil && (s.Timer.Kind == "retransmit" || s.Timer.Kind == "persist")
	if ok {
		due = time.Duration(*s.Timer.ExpiresSeconds)
	}
	return due, ok
}

// refresh foretells the ends anew where a timer was due between the plan and the end of the action, for that firing may not have heard of it, as the plan says. Then it counts what is to end.
func (r *remedy) refresh() {
	if r.action.trial != "" && r.result.Refused == nil && r.overtaken() {
		now, taken := r.foresee("")
		for i := range r.targets {
			t := &r.targets[i]
			// What ended while it was looked at was foretold without its options.
			if s, there := now[t.key.Cookie]; there && r.there(t.key) {
				t.ends, t.taken = s.Ends, taken
				r.result.ForetoldAnew = true
			}
		}
	}
	if r.result.ForetoldAnew {
		r.Say("a timer fired between the plan and the action: the ends are foretold anew")
	}
	for i := range r.targets {
		if t := &r.targets[i]; t.now || t.near() {
			r.result.Promised.Sockets++
		}
	}
}

// overtaken reports whether a timer of a target was due before the action had been made.
func (r *remedy) overtaken() bool {
	return firing(r.before)-lateness < r.done.Sub(r.taken)
}
