package render

import (
	"bytes"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/report"
)

// TestStatus_nests tells what a finding explains with it, through a chain, and nothing twice; a circle, which no diagnosis makes, hides nothing.
func TestStatus_nests(t *testing.T) {
	r := sick()
	chain := func(causes ...string) {
		r.Findings = nil
		for i, cause := range causes {
			f := report.Finding{ID: "f" + string(rune('1'+i)), Code: "CW10" + string(rune('4'+i)), Severity: report.SeverityCritical, Count: 1, Processes: []report.Process{{PID: 10 + i, Comm: "p"}}}
			if cause != "" {
				f.CausedBy = ptr(cause)
			}
			r.Findings = append(r.Findings, f)
		}
	}
	screen := func() string {
		var b bytes.Buffer
		if err := Status(&b, r, Sidelights{}, Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	chain("", "f1", "f2")
	got := screen()
	for _, code := range []string{"CW104", "CW105", "CW106"} {
		if strings.Count(got, code+"\n")+strings.Count(got, code+" ") != 1 {
			t.Errorf("%s is not there once:\n%s", code, got)
		}
	}
	if strings.Count(got, "CRITICAL") != 1 || !strings.Contains(got, "   so     CW105") {
		t.Errorf("not nested:\n%s", got)
	}
	chain("f2", "f1")
	if got = screen(); strings.Count(got, "CRITICAL") != 2 {
		t.Errorf("a circle hides findings:\n%s", got)
	}
	chain("f9", "")
	if got = screen(); strings.Count(got, "CRITICAL") != 2 {
		t.Errorf("a cause that is not in the report hides a finding:\n%s", got)
	}
}
