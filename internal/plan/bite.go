package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
)

// moments is when sockets end: those that have a moment, from the first to the last, and how many have none.
type moments struct {
	at, never, unknown int
	first, last        time.Duration
}

func (m *moments) add(e *forecast.Ends) {
	switch e.Kind {
	case forecast.At:
		if m.at == 0 || e.Earliest < m.first {
			m.first = e.Earliest
		}
		m.last = max(m.last, e.Latest)
		m.at++
	case forecast.Never:
		m.never++
	case forecast.Unknown:
		m.unknown++
	}
}

// when says when the sockets end with the limit, and without it. No running timer is rearmed: the next firing is the first to know the limit.
func when(rows []*look.Row) string {
	var today, then moments
	same := 0
	for _, r := range rows {
		if r.EndsIf == nil {
			return ""
		}
		today.add(&r.Ends)
		then.add(r.EndsIf)
		if r.EndsIf.Kind == forecast.Unknown && r.Ends.Same(r.EndsIf) && r.Ends.Earliest == r.EndsIf.Earliest {
			same++
		}
	}
	switch {
	case then.at == 0 && then.unknown == 0:
		return "not as it stands: nothing is in flight; the limit counts as soon as something that is sent goes unanswered"
	case same == len(rows):
		return "as without it, until something that is sent, such as a probe, goes unanswered: the limit counts from then on"
	}
	return then.text() + "; without it: " + today.text()
}

func (m *moments) text() string {
	var parts []string
	if m.at > 0 {
		parts = append(parts, fmt.Sprintf("%s in %s", ending(m.at), interval(m.first, m.last)))
	}
	if m.never > 0 {
		parts = append(parts, fmt.Sprintf("%d never as it stands", m.never))
	}
	if m.unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d at a moment that cannot be told", m.unknown))
	}
	return strings.Join(parts, ", ")
}

func ending(n int) string {
	if n == 1 {
		return "1 ends"
	}
	return fmt.Sprintf("%d end", n)
}

// interval writes it in one unit, rounded outwards so that it never claims more than is known.
func interval(from, to time.Duration) string {
	switch {
	case to < 10*time.Second:
		tenth := 100 * time.Millisecond
		return fmt.Sprintf("%.1f-%.1f s", from.Truncate(tenth).Seconds(), (to + tenth - 1).Truncate(tenth).Seconds())
	case to < 5*time.Minute:
		return fmt.Sprintf("%d-%d s", from/time.Second, (to+time.Second-1)/time.Second)
	}
	return fmt.Sprintf("%d-%d min", from/time.Minute, (to+time.Minute-1)/time.Minute)
}
