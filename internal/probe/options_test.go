package probe_test

import (
	"math/rand/v2"
	"testing"

	"github.com/closewait/closewait/internal/probe"
)

// TestFiring puts timers into a wheel as the kernel does (calc_wheel_index) and finds out from the slot alone when they go off, wherever the wheel's clock stood.
func TestFiring(t *testing.T) {
	const depth, size, clkShift = 9, 64, 3
	r := rand.New(rand.NewPCG(3, 1))
	for range 100_000 {
		clk := 1<<32 - 75_000 + r.Uint64N(1<<20) // counts begin shortly before 32 bits overflow
		expires := clk + r.Uint64N(1<<(1+r.IntN(24)))
		level := 0
		for ; level < depth-1 && expires-clk >= (size-1)<<(level*clkShift); level++ {
		}
		shift := level * clkShift
		bucket := expires>>shift + 1
		fires := bucket << shift
		if r.IntN(8) == 0 { // armed for a moment that has passed
			expires, level, bucket, fires = clk-r.Uint64N(50)-1, 0, clk, clk
		}
		slot := uint16(level*size) + uint16(bucket%size)
		if got := probe.Firing(expires, slot); got != fires {
			t.Fatalf("armed at %d for %d in slot %d: goes off at %d, want %d", clk, expires, slot, got, fires)
		}
	}
}
