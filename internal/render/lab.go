package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// labGlyphs mark the lines of a story by their kind.
var labGlyphs = map[string][2]string{ // Unicode, ASCII
	"act": {"·", "-"}, "segment": {" ", " "}, "verdict": {"?", "?"}, "forecast": {"»", ">"}, "end": {"■", "#"}, "freed": {"→", "="},
}

// LabEvent writes one line of the story of a scene: the seconds since it began, and what happened.
func LabEvent(w io.Writer, e *report.LabEvent, style Style) error {
	glyph := labGlyphs[e.Kind][0]
	if style.ASCII {
		glyph = labGlyphs[e.Kind][1]
	}
	_, err := fmt.Fprintf(w, "%9.3f s  %s %s\n", labSeconds(e.AtSeconds), glyph, Clean(e.Text))
	return err
}

func labSeconds(s report.Seconds) float64 { return float64(s) / 1e9 }

var labMarks = map[string][2]string{report.LabPassed: {"✓", "ok"}, report.LabFailed: {"✗", "FAILED"}, report.LabSkipped: {"–", "skipped"}}

// LabScene writes the outcome of a scene in a line or two.
func LabScene(w io.Writer, s *report.LabScene, style Style) error {
	mark, width := labMarks[s.Status][0], 1
	if style.ASCII {
		mark, width = labMarks[s.Status][1], len("skipped")
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%-*s %-21s %6.1f s  %s\n", width, mark, s.Name, labSeconds(s.Seconds), outcome(s))
	if s.Reason != nil {
		fmt.Fprintf(b, "      %s: %s\n", s.Status, Clean(*s.Reason))
	}
	return b.Flush()
}

// outcome says what was found and foretold.
func outcome(s *report.LabScene) string {
	var parts []string
	for _, v := range s.Verdicts {
		switch {
		case v.Expected == "" && v.Right:
			parts = append(parts, "silent, as it must be")
		case v.Right:
			parts = append(parts, v.Expected)
		}
	}
	for i := range s.Predictions {
		if p := &s.Predictions[i]; p.EndedSeconds != nil {
			parts = append(parts, fmt.Sprintf("foretold %.3f s, ended after %.3f s", labSeconds(*p.Ends.Seconds), labSeconds(*p.EndedSeconds)))
		} else if p.Right {
			parts = append(parts, "foretold "+p.Ends.Kind+", and still there")
		}
	}
	if parts == nil {
		return Clean(s.Title)
	}
	return strings.Join(parts, "; ")
}
