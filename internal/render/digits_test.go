package render

import (
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/report"
)

// TestAppendUint holds the fast ways against the library's.
func TestAppendUint(t *testing.T) {
	check := func(n uint64) {
		t.Helper()
		if got, want := string(appendUint([]byte("x"), n)), "x"+strconv.FormatUint(n, 10); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for p := uint64(1); p < math.MaxUint64/10; p *= 10 {
		check(p - 1)
		check(p)
		check(p + 1)
	}
	check(math.MaxUint64)
	rapid.Check(t, func(t *rapid.T) { check(rapid.Uint64().Draw(t, "n")) })
}

func TestAppendMicroseconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Uint64Range(0, math.MaxInt64/1000).Draw(t, "us")
		want := string(report.Seconds(time.Duration(us) * time.Microsecond).Append(nil))
		if got := string(appendMicroseconds(nil, us)); got != want {
			t.Fatalf("%d: %s, want %s", us, got, want)
		}
	})
}
