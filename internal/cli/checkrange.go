package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// span is a threshold of a monitoring plugin: [@][FROM:][TO], FROM "~" for no lower end.
type span struct {
	text     string
	given    bool
	from, to float64
	openLow  bool
	openHigh bool
	inside   bool // alarm inside instead of outside
}

// String implements pflag.Value.
func (s *span) String() string { return s.text }

// Type implements pflag.Value.
func (s *span) Type() string { return "range" }

var errRange = errors.New("a range such as 10, 10:, 5:10 or @5:10")

// Set implements pflag.Value.
func (s *span) Set(text string) error {
	next := span{text: text, given: true}
	rest, inside := strings.CutPrefix(text, "@")
	next.inside = inside
	low, high, pair := strings.Cut(rest, ":")
	if !pair {
		low, high = "0", rest
	}
	var err error
	if next.openLow = low == "~"; !next.openLow {
		if next.from, err = strconv.ParseFloat(low, 64); err != nil {
			return errRange
		}
	}
	if next.openHigh = pair && high == ""; !next.openHigh {
		if next.to, err = strconv.ParseFloat(high, 64); err != nil {
			return errRange
		}
	}
	if !next.openLow && !next.openHigh && !(next.from <= next.to) { // also NaN
		return errRange
	}
	*s = next
	return nil
}

// alarms reports whether a number is where the threshold does not want it.
func (s *span) alarms(n int) bool {
	within := (s.openLow || float64(n) >= s.from) && (s.openHigh || float64(n) <= s.to)
	return s.given && within == s.inside
}

// details has a line for each finding of warning or worse, with the command that tells more.
func (t alarms) details(w io.Writer, r *report.Report) error {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == report.SeverityInfo {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s %s %s; %s\n", strings.ToUpper(f.Severity), plugin(f.Code), plugin(render.Headline(f)), plugin(render.ShowCommand(f))); err != nil {
			return err
		}
	}
	return nil
}
