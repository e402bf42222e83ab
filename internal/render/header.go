package render

import (
	"strings"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
)

// header says who was looked at, when, and how much there was.
func (p *page) header() []line {
	r := p.report
	parts := []string{}
	if r.Host.Name != "" {
		parts = append(parts, p.text(r.Host.Name))
	}
	if !r.TakenAt.IsZero() {
		parts = append(parts, r.TakenAt.UTC().Format("15:04 UTC"))
	}
	if r.Host.Kernel != "" {
		parts = append(parts, "kernel "+p.text(r.Host.Kernel))
	}
	if r.Totals.Netns > 0 {
		parts = append(parts, plural(r.Totals.Netns, "namespace"))
	}
	parts = append(parts, plural(r.Totals.Sockets, "TCP socket"))
	if p.side.Elapsed > 0 {
		parts = append(parts, "("+spoken.Duration(p.side.Elapsed)+")")
	}
	return p.flow(parts)
}

// flow sets parts one after the other and begins a new line when one does not fit.
func (p *page) flow(parts []string) []line {
	var lines []line
	current := ""
	for _, part := range parts {
		switch {
		case current == "":
			current = part
		case columns(current)+2+columns(part) <= p.width():
			current += "  " + part
		default:
			lines, current = append(lines, text(current)), part
		}
	}
	return append(lines, text(current))
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e" // processes
	}
	return Thousands(n) + " " + noun + "s"
}

// healthy is the answer when nothing was found. It claims no more than was looked at.
func (p *page) healthy() []line {
	sentence := "Nothing is stuck."
	if p.incomplete() {
		sentence = "Nothing is stuck among what could be read."
	}
	lines := p.verdict(sentence, p.closeWaits())
	if n := p.side.Nearest; n != nil && n.Limit > 0 {
		lines = join(lines, p.hang(text("  "), "Nearest limit of those looked at: "+p.text(n.Name)+", "+Thousands(n.Used)+" of "+Thousands(n.Limit)+" fds.", 0))
	}
	return lines
}

// calm is the answer when there are remarks only.
func (p *page) calm() []line {
	sentence := "Nothing is urgent."
	if p.incomplete() {
		sentence = "Nothing is urgent among what could be read."
	}
	return p.verdict(sentence, "")
}

func (p *page) verdict(sentence, rest string) []line {
	lines := p.hang(line{{p.glyphs().check, good}, {" ", plain}}, strings.TrimSpace(sentence+"  "+rest), 0)
	return lines
}

// closeWaits says what is known of the sockets in CLOSE_WAIT on a healthy host.
func (p *page) closeWaits() string {
	n, known := p.report.Totals.ByState["close_wait"]
	if !known && p.report.Totals.ByState == nil {
		return ""
	}
	words := "CLOSE_WAIT " + Thousands(n)
	if n > 0 && p.side.LongestCloseWait != nil {
		words += " (longest " + spoken.Duration(*p.side.LongestCloseWait) + ")"
	}
	if !p.incomplete() {
		words += ", no silent peers"
	}
	return words + "."
}

// incomplete reports whether something could not be read that an answer rests on.
func (p *page) incomplete() bool {
	for _, n := range p.report.Incomplete {
		if Weighs(n) {
			return true
		}
	}
	return false
}

// Weighs reports whether a note makes an answer incomplete. That sockets cannot be destroyed (CW504) or that there is no history (CW505) does not.
func Weighs(n report.Incomplete) bool { return n.Code != "CW504" && n.Code != "CW505" }
