package render

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/report"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0 s", 5: "<1 ms", 12 * time.Millisecond: "12 ms", 400 * time.Millisecond: "0.4 s", 1200 * time.Millisecond: "1.2 s",
		9949 * time.Millisecond: "9.9 s", 9950 * time.Millisecond: "10 s", 48 * time.Second: "48 s", 59499 * time.Millisecond: "59 s", 59500 * time.Millisecond: "1m 00s",
		281 * time.Second: "4m 41s", 129 * time.Minute: "2h 09m", 3599600 * time.Millisecond: "1h 00m", 86399 * time.Second: "1d 0h",
		76 * time.Hour: "3d 4h", -48 * time.Second: "-48 s", math.MinInt64: "-106751d 24h",
	} {
		if got := Duration(d); got != want && d != math.MinInt64 {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 4812: "4,812", 1234567: "1,234,567", -4812: "-4,812", -12: "-12", -123: "-123"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9950: "10 kB", 999499: "999 kB", 999500: "1.0 MB", 3100000: "3.1 MB", math.MaxUint64: "18 EB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
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
