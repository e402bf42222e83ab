package render

import (
	"bytes"
	"io"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// Subject is what "closewait show" is about.
type Subject struct {
	// Words name it without doubt: "pid 4711".
	Words string
	// Single is true for one connection.
	Single bool
	Rows   []look.Row // its sockets
	Others []look.Row // the other end of a single connection, when that is on this host
	// About are the ids of the findings that its sockets belong to, or that are about it. Report has these and those that explain them.
	About    map[string]bool
	Report   *report.Report
	Snapshot *look.Snapshot
	// Whole lists all sockets, not the first few.
	Whole bool
}

// mostSockets is how many sockets are listed unless all are wanted.
const mostSockets = 20

// Show tells all that is known about a subject. Commands are never cut, so that they can be pasted: a line with one may exceed the width.
func Show(w io.Writer, s *Subject, style Style) error {
	if style.Now.IsZero() {
		style.Now = s.Report.TakenAt
	}
	style.Height = 0
	v := &view{page: page{Style: style, report: s.Report}, Subject: s}
	lines := append(v.title(), line{})
	lines = join(lines, v.facts())
	for i := range s.Report.Findings {
		lines = join(append(lines, line{}), v.finding(&s.Report.Findings[i]))
	}
	lines = join(lines, v.threads())
	if s.Single {
		lines = join(lines, v.path())
	}
	lines = join(lines, v.sockets())
	if notes := v.notes(); len(notes) > 0 {
		lines = join(append(lines, line{}), notes)
	}
	return style.write(w, lines)
}

// view is a subject on a page.
type view struct {
	page
	*Subject
}

// title names the subject, the host and the time.
func (v *view) title() []line {
	parts := []string{v.text(v.Words)}
	if len(v.Rows) > 0 {
		parts = append(parts, plural(len(v.Rows), "TCP socket"))
	}
	if v.report.Host.Name != "" {
		parts = append(parts, v.text(v.report.Host.Name))
	}
	lines := v.flow(append(parts, v.Now.UTC().Format("15:04 UTC")))
	name := lines[0][0].text[:min(len(parts[0]), len(lines[0][0].text))]
	lines[0] = line{{name, strong}, {lines[0][0].text[len(name):], plain}}
	return lines
}

// section is a heading with lines below it, nothing without any.
func section(heading string, body []line) []line {
	if len(body) == 0 {
		return nil
	}
	return join([]line{{}, {{heading, strong}}}, body)
}

// sockets is the list of the sockets, and of the other end.
func (v *view) sockets() []line {
	rows := v.Rows
	if !v.Whole {
		rows = rows[:min(len(rows), mostSockets)]
	}
	lines := section("Sockets", v.table(rows))
	if left := len(v.Rows) - len(rows); left > 0 {
		lines = append(lines, text("  "+Thousands(left)+" more: --all"))
	}
	lines = join(lines, section("The other end, on this host", v.table(v.Others)))
	if v.Single && v.Verbose {
		for i := range v.Rows {
			lines = join(lines, section("Everything the kernel says of it", v.raw(&v.Rows[i])))
		}
	}
	return lines
}

// table is a table of sockets as lines.
func (v *view) table(rows []look.Row) []line {
	if len(rows) == 0 {
		return nil
	}
	style := v.Style
	style.Color = false // lines have roles of their own
	if style.Width > 0 {
		style.Width = max(style.Width-2, 1)
	}
	var b bytes.Buffer
	if err := Table(&b, rows, SocketColumns(), true, style); err != nil {
		return nil // a buffer takes everything
	}
	var lines []line
	for row := range strings.Lines(b.String()) {
		lines = append(lines, line{{"  ", plain}, {strings.TrimRight(row, "\n"), plain}})
	}
	lines[0][1].role = faint
	return lines
}

// labelled sets text beside a label.
func (v *view) labelled(label, body string) []line {
	return finding{page: &v.page}.labelled(label, body, 0)
}
