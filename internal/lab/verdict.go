package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// Expected is what the diagnosis must say of a scene. Zero fields are not asked for.
type Expected struct {
	Code  string
	Count int
	// Holder is who must stand among the finding's processes, What how a culprit is stuck, Culprit who that must be.
	Holder  *Process
	What    string
	Culprit *Process
	// Ends is the kind of the group's end: "never", "at", "unknown".
	Ends string
}

// How long a verdict may take to come, and how often it is asked for. A connection whose peer has closed is nobody's fault for its first five seconds.
const (
	patience = 30 * time.Second
	interval = 500 * time.Millisecond
)

// Expect looks again and again until the diagnosis says what it must, with nothing else above info.
func (p *Play) Expect(want Expected) *report.Finding {
	var found *report.Finding
	var last *report.Report
	defer func() {
		if found == nil && last != nil { // p.eventually is about to end the play
			p.verdict(want.Code, last, false, "not what the scene is: "+evidence(last))
		}
	}()
	p.eventually(patience, interval, func() (bool, string) {
		last = p.report()
		var why string
		found, why = match(last, want)
		return found != nil, fmt.Sprintf("%s; the diagnosis says %s", why, summary(last))
	})
	text := found.Code + " " + found.Cause
	if len(found.Evidence) > 0 {
		text += ": " + found.Evidence[0]
	}
	p.verdict(want.Code, last, true, text)
	return found
}

// Silent looks again and again for a while, in which nothing above info may be found.
func (p *Play) Silent(during time.Duration) {
	for deadline := time.Now().Add(during); ; p.wait(interval) {
		r := p.report()
		if loud := alarms(r); len(loud) > 0 {
			p.verdict("", r, false, "a false alarm: "+summary(r))
			p.must(fmt.Errorf("a false alarm: %s", summary(r)))
		}
		if time.Now().After(deadline) {
			p.verdict("", r, true, fmt.Sprintf("nothing above info in %v of looking", during))
			return
		}
	}
}

func (p *Play) report() *report.Report {
	r, _, err := p.look(p.ctx, p.near.Path(), "")
	p.must(err)
	return r
}

func (p *Play) verdict(expected string, r *report.Report, right bool, text string) {
	v := report.LabVerdict{AtSeconds: p.since(), Expected: expected, Found: codes(r.Findings), Right: right, Text: text}
	p.result.Verdicts = append(p.result.Verdicts, v)
	p.event(report.LabEvent{AtSeconds: v.AtSeconds, Kind: "verdict", Text: text})
}

func codes(findings []report.Finding) []string {
	list := []string{}
	for i := range findings {
		list = append(list, findings[i].Code)
	}
	return list
}

// alarms are the findings above info.
func alarms(r *report.Report) []report.Finding {
	var loud []report.Finding
	for i := range r.Findings {
		if r.Findings[i].Severity != report.SeverityInfo {
			loud = append(loud, r.Findings[i])
		}
	}
	return loud
}

func summary(r *report.Report) string {
	if len(r.Findings) == 0 {
		return "nothing"
	}
	var parts []string
	for i := range r.Findings {
		f := &r.Findings[i]
		text := fmt.Sprintf("%s %s (%s, %d)", f.Code, f.Cause, f.Severity, f.Count)
		for _, c := range f.Culprits {
			text += " " + c.What
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// evidence is all that the findings rest on: what whoever has to find the mistake wants to know.
func evidence(r *report.Report) string {
	var parts []string
	for i := range r.Findings {
		parts = append(parts, r.Findings[i].Code+": "+strings.Join(r.Findings[i].Evidence, "; "))
	}
	return strings.Join(parts, ". ")
}

// match returns the finding that is as wanted, or what is not.
func match(r *report.Report, want Expected) (*report.Finding, string) {
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Code == want.Code })
	if i < 0 {
		return nil, "a finding " + want.Code
	}
	f := &r.Findings[i]
	for _, loud := range alarms(r) {
		if loud.Code != want.Code && loud.CausedBy == nil && f.CausedBy == nil {
			return nil, want.Code + " alone"
		}
	}
	switch {
	case want.Count > 0 && f.Count != want.Count:
		return nil, fmt.Sprintf("%d sockets explained, not %d", want.Count, f.Count)
	case want.Holder != nil && !slices.ContainsFunc(f.Processes, func(h report.Process) bool { return h.PID == want.Holder.PID }):
		return nil, fmt.Sprintf("pid %d among the processes of the finding", want.Holder.PID)
	case want.Ends != "" && f.Ends.Kind != want.Ends:
		return nil, fmt.Sprintf("ends %s, not %s", want.Ends, f.Ends.Kind)
	case !blames(f.Culprits, want):
		return nil, "a culprit that is " + want.What
	}
	return f, ""
}

func blames(culprits []report.Culprit, want Expected) bool {
	if want.What == "" && want.Culprit == nil {
		return true
	}
	return slices.ContainsFunc(culprits, func(c report.Culprit) bool {
		return (want.What == "" || c.What == want.What) && (want.Culprit == nil || c.PID != nil && *c.PID == want.Culprit.PID)
	})
}
