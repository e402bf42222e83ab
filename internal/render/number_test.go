package render

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/report"
)

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 4812: "4,812", 1234567: "1,234,567", -4812: "-4,812", -12: "-12", -123: "-123"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for want, pair := range map[string][2]time.Duration{
		"9-14 min": {9*time.Minute + 10*time.Second, 14 * time.Minute}, "13-14 s": {13300 * time.Millisecond, 13500 * time.Millisecond},
		"1-3 h": {61 * time.Minute, 121 * time.Minute}, "2 days": {48 * time.Hour, 48 * time.Hour},
	} {
		if got := span(pair[0], pair[1]); got != want {
			t.Errorf("span(%v) = %q, want %q", pair, got, want)
		}
	}
}

func TestAppendSeconds_agrees_with_JSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "d"))
		if rapid.Bool().Draw(t, "micro") {
			d = d.Truncate(time.Microsecond)
		}
		if got, want := string(appendSeconds(nil, d)), string(report.Seconds(d).Append(nil)); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	})
}
