package render

import (
	"io"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// Sidelights are facts of a look that its report has no field for. What is zero is not known and not shown.
type Sidelights struct {
	Elapsed time.Duration // the look took so long
	// LongestCloseWait is the greatest age among all sockets in CLOSE_WAIT; nil when one of them has none.
	LongestCloseWait *time.Duration
	// Nearest is the process closest to its descriptor limit among those that were looked at.
	Nearest *DescriptorUse
}

// DescriptorUse is how much of its descriptor limit a process uses.
type DescriptorUse struct {
	Name        string
	Used, Limit int
}

// Status writes the one-screen answer: who looked at what, the findings with the most urgent first, the states, and what could not be read.
// With a Height it tells as much as fits: later findings shrink to two lines and then to a number.
func Status(w io.Writer, r *report.Report, side Sidelights, s Style) error {
	if s.Now.IsZero() {
		s.Now = r.TakenAt
	}
	p := &page{Style: s, report: r, side: side}
	return s.write(w, p.compose())
}

// page is a status screen in the making.
type page struct {
	Style
	report *report.Report
	side   Sidelights
}

// plan is a way to tell the findings: how many at length, and what that means. plans go from the most detailed to the tersest.
type plan struct {
	full   int
	detail detail
}

var plans = []plan{{3, roomy}, {2, roomy}, {1, roomy}, {1, tight}, {1, brief}, {0, brief}}

// leastShown is the number of findings that are more important to see than the details of the first.
const leastShown = 3

// compose puts the screen together, in the most detailed form that fits.
func (p *page) compose() []line {
	head, tail := p.header(), p.tail()
	if len(p.report.Findings) == 0 {
		return join(head, join(p.healthy(), tail))
	}
	if !p.troubled() {
		head = join(head, p.calm())
	}
	if p.narrow() {
		body, _ := p.findings(plan{leastShown, tight}, 0)
		return join(head, join(body, tail))
	}
	var body []line
	room := max(p.Height-1-len(head)-len(tail), 1)
	if p.Height == 0 {
		room = 0
	}
	for _, plan := range plans {
		var shown int
		if body, shown = p.findings(plan, room); shown >= min(leastShown, len(p.roots())) {
			break
		}
	}
	return join(head, join(body, tail))
}

func join(a, b []line) []line { return append(a[:len(a):len(a)], b...) }

// troubled reports whether a finding asks for action.
func (p *page) troubled() bool {
	for i := range p.report.Findings {
		if p.report.Findings[i].Severity != report.SeverityInfo {
			return true
		}
	}
	return false
}

// roots are the findings that no other finding of the report explains; the others are told with their causes.
func (p *page) roots() (roots []finding) {
	for i := range p.report.Findings {
		if f := (finding{&p.report.Findings[i], p}); f.cause() == nil {
			roots = append(roots, f)
		}
	}
	if len(roots) == 0 { // each explains another: no diagnosis says so
		for i := range p.report.Findings {
			roots = append(roots, finding{&p.report.Findings[i], p})
		}
	}
	return roots
}

// findings lists the findings that stand for themselves: the first ones that are more than a remark as the plan says, the others in two lines. With a room it stops when that is
// used up and says how many are left.
func (p *page) findings(plan plan, room int) (lines []line, shown int) {
	roots := p.roots()
	for i, f := range roots {
		block := f.short()
		if plan.full > 0 && f.Severity != report.SeverityInfo {
			block = f.block(plan.detail)
			plan.full--
		}
		if i == 0 || p.narrow() || f.Severity != report.SeverityInfo || roots[i-1].Severity != report.SeverityInfo { // remarks stand together
			block = join([]line{{}}, block)
		}
		left := len(roots) - i
		if room > 0 && len(lines)+len(block)+2*min(left-1, 1) > room && i > 0 {
			return append(lines, line{}, p.more(left)), i
		}
		lines = join(lines, block)
	}
	return lines, len(roots)
}

// more says how many findings are not on the screen.
func (p *page) more(n int) line {
	return line{{Thousands(n) + " more", strong}, {": closewait status -o wide", plain}}
}
