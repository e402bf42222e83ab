package lab

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

// planned returns what the plan says under a label, of its first group that says anything.
func (r *remedy) planned(label string) string {
	for i := range r.plan.Groups {
		for _, line := range r.plan.Groups[i].Lines {
			if line.Label == label {
				return line.Text
			}
		}
	}
	return ""
}

// tellPlan narrates what the plan promises.
func (r *remedy) tellPlan() {
	tell := func(text string) { r.event(report.LabEvent{AtSeconds: r.since(), Kind: "forecast", Text: text}) }
	if r.result.Refused != nil {
		tell("plan: " + *r.result.Refused)
		return
	}
	for _, label := range []string{"effect", "now", "when", "frees", "not", "app", "peer"} {
		if text := r.planned(label); text != "" {
			tell(fmt.Sprintf("%-6s %s", label, text))
		}
	}
}

// quoted puts what a shell would split between quotes.
func quoted(args []string) []string {
	for i, arg := range args {
		if strings.ContainsAny(arg, " >:") {
			args[i] = "'" + arg + "'"
		}
	}
	return args
}

// witnesses asks the program and the wire what they saw.
func (r *remedy) witnesses() {
	if r.stuck.Told != nil && r.result.Freed.Sockets == len(r.targets) {
		r.result.Owner = new(r.stuck.Told())
	}
	if r.watch == nil || len(r.targets) == 0 {
		return
	}
	want := r.reset()
	for deadline := time.Now().Add(stage.Patience); ; r.wait(glance) { // the eye tells a moment later
		sent := r.sent()
		r.Play.result.Remedy.Sent = &sent
		if !want || sent == "reset" || time.Now().After(deadline) {
			return
		}
	}
}

// reset reports whether the plan promises that the peer is sent a reset, which is seen where something reaches the wire.
func (r *remedy) reset() bool {
	return r.action.name == report.ActionDestroy && r.result.Refused == nil && !r.stuck.Mute && strings.HasPrefix(r.planned("peer"), "a reset")
}

// sent is what the wire showed of the socket under watch since the action began.
func (r *remedy) sent() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := "nothing"
	for i := range r.Play.result.Story {
		switch e := &r.Play.result.Story[i]; {
		case e.Segment == nil || !e.Segment.Sent || e.AtSeconds < r.result.AtSeconds:
		case e.Segment.What == "reset":
			return "reset"
		case e.Segment.What == "fin" && e.Segment.Repeat == 0:
			sent = "fin"
		}
	}
	return sent
}

// conclude holds what was promised against what was seen.
func (r *remedy) conclude() {
	got, promised := r.result.Freed, r.result.Promised
	text := fmt.Sprintf("%d of %d sockets ended, %d descriptors and %d places in accept queues freed", got.Sockets, len(r.targets), got.FDs, got.AcceptQueuePlaces)
	if r.result.EndedSeconds != nil {
		text += fmt.Sprintf("; the last socket after %.3f s", time.Duration(*r.result.EndedSeconds).Seconds())
	}
	if r.result.Owner != nil {
		text += "; the program got " + *r.result.Owner
	}
	if r.result.Sent != nil {
		text += "; the peer was sent: " + *r.result.Sent
	}
	r.event(report.LabEvent{AtSeconds: r.since(), Kind: "freed", Text: text})
	switch {
	case got.Sockets != promised.Sockets, got.AcceptQueuePlaces != promised.AcceptQueuePlaces, got.FDs != promised.FDs && (!r.stuck.Closes || got.FDs < promised.FDs):
		r.must(fmt.Errorf("promised were %d sockets, %d descriptors, %d places: %s", promised.Sockets, promised.FDs, promised.AcceptQueuePlaces, text))
	case r.result.Owner != nil && !r.announced(*r.result.Owner):
		r.must(fmt.Errorf("the program got %s, which the plan does not say", *r.result.Owner))
	case r.result.Sent != nil && r.action.name == report.ActionDestroy && r.result.Refused == nil && !r.stuck.Mute && (*r.result.Sent == "reset") != r.reset():
		r.must(errors.New("the plan says that the peer gets " + r.planned("peer") + ", and it was sent: " + *r.result.Sent))
	}
	r.result.Right = true
}

// announced reports whether the plan told of the error that the program got.
func (r *remedy) announced(got string) bool {
	switch {
	case r.action.trial != "" || !r.targets[0].now:
		promised := r.targets[0].ends.Error
		return promised == nil || *promised == got // which error it will be need not be known: of a packet that this host does not let out it depends on what stops it
	case got == "none":
		return strings.Contains(r.planned("app"), "no error is recorded")
	}
	return strings.Contains(r.planned("app"), got)
}
