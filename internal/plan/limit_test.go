package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// TestLimit_when: the plan says what the limit changes of the ends that are foretold, and when it changes none.
func TestLimit_when(t *testing.T) {
	never, probing := forecast.Ends{Kind: forecast.Never}, forecast.Ends{Kind: forecast.Unknown, By: forecast.ByKeepalive, Earliest: time.Hour}
	sooner := probing
	sooner.Earliest = time.Minute
	at := forecast.Ends{Kind: forecast.At, Best: 5 * time.Second, Earliest: 5 * time.Second, Latest: 6 * time.Second}
	for _, test := range []struct {
		today, then forecast.Ends
		want        string
	}{
		{never, never, "not as it stands: nothing is in flight"},
		{probing, probing, "as without it, until something that is sent, such as a probe, goes unanswered"},
		{probing, sooner, "1 at a moment that cannot be told; without it: 1 at a moment that cannot be told"},
		{never, probing, "1 at a moment that cannot be told; without it: 1 never as it stands"},
		{never, at, "1 ends in 5.0-6.0 s; without it: 1 never as it stands"},
	} {
		row := rowOf(tcp.Established, 5, nil)
		row.Ends, row.EndsIf = test.today, &test.then
		l := plan.Limit{UserTimeout: time.Minute, Read: func(*report.Step) (report.Value, error) { return report.Duration(0), nil }}
		lines := l.Draft([]look.Row{row}).Groups[0].Lines
		if !slices.ContainsFunc(lines, func(l report.Line) bool { return l.Label == "when" && strings.HasPrefix(l.Text, test.want) }) {
			t.Errorf("%v, %v: %v; want %q", test.today.Kind, test.then.Kind, lines, test.want)
		}
	}
}
