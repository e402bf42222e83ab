package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// Plan prints a change that was not made yet: what its steps do together, what is refused and what would overrule that.
func Plan(w io.Writer, c *report.Change, insist string, s Style) error {
	lines := []line{{{text: "Change " + c.ID, role: strong}, {text: ": nothing has been changed yet"}}, {}}
	for i := range c.Groups {
		lines = append(lines, s.group(&c.Groups[i])...)
	}
	lines = append(lines, s.refusals(c.Refused, insist)...)
	return s.write(w, lines)
}

// group is the paragraph of some steps.
func (s Style) group(g *report.Group) []line {
	undo := "undo: yes"
	switch {
	case g.Steps == 0:
		undo = "" // nothing is done
	case !g.Undoable:
		undo = "undo: NO"
	}
	head := line{{text: "  " + s.text(g.Sign) + " "}}
	lines := s.hang(head, s.text(g.Title), 0)
	last := lines[len(lines)-1]
	if gap := min(s.width(), defaultWidth) - columns(last.String()) - columns(undo); gap >= 2 && undo != "" {
		lines[len(lines)-1] = append(last, piece{text: strings.Repeat(" ", gap) + undo, role: faint})
	} else if undo != "" {
		lines = append(lines, text("      "+undo))
	}
	for _, l := range g.Lines {
		lines = append(lines, s.labelled(l)...)
	}
	return append(lines, line{})
}

const defaultWidth = 80

// labelled is a sentence behind its label.
func (s Style) labelled(l report.Line) []line {
	label := fmt.Sprintf("      %-8s ", Clean(l.Label))
	if s.narrow() {
		label = "  " + Clean(l.Label) + ": "
	}
	role := faint
	if l.Label == "risk" || l.Label == "not" || l.Label == "!" {
		role = warning
	}
	return s.hang(line{{text: label, role: role}}, s.text(l.Text), 0)
}

// refusals says what is in the way of a change.
func (s Style) refusals(refused []report.Refusal, insist string) []line {
	if len(refused) == 0 {
		return nil
	}
	lines := []line{{{text: "refused as it stands:", role: critical}}}
	for _, r := range refused {
		lines = append(lines, s.hang(line{{text: "  " + s.glyphs().cross + " ", role: critical}}, s.text(r.Why), 0)...)
	}
	if insist != "" {
		lines = append(lines, text("to insist:"))
		lines = append(lines, s.hang(text("  "), insist, 0)...)
	}
	return lines
}

// Outcome prints what became of a change: a line for each status with the number of steps, and the first few steps that were not made, with their errors.
func Outcome(w io.Writer, r *report.Result, s Style) error {
	lines := []line{{{text: "Change " + r.ID, role: strong}, {text: ": " + s.text(r.Action)}}}
	for _, status := range []string{report.StatusDone, report.StatusAlready, report.StatusGone, report.StatusRefused, report.StatusFailed, ""} {
		lines = append(lines, s.outcome(r.Steps, status)...)
	}
	if r.ConfirmBy != nil {
		lines = append(lines, s.hang(text("  "), "takes itself back at "+r.ConfirmBy.Format("15:04:05 MST")+" unless confirmed: closewait confirm "+r.ID, 0)...)
	}
	if r.Undo != nil {
		lines = append(lines, text("  undo: "+*r.Undo))
	}
	return s.write(w, lines)
}

// shownSteps is how many steps of one status are listed by themselves.
const shownSteps = 5

func (s Style) outcome(steps []report.StepResult, status string) []line {
	var lines []line
	count := 0
	for i := range steps {
		if statusOf(&steps[i]) != status {
			continue
		}
		if count++; count <= shownSteps {
			lines = append(lines, s.stepLine(&steps[i])...)
		}
	}
	if count > shownSteps {
		more := fmt.Sprintf("  %s %s %s in all", s.sign(status), Thousands(count), meaning(status))
		if status == report.StatusDone || status == report.StatusAlready || status == report.StatusGone {
			lines = nil // success needs no list
		}
		lines = append(lines, text(more))
	}
	return lines
}

func statusOf(r *report.StepResult) string {
	if r.Status == nil {
		return ""
	}
	return *r.Status
}

func (s Style) stepLine(r *report.StepResult) []line {
	status := statusOf(r)
	body := r.Target
	if r.After != "" && status == report.StatusDone {
		body += ": " + r.Show(r.After)
	}
	body += ", " + meaning(status)
	if r.Error != nil {
		body += ": " + *r.Error
	}
	role := good
	if status == report.StatusRefused || status == report.StatusFailed || status == "" {
		role = critical
	}
	return s.hang(line{{text: "  " + s.sign(status) + " ", role: role}}, s.text(body), 0)
}

func (s Style) sign(status string) string {
	switch status {
	case report.StatusDone, report.StatusAlready, report.StatusGone:
		return s.glyphs().check
	case "":
		return s.glyphs().dot
	}
	return s.glyphs().cross
}

// meaning is a status in words.
func meaning(status string) string {
	switch status {
	case report.StatusDone:
		return "done and read back"
	case report.StatusAlready:
		return "was so already"
	case report.StatusGone:
		return "had ended by itself"
	case "":
		return "waits for the confirmation"
	}
	return status
}
