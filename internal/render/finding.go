package render

import (
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// finding is a finding on a page.
type finding struct {
	*report.Finding
	page *page
}

// severities gives each severity its sign, its word in equal widths and its role.
func (f finding) severity() (sign, word string, r role) {
	g := f.page.glyphs()
	switch f.Severity {
	case report.SeverityCritical:
		return g.cross, "CRITICAL", critical
	case report.SeverityWarning:
		return g.bang, "WARNING", warning
	}
	return g.dot, "INFO", plain
}

// readable is the width beyond which the code moves no further from its title.
const readable = 100

// title is the first line: sign, severity, what happens, code; more lines when the title is long.
func (f finding) title() []line {
	sign, word, r := f.severity()
	p := f.page
	if p.narrow() {
		return p.hang(line{{sign + " ", r}}, word+" "+p.text(f.Code)+" "+f.headline(), 0)
	}
	code := p.cut(p.text(f.Code), 8) // ours have five characters
	indent, room := 12, 0
	if p.Width > 0 {
		room = min(p.width(), readable) - indent - 2 - columns(code)
	}
	head := line{{sign + " ", r}, {pad(word, indent-2), r}}
	if room == 0 {
		return []line{append(head, piece{f.headline(), strong}, piece{"  " + code, reference})}
	}
	var lines []line
	for i, part := range p.wrapAtMost(f.headline(), room, 2) {
		l := append(line{}, piece{strings.Repeat(" ", indent), plain})
		if i == 0 {
			l = head
		}
		l = append(l, piece{part, strong})
		if i == 0 {
			l = append(l, piece{strings.Repeat(" ", room-columns(part)+2), plain}, piece{code, reference})
		}
		lines = append(lines, l)
	}
	return lines
}

// detail is how much of a finding is told at length.
type detail uint8

const (
	roomy detail = iota // everything
	tight               // everything, without empty lines
	brief               // who, when it ends, what helps
)

// block tells the finding at length.
func (f finding) block(how detail) []line {
	lines := f.title()
	if reach := f.limitReached(); reach != "" {
		lines = join(lines, f.page.hang(text(f.second()), reach, 2))
	}
	if how == brief {
		return join(lines, f.summary())
	}
	for _, part := range [][]line{f.facts(), f.actions()} {
		if how == roomy && len(part) > 0 {
			lines = append(lines, line{})
		}
		lines = join(lines, part)
	}
	return lines
}

// summary is the least of facts and actions.
func (f finding) summary() []line {
	lines := join(f.labelled("who", f.who(), 1), f.labelled("ends", f.ends(), 1))
	lines = join(lines, f.outcome())
	if len(f.Remedies) > 0 {
		command, _ := f.told(&f.Remedies[0])
		lines = join(lines, f.command("now", command, ""))
	}
	return lines
}

// second is the indentation of a title's second line.
func (f finding) second() string {
	if f.page.narrow() {
		return "  "
	}
	return strings.Repeat(" ", 12)
}

// facts are the labelled lines that say what is known. What is not known has no line, but for the holder and the end: their absence would be
// taken for an answer.
func (f finding) facts() []line {
	var lines []line
	lines = join(lines, f.labelled("who", f.who(), 1))
	lines = join(lines, f.labelled("peer", f.peer(), 1))
	lines = join(lines, f.labelled("since", f.since(), 1))
	lines = join(lines, f.labelled("why", f.why(), 2))
	lines = join(lines, f.labelled("ends", f.ends(), 2))
	return join(lines, f.outcome())
}

// actions are the lines that say what helps, and what does not.
func (f finding) actions() []line {
	var lines []line
	show := f.show()
	labels := []string{"now", "or"}
	for i, remedy := range f.Remedies {
		command, effect := f.told(&remedy)
		if command == show {
			show = "" // it is there already
		}
		repeated := i > 0 && remedy.Command == f.Remedies[0].Command
		if len(labels) > 0 && !repeated {
			lines = join(lines, f.command(labels[0], command, effect))
			labels = labels[1:]
		}
	}
	if show != "" {
		lines = join(lines, f.command("more", show, "peers, timeline, threads"))
	}
	if len(f.NotRemedies) > 0 {
		not := f.NotRemedies[0]
		lines = join(lines, f.labelled("!", f.page.text(not.What)+": "+f.page.text(not.Why), 2))
	}
	return lines
}

const labelWidth = 10 // of "   since  "

// labelled sets text beside a label, in at most limit lines.
func (f finding) labelled(label, body string, limit int) []line {
	switch {
	case body == "":
		return nil
	case f.page.narrow():
		return f.page.hang(line{{"  ", plain}, {label, faint}, {" ", plain}}, body, 0)
	case f.page.Height == 0:
		limit = 0
	}
	return f.page.hang(line{{"   ", plain}, {pad(label, labelWidth-3), faint}}, body, limit)
}

// command sets a command with its effect. A command is never broken into lines, so that it can be pasted; the effect moves below it when
// both do not fit.
func (f finding) command(label, command, effect string) []line {
	const column = 37
	p := f.page
	head := line{{"   ", plain}, {pad(label, labelWidth-3), faint}}
	room := p.width() - labelWidth
	if p.narrow() {
		head, room = line{{"  ", plain}, {label + " ", faint}}, p.width()-3-len(label)
	}
	switch {
	case effect == "" || columns(command) > room:
		return []line{append(head, piece{command, strong})}
	case p.narrow() || max(columns(command)+2, column)+columns(effect) > room:
		return join([]line{append(head, piece{command, strong})}, p.hang(text(strings.Repeat(" ", p.width()-room)), effect, 2))
	}
	return []line{append(head, piece{pad(command, column-2), strong}, piece{"  " + effect, plain})}
}

// told returns the command and the effect of a remedy as they are shown. Half a command helps nobody: where the whole does not fit it is that which shows it.
func (f finding) told(r *report.Remedy) (command, effect string) {
	command, effect = f.page.text(r.Command), f.page.text(r.Effect)
	if show := f.show(); show != "" && columns(command) > f.page.width()-labelWidth {
		return show, strings.TrimSuffix("has the command whole: "+effect, ": ")
	}
	return command, effect
}

// short tells the finding in two lines.
func (f finding) short() []line {
	lines := f.title()
	if second := f.consequence(); second != "" {
		lines = join(lines, f.page.hang(text(f.second()), second, 2))
	}
	return lines
}

// consequence is the second line of a short finding: what causes it, or when it ends, or what was seen; and where to look.
func (f finding) consequence() string {
	words := ""
	switch {
	case f.CausedBy != nil:
		words = "a consequence of " + f.reference(*f.CausedBy)
	case len(f.effects()) > 0:
		words = "explains " + f.effects()[0].brief()
		if more := len(f.effects()) - 1; more > 0 {
			words += " and " + Thousands(more) + " more"
		}
	case f.limitReached() != "":
		words = f.limitReached()
	case f.Ends.Kind == "at":
		words = f.kernelEnds()
	case len(f.Evidence) > 0:
		words = f.page.text(f.Evidence[0])
	}
	where := f.show()
	if where == "" {
		return words
	}
	where = f.page.glyphs().arrow + " " + where
	if room := f.page.width() - len(f.second()); columns(words)+3+columns(where) > room && words != "" {
		return words
	}
	return strings.TrimSpace(words + "   " + where)
}

// reference names another finding of the report.
func (f finding) reference(id string) string {
	for i := range f.page.report.Findings {
		if other := &f.page.report.Findings[i]; other.ID == id {
			return f.page.text(other.Code) + " of " + finding{other, f.page}.subject()
		}
	}
	return f.page.text(id)
}

// limitReached says when the holder runs out of descriptors.
func (f finding) limitReached() string {
	l := f.FDLimit
	if l == nil || l.Limit <= 0 {
		return ""
	}
	limit := "its fd limit (" + Thousands(l.Limit) + ")"
	switch {
	case l.Used >= l.Limit:
		return limit + " is reached: it can open nothing more"
	case l.ReachedAt == nil:
		return ""
	}
	left := l.ReachedAt.Sub(f.page.Now)
	if left < time.Minute {
		return limit + " is reached within a minute"
	}
	return limit + " is reached in ~" + about(left) + ", at " + f.page.clock(*l.ReachedAt)
}

// about writes a time that is only an estimate, in one unit.
func about(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return Thousands(int64(d.Round(time.Minute)/time.Minute)) + " min"
	case d < 48*time.Hour:
		return Thousands(int64(d.Round(time.Hour)/time.Hour)) + " h"
	}
	return Thousands(int64(d.Round(24*time.Hour)/(24*time.Hour))) + " days"
}

// clock writes a moment of the day, with the date when it is not of the same day.
func (p *page) clock(t time.Time) string {
	t = t.UTC()
	if y, m, d := p.Now.UTC().Date(); t.Year() == y && t.Month() == m && t.Day() == d {
		return t.Format("15:04")
	}
	return t.Format("2 Jan 15:04")
}

// pad fills text with spaces up to a display width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-columns(text), 0))
}
