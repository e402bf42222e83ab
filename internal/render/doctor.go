package render

import (
	"io"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// Doctor writes what came of each check: findings with their evidence, then what is in order, then what was not checked and why.
func Doctor(w io.Writer, r *report.Report, s Style) error {
	if s.Now.IsZero() {
		s.Now = r.TakenAt
	}
	p := &page{Style: s, report: r}
	lines := p.header()
	for _, part := range []struct{ title, from, to string }{
		{"Sockets", "CW1", "CW3"}, {"Settings", "CW3", "CW4"}, {"Limits", "CW4", "CW5"}, {"This tool", "CW5", "CW6"},
	} {
		lines = join(lines, section(part.title, p.part(part.from, part.to)))
	}
	return s.write(w, join(append(lines, line{}), p.sum()))
}

// part is the checks whose codes lie between two.
func (p *page) part(from, to string) []line {
	var lines []line
	for i := range p.report.Findings {
		if f := &p.report.Findings[i]; f.Code >= from && f.Code < to {
			lines = join(lines, finding{f, p}.checked())
		}
	}
	var fine, skipped []line
	var names []string
	reasons := map[string][]string{}
	var order []string
	for i := range p.report.Checks {
		c := &p.report.Checks[i]
		name := p.text(c.Code + "/" + report.CauseOf(c.Code)) // one word: lines do not break in it
		switch {
		case c.Code < from || c.Code >= to:
		case c.Status == report.CheckFinding && c.Reason != "": // a note on what could not be read
			lines = join(lines, p.check(p.glyphs().dot, plain, name, p.text(c.Reason)))
		case c.Status == report.CheckOK && (p.Verbose || c.Reason != ""):
			fine = join(fine, p.check(p.glyphs().check, good, name, p.text(c.Reason)))
		case c.Status == report.CheckOK:
			names = append(names, name)
		case c.Status == report.CheckSkipped:
			if reasons[c.Reason] == nil {
				order = append(order, c.Reason)
			}
			reasons[c.Reason] = append(reasons[c.Reason], p.text(c.Code))
		}
	}
	if len(names) > 0 {
		fine = join(p.check(p.glyphs().check, good, strings.Join(names, ", "), ""), fine)
	}
	for _, reason := range order {
		skipped = join(skipped, p.check("-", faint, strings.Join(reasons[reason], ", "), "not checked: "+p.text(reason)))
	}
	return join(lines, join(fine, skipped))
}

// check is a line about a check without a finding.
func (p *page) check(sign string, r role, name, reason string) []line {
	if reason != "" {
		name += ": " + reason
	}
	return p.hang(line{{"  ", plain}, {sign + " ", r}}, name, 0)
}

// checked is a finding among the checks: what happens, the evidence of those about the host, and where more is said.
func (f finding) checked() []line {
	sign, _, r := f.severity()
	p := f.page
	words := f.headline()
	if f.CausedBy != nil {
		words += ", a consequence of " + f.reference(*f.CausedBy)
	}
	lines := p.hang(line{{"  ", plain}, {sign + " ", r}, {p.text(f.Code), reference}, {"  ", plain}}, words, 0)
	indent := text(strings.Repeat(" ", 11))
	if p.narrow() {
		indent = text("    ")
	}
	for i, sentence := range f.Evidence {
		if !f.aboutSettings() || i == mostEvidence && !p.Verbose {
			break
		}
		lines = join(lines, p.hang(indent, p.text(sentence), 0))
	}
	if more := len(f.Evidence) - mostEvidence; f.aboutSettings() && more > 0 && !p.Verbose {
		lines = append(lines, text(indent.String()+Thousands(more)+" more: closewait doctor -v"))
	}
	if reach := f.limitReached(); reach != "" {
		lines = join(lines, p.hang(indent, reach, 0))
	}
	next := f.show()
	if f.aboutSettings() && shellSafe(f.Code) {
		next = "closewait explain " + f.Code
	}
	if next == "" {
		return lines
	}
	return append(lines, text(indent.String()+p.glyphs().arrow+" "+next))
}

// mostEvidence is how many sentences about settings are shown unless all are wanted.
const mostEvidence = 4

// aboutSettings reports whether a finding is about settings or limits of the host, whose evidence is all there is.
func (f finding) aboutSettings() bool { return f.Code >= "CW3" && f.Code != "CW401" }

// sum counts the findings by severity, and the checks that were not made.
func (p *page) sum() []line {
	var critical, warning, info, skipped, passed int
	for i := range p.report.Findings {
		switch p.report.Findings[i].Severity {
		case report.SeverityCritical:
			critical++
		case report.SeverityWarning:
			warning++
		default:
			info++
		}
	}
	for i := range p.report.Checks {
		switch p.report.Checks[i].Status {
		case report.CheckSkipped:
			skipped++
		case report.CheckOK:
			passed++
		}
	}
	return p.hang(nil, Thousands(critical)+" critical, "+plural(warning, "warning")+", "+plural(info, "note")+"; "+plural(passed, "check")+" in order, "+Thousands(skipped)+" not made.", 0)
}
