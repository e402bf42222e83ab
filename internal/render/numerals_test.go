package render

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNumerals holds the quick way against the plain one, at each number of digits and at the ends of the room it asks for.
func TestNumerals(t *testing.T) {
	d := newNumerals()
	to := make([]byte, 64)
	check := func(what string, at int, want []byte) {
		t.Helper()
		if got := string(to[:at]); got != string(want)+"\t" {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	numbers := []uint64{0, math.MaxUint64, math.MaxUint32}
	for p := uint64(1); p < math.MaxUint64/10; p *= 10 {
		numbers = append(numbers, p-1, p, p+1)
	}
	for _, n := range numbers {
		check("number", d.number(to, 0, n), appendUint(nil, n))
	}
	rapid.Check(t, func(t *rapid.T) {
		n, us := rapid.Uint64().Draw(t, "n"), rapid.Uint64Range(0, math.MaxInt64/1000).Draw(t, "us")
		length := time.Duration(rapid.Int64().Draw(t, "duration"))
		check("number", d.number(to, 0, n), appendUint(nil, n))
		check("microseconds", d.microseconds(to, 0, us), appendMicroseconds(nil, us))
		check("seconds", d.seconds(to, 0, length), appendSeconds(nil, length))
	})
}
