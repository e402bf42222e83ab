package render

import (
	"bufio"
	"fmt"
	"io"

	"github.com/closewait/closewait/internal/report"
)

// LabSummary writes what came out of several scenes: how many, how far forecasts were off, whether plans kept their promises.
func LabSummary(w io.Writer, s *report.LabSummary) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "\n%d of %d scenes came out as they must", s.Passed, s.Scenes)
	if s.Failed > 0 {
		fmt.Fprintf(b, ", %d failed", s.Failed)
	}
	if s.Skipped > 0 {
		fmt.Fprintf(b, ", %d skipped", s.Skipped)
	}
	fmt.Fprintln(b)
	if p := &s.Predictions; p.Count > 0 {
		fmt.Fprintf(b, "forecasts: %d of %d right; off by %.3f s (median), at most %.3f s (%s)\n",
			p.Right, p.Count, labSeconds(*p.MedianErrorSeconds), labSeconds(*p.MaxErrorSeconds), Clean(*p.MaxErrorScene))
	}
	if r := &s.Remedies; r.Count > 0 {
		fmt.Fprintf(b, "remedies:  %d of %d did what their plan promised", r.Right, r.Count)
		if r.ForetoldAnew > 0 {
			fmt.Fprintf(b, "; in %d a timer fired before the\n           action, and a forecast made after it was held to instead", r.ForetoldAnew)
		}
		fmt.Fprintln(b)
	}
	return b.Flush()
}
