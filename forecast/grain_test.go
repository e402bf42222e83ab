package forecast_test

import (
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
	"pgregory.net/rapid"
)

// TestGrain_HZ gives it times as the kernel makes them (jiffies_to_msecs): it says the right frequency or none.
func TestGrain_HZ(t *testing.T) {
	said := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.SampledFrom([]int{100, 250, 300, 1000}).Draw(t, "hz")
		ms := func(what string) uint64 {
			return uint64((rapid.IntRange(0, 1<<21).Draw(t, what)*1000 + hz - 1) / hz)
		}
		var g forecast.Grain
		for range rapid.IntRange(0, 40).Draw(t, "sockets") {
			s := tcp.Socket{Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Expires: time.Duration(ms("expires")) * time.Millisecond}}
			s.Info.Put(tcp.LastDataSent, ms("sent"))
			s.Info.Put(tcp.LastAckRecv, ms("acked"))
			g.Add(&s)
			g.Add(&s) // says nothing new
		}
		got := g.HZ()
		if got != 0 && got != hz {
			// Drawn values are small or equal oftener than chance has it: a coarser frequency whose multiples they all are is no mistake.
			if got > hz {
				t.Fatalf("said %d, is %d", got, hz)
			}
			t.Skip("all times happen to fit")
		}
		said[got]++
	})
	for _, hz := range []int{100, 250, 300, 1000} {
		if said[hz] == 0 {
			t.Errorf("never said %d: %v", hz, said)
		}
	}
}

// TestGrain_few says nothing where chance could have made it.
func TestGrain_few(t *testing.T) {
	var g forecast.Grain
	for i := range 4 {
		s := tcp.Socket{Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Expires: time.Duration(i+1) * 4 * time.Millisecond}}
		g.Add(&s)
	}
	if hz := g.HZ(); hz != 0 {
		t.Errorf("four times said %d", hz)
	}
}
