package filter

import (
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// severities in ascending order, as the JSON contract spells them. Their place is their rank; the first is a socket that belongs to no finding.
var severities = [...]string{"", "info", "warning", "critical"}

// severityTest is "severity".
type severityTest struct {
	is   comparison
	rank int
}

func (n severityTest) eval(row *look.Row) truth {
	for rank, name := range severities {
		if name == row.Severity {
			return n.is.test(exactly(uint64(rank), true), uint64(n.rank))
		}
	}
	return unknown
}

func (n severityTest) limits(bool) limits { return noLimits() }

func (n severityTest) String() string { return "severity " + n.is.String() + " " + severities[n.rank] }

func parseSeverity(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, true)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "a severity")
	if problem != nil {
		return nil, problem
	}
	rank := slices.Index(severities[:], strings.ToLower(t.text))
	if rank < 1 {
		return nil, p.fail(t, didYouMean(t.text, severities[1:], "severities"), "unknown severity %s", quote(t))
	}
	return severityTest{is, rank}, nil
}
