package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// tail is what stands below the findings: the states, and what could not be read.
func (p *page) tail() []line {
	var lines []line
	if states := p.states(); states != nil && len(p.report.Findings) > 0 {
		lines = join(append(lines, line{}), states)
	}
	notes := p.notes()
	if len(notes) > 0 && len(p.report.Findings) > 0 {
		lines = append(lines, line{})
	}
	return append(lines, notes...)
}

// stateLabels are the states as the screen spells them: as netstat does, the most telling ones first.
var stateLabels = []struct{ key, label string }{
	{"established", "ESTAB"}, {"close_wait", "CLOSE_WAIT"}, {"time_wait", "TIME_WAIT"}, {"listen", "LISTEN"},
	{"fin_wait_1", "FIN_WAIT1"}, {"last_ack", "LAST_ACK"}, {"closing", "CLOSING"}, {"fin_wait_2", "FIN_WAIT2"},
	{"syn_sent", "SYN_SENT"}, {"syn_received", "SYN_RECV"},
}

// states is the line of states: the first four and whatever else is not rare and fits, the remainder as one number.
func (p *page) states() []line {
	if len(p.report.Totals.ByState) == 0 {
		return nil
	}
	left := 0
	for _, n := range p.report.Totals.ByState {
		left += n
	}
	rest := func(n int) string { return "other " + Thousands(n) }
	parts := []string{"States"}
	for i, state := range stateLabels {
		n := p.report.Totals.ByState[state.key]
		word := state.label + " " + Thousands(n)
		line := strings.Join(append(parts[:len(parts):len(parts)], word, rest(left)), "  ")
		if n == 0 && i != 1 || i > 3 && n*20 < left || columns(line) > p.width() && !p.narrow() {
			continue
		}
		parts, left = append(parts, word), left-n
	}
	if left > 0 {
		parts = append(parts, rest(left))
	}
	lines := p.flow(parts)
	first := strings.TrimPrefix(lines[0].String(), "States")
	lines[0] = line{{"States", strong}, {first, plain}}
	return lines
}

// notes says what could not be read, each thing once, the weightier first, with the command that would tell.
func (p *page) notes() []line {
	var notes []report.Incomplete
	for _, n := range p.report.Incomplete {
		if (Weighs(n) || p.Verbose) && !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	slices.SortStableFunc(notes, func(a, b report.Incomplete) int { return cmp.Compare(a.Code, b.Code) })
	var lines []line
	for _, n := range notes {
		lines = join(lines, p.note(n))
	}
	return lines
}

// note sets a note and the command that would help: beside it when there is room, whole on a line of its own otherwise.
func (p *page) note(n report.Incomplete) []line {
	code := p.cut(p.text(n.Code), 8)
	head := line{{p.glyphs().dot + " ", plain}, {code, reference}, {"  ", plain}}
	indent, message, limit := 4+columns(code), p.text(n.Message), 2
	if p.narrow() || p.Height == 0 {
		limit = 0
	}
	if p.narrow() {
		head, indent, message = head[:1:1], 2, code+" "+message
	}
	if n.Remedy == "" {
		return p.hang(head, message, limit)
	}
	advice := p.glyphs().arrow + " " + p.text(n.Remedy)
	if indent+columns(message)+2+columns(advice) <= p.width() {
		return p.hang(head, message+"  "+advice, 1)
	}
	return append(p.hang(head, message, limit), text(strings.Repeat(" ", indent)+advice))
}
