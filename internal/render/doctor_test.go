package render

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/report"
)

// checkedReport has findings of all parts and checks with all outcomes.
func checkedReport() *report.Report {
	r := sick()
	r.Findings = append(r.Findings, report.Finding{
		ID: "f3", Code: "CW311", Severity: report.SeverityInfo, Processes: []report.Process{}, Ends: report.Ends{Kind: "unknown"},
		Evidence: []string{"/etc/sysctl.d/60-net.conf:3 sets net.ipv4.tcp_keepalive_time=600, but /etc/sysctl.d/99-sysctl.conf:41 (7200) wins at boot", "b", "c", "d", "e"},
	})
	for i, code := range report.Codes() {
		c := report.Check{Code: code, Status: report.CheckOK}
		switch {
		case code == "CW101" || code == "CW201" || code == "CW311":
			c.Status = report.CheckFinding
		case code == "CW505":
			c.Status, c.Reason = report.CheckFinding, "no daemon is running"
		case code == "CW403":
			c.Reason = "0 of 4,096 orphans"
		case i%5 == 0:
			c.Status, c.Reason = report.CheckSkipped, "none among the owners that could be seen"
		}
		r.Checks = append(r.Checks, c)
	}
	return r
}

func TestDoctor_golden(t *testing.T) {
	for _, s := range []Style{{Width: 40}, {Width: 80}, {Width: 80, ASCII: true}, {Width: 120, Color: true, Verbose: true}} {
		file := fmt.Sprintf("doctor_%d", s.Width)
		if s.ASCII {
			file += "_ascii"
		}
		var b bytes.Buffer
		if err := Doctor(&b, checkedReport(), s); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, file+".golden", b.Bytes())
	}
}

func TestDoctor_never_exceeds_its_width(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := checkedReport()
		r.Findings = rapid.SliceOfN(rapid.Custom(drawFinding), 0, 4).Draw(t, "findings")
		r.Checks[0].Reason = hostile().Draw(t, "reason")
		s := Style{Width: rapid.IntRange(20, 120).Draw(t, "width"), ASCII: rapid.Bool().Draw(t, "ascii"), Verbose: rapid.Bool().Draw(t, "verbose")}
		var b bytes.Buffer
		if err := Doctor(&b, r, s); err != nil {
			t.Fatal(err)
		}
		holds(t, b.String(), s.Width)
		if s.ASCII && !isSafeASCII(strings.ReplaceAll(b.String(), "\n", "")) {
			t.Fatalf("not ASCII: %q", b.String())
		}
	})
}
