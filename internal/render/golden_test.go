package render

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/report"
)

func screens() map[string]*report.Report {
	return map[string]*report.Report{"sick": sick(), "healthy": healthy(), "unprivileged": unprivileged(), "many": many(), "remarks": remarks()}
}

func sidelights() Sidelights {
	return Sidelights{Elapsed: 41 * time.Millisecond, LongestCloseWait: ptr(400 * time.Millisecond), Nearest: &DescriptorUse{"nginx.service", 812, 65536}}
}

func TestStatus_golden(t *testing.T) {
	for name, r := range screens() {
		for _, width := range []int{40, 60, 80, 120} {
			for _, color := range []bool{false, true} {
				style := Style{Width: width, Height: 24, Color: color}
				file := fmt.Sprintf("%s_%d", name, width)
				if color {
					file += "_color"
				}
				t.Run(file, func(t *testing.T) {
					var b bytes.Buffer
					if err := Status(&b, r, sidelights(), style); err != nil {
						t.Fatal(err)
					}
					golden.Compare(t, file+".golden", b.Bytes())
				})
			}
		}
	}
}

func TestStatus_ascii(t *testing.T) {
	var b bytes.Buffer
	if err := Status(&b, many(), sidelights(), Style{Width: 80, ASCII: true}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "many_ascii.golden", b.Bytes())
	if !isSafeASCII(strings.ReplaceAll(b.String(), "\n", "")) {
		t.Error("not plain ASCII")
	}
}

// TestStatus_fits holds the promise of the product page: three findings on 24 rows of 80 columns, the prompt included.
func TestStatus_fits(t *testing.T) {
	three := sick()
	three.Findings = []report.Finding{leak(), blocked(), silent()}
	for name, r := range map[string]*report.Report{"three": three, "many": many()} {
		var b bytes.Buffer
		if err := Status(&b, r, sidelights(), Style{Width: 80, Height: 24}); err != nil {
			t.Fatal(err)
		}
		if rows := strings.Count(b.String(), "\n"); rows > 23 {
			t.Errorf("%s: %d rows:\n%s", name, rows, &b)
		}
		for _, code := range []string{"CW101", "CW105"} {
			if !strings.Contains(b.String(), code) {
				t.Errorf("%s: no %s", name, code)
			}
		}
	}
}

// TestStatus_every_code gives every code of the contract a title of its own, and unknown ones something readable.
func TestStatus_every_code(t *testing.T) {
	var b bytes.Buffer
	for _, code := range strings.Fields(`CW101 CW102 CW103 CW104 CW105 CW106 CW107 CW108 CW109 CW110 CW111 CW112 CW113 CW114
		CW201 CW202 CW203 CW204 CW205 CW301 CW302 CW310 CW311 CW312 CW401 CW402 CW403 CW404 CW999`) {
		for _, f := range []report.Finding{{Code: code}, leak(), {Code: code, Count: 1, Processes: []report.Process{}}} {
			f.Code, f.Cause = code, "some_cause"
			f.Peers = f.Peers[:min(len(f.Peers), 1)]
			fmt.Fprintf(&b, "%s  %s\n", code, finding{&f, &page{report: &report.Report{}}}.headline())
		}
	}
	golden.Compare(t, "headlines.golden", b.Bytes())
}
