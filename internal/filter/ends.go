package filter

import (
	"math"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
)

// endsTest is "ends": with a time (kind At), which the best estimate is compared with, or with "never" or "unknown".
type endsTest struct {
	is   comparison
	kind forecast.Kind
	time time.Duration
}

// eval takes never for later than any time, so that "ends > 10m" and "not ends <= 10m" are the same.
func (n endsTest) eval(row *look.Row) truth {
	ends := &row.Ends
	switch {
	case n.kind == forecast.Unknown:
		return n.is.of(known(ends.Kind == forecast.Unknown))
	case ends.Kind == forecast.Unknown:
		return unknown
	case n.kind == forecast.Never:
		return n.is.of(known(ends.Kind == forecast.Never))
	case ends.Kind == forecast.Never:
		return n.is.test(exactly(math.MaxUint64, true), uint64(n.time))
	}
	return n.is.test(exactly(uint64(max(ends.Best, 0)), true), uint64(n.time))
}

func (n endsTest) limits(bool) limits { return noLimits() }

func (n endsTest) String() string {
	when := n.kind.String()
	if n.kind == forecast.At {
		when = formatDuration(n.time)
	}
	return "ends " + n.is.String() + " " + when
}

func parseEnds(p *parser, w *word) (node, *SyntaxError) {
	operator := p.next()
	is, problem := p.comparison(w, true)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "a duration, never or unknown")
	if problem != nil {
		return nil, problem
	}
	for _, kind := range [...]forecast.Kind{forecast.Never, forecast.Unknown} {
		if !strings.EqualFold(t.text, kind.String()) {
			continue
		}
		if is > differs {
			return nil, p.fail(operator, "write ends = "+kind.String()+" or ends != "+kind.String(), "%s is no time to compare with %s", kind, is)
		}
		return endsTest{is: is, kind: kind}, nil
	}
	if operator.kind != comparisonToken {
		return nil, p.fail(t, "for example: "+w.Example, "ends needs a comparison before %s", quote(t))
	}
	d, err := parseDuration(t.text)
	if err != nil {
		return nil, p.fail(t, "ends wants "+unitWants[duration]+", never or unknown", "%s %s", quote(t), err)
	}
	return endsTest{is: is, kind: forecast.At, time: d}, nil
}
