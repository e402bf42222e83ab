package render

import (
	"github.com/closewait/closewait/internal/report"
)

// finding tells a finding in depth; one that only explains another is told in short.
func (v *view) finding(f *report.Finding) []line {
	on := finding{f, &v.page}
	if !v.About[f.ID] {
		return on.short()
	}
	lines := on.title()
	for _, part := range [][]line{on.claims(), on.choices(), on.futile(), on.mistake(), on.proofs()} {
		if len(part) > 0 {
			lines = join(append(lines, line{}), part)
		}
	}
	return lines
}

// claims are what is known, one thing a line.
func (f finding) claims() []line {
	var lines []line
	lines = join(lines, f.labelled("limit", f.limitReached(), 0))
	const most = 20
	for i := range f.Culprits {
		if i == most {
			lines = join(lines, f.labelled("", Thousands(len(f.Culprits)-most)+" more, with their pids in -o json", 0))
			break
		}
		lines = join(lines, f.labelled(first(i, "blame"), f.culprit(&f.Culprits[i]), 0))
	}
	lines = join(lines, f.labelled("victim", f.victims(), 0))
	if f.CausedBy != nil {
		lines = join(lines, f.labelled("cause", f.reference(*f.CausedBy)+" ("+f.page.text(*f.CausedBy)+")", 0))
	}
	if f.Feeds != nil {
		lines = join(lines, f.labelled("feeds", f.reference(*f.Feeds), 0))
	}
	for i, sentence := range f.Evidence {
		lines = join(lines, f.labelled(first(i, "why"), f.page.text(sentence), 0))
	}
	if len(f.Evidence) == 0 {
		lines = join(lines, f.labelled("why", meanings[f.Code], 0))
	}
	return join(lines, f.labelled("ends", f.ends(), 0))
}

// first is a label for the first line of a list only.
func first(i int, label string) string {
	if i > 0 {
		return ""
	}
	return label
}

func (f finding) victims() string {
	if f.Victims.Count == 0 {
		return ""
	}
	words := Thousands(f.Victims.Count) + " of " + Thousands(f.Count) + " only wait for that"
	if f.Victims.Listener != nil {
		words += ", on " + listener(*f.Victims.Listener)
	}
	return words
}

// choices are the remedies, each with what it does, whether it can be undone and what it risks.
func (f finding) choices() []line {
	var lines []line
	for i := range f.Remedies {
		r := &f.Remedies[i]
		lines = append(lines, f.pasted(first(i, "helps"), f.page.text(r.Command)))
		words := f.page.text(r.Effect)
		if !r.Undoable {
			words += "; cannot be undone"
		}
		if r.Risk != "" && r.Risk != "none" {
			words += "; risk: " + f.page.text(r.Risk)
		}
		lines = join(lines, f.below(words))
	}
	return lines
}

// futile is the advice that does not apply.
func (f finding) futile() []line {
	var lines []line
	for i, not := range f.NotRemedies {
		lines = join(lines, f.labelled(first(i, "not"), f.page.text(not.What)+": "+f.page.text(not.Why), 0))
	}
	return lines
}

// mistake is what is wrong in the program, and where to look for it.
func (f finding) mistake() []line {
	if f.Bug == nil {
		return nil
	}
	what := f.page.text(f.Bug.What)
	if f.Bug.Runtime != nil {
		what = "(" + f.page.text(*f.Bug.Runtime) + ") " + what
	}
	lines := f.labelled("bug", what, 0)
	for i := range f.Bug.Look {
		lines = join(lines, f.shown(first(i, "look"), &f.Bug.Look[i]))
	}
	return lines
}

// proofs are commands that show the figures again.
func (f finding) proofs() []line {
	var lines []line
	for i := range f.Verify {
		lines = join(lines, f.shown(first(i, "check"), &f.Verify[i]))
	}
	if where := f.query(); where != "" {
		lines = append(lines, f.pasted(first(len(f.Verify), "check"), "closewait ls "+where))
	}
	return lines
}

func (f finding) shown(label string, c *report.Command) []line {
	return join([]line{f.pasted(label, f.page.text(c.Command))}, f.below(f.page.text(c.Shows)))
}

// pasted is a command on a line of its own.
func (f finding) pasted(label, command string) line {
	if f.page.narrow() {
		return line{{pad(label, 2) + " ", faint}, {command, pasted}}
	}
	return line{{"   ", plain}, {pad(label, labelWidth-3), faint}, {command, pasted}}
}

// below is a sentence under a command.
func (f finding) below(words string) []line {
	indent := "            "
	if f.page.narrow() {
		indent = "    "
	}
	return f.page.hang(text(indent), words, 0)
}
