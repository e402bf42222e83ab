package render

import (
	"bufio"
	"fmt"
	"io"

	"github.com/closewait/closewait/internal/report"
)

// LabRemedies writes what actions did to the stuck sockets of one scene, a line for each, with the reason below where one was not taken or not right.
func LabRemedies(w io.Writer, scenes []report.LabScene, style Style) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "\n%s: %s\n", scenes[0].Name, Clean(scenes[0].Title))
	fmt.Fprintf(b, "  %-22s %-11s %-9s %-11s %-6s %-12s %s\n", "ACTION", "SOCKETS", "AFTER", "DESCRIPTORS", "QUEUE", "PROGRAM GOT", "SENT")
	for i := range scenes {
		remedy(b, &scenes[i], style)
	}
	return b.Flush()
}

func remedy(b *bufio.Writer, s *report.LabScene, style Style) {
	mark := labMarks[s.Status][0]
	if style.ASCII {
		mark = labMarks[s.Status][1][:1]
	}
	if r := s.Remedy; r != nil {
		fmt.Fprintf(b, "%s %-22s %-11s %-9s %-11d %-6d %-12s %s\n", mark, r.Command, fmt.Sprintf("%d of %d", r.Freed.Sockets-r.ByThemselves, r.Sockets), remedyTime(r),
			r.Freed.FDs, r.Freed.AcceptQueuePlaces, orDash(r.Owner), orDash(r.Sent))
		if r.Refused != nil {
			note(b, "not done: "+*r.Refused, style)
		}
		switch {
		case r.ByThemselves > 0 && r.ByThemselves == r.Freed.Sockets:
			note(b, fmt.Sprintf("%d ended after %.3f s, as without it", r.ByThemselves, labSeconds(*r.EndedSeconds)), style)
		case r.ByThemselves > 0:
			note(b, fmt.Sprintf("%d more ended, as without it", r.ByThemselves), style)
		}
		if r.ForetoldAnew {
			note(b, "a timer fired between the plan and the action: foretold anew after it", style)
		}
	} else {
		fmt.Fprintf(b, "%s %v\n", mark, s.Settings["act"])
	}
	if s.Reason != nil {
		note(b, s.Status+": "+*s.Reason, style)
	}
}

func remedyTime(r *report.LabRemedy) string {
	if r.EndedSeconds == nil || r.Freed.Sockets == r.ByThemselves {
		return "-"
	}
	return fmt.Sprintf("%.3f s", labSeconds(*r.EndedSeconds))
}

func orDash(s *string) string {
	if s == nil {
		return "-"
	}
	return Clean(*s)
}

// note writes a text below a line, folded to the width.
func note(b *bufio.Writer, text string, style Style) {
	const indent = 4
	width := style.Width
	if width == 0 {
		width = 100
	}
	for _, line := range wrap(Clean(text), max(width-indent, 20)) {
		fmt.Fprintf(b, "%*s%s\n", indent, "", line)
	}
}
