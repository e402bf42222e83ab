package forecast

import (
	"slices"
	"time"

	"github.com/closewait/closewait/tcp"
)

// Grain infers the length of a jiffy from the times that sockets report: all are whole jiffies, so that with 250 of them a second each is a multiple of 4 ms. The zero Grain
// has seen nothing.
type Grain struct {
	times                  [enough]int64 // in milliseconds, each once: equal ones are often of one event
	seen, by4, by10, by300 int
}

// enough is how many times are looked at: more say no more.
const enough = 64

// Add takes the times of one socket into account. Its time-out is none of them: those of many sockets are the same few.
func (g *Grain) Add(s *tcp.Socket) {
	for _, f := range [...]tcp.Field{tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv} {
		if d, ok := s.Info.Duration(f); ok {
			g.take(d)
		}
	}
	if s.Timer.Kind != tcp.TimerNone {
		g.take(s.Timer.Expires)
	}
}

// take counts a time unless it was counted already.
func (g *Grain) take(d time.Duration) {
	ms := d.Milliseconds()
	if ms <= 0 || g.Sure() || slices.Contains(g.times[:g.seen], ms) {
		return
	}
	g.times[g.seen] = ms
	g.seen++
	if ms%4 == 0 {
		g.by4++
	}
	if ms%10 == 0 {
		g.by10++
	}
	if r := ms % 10; r == 0 || r == 4 || r == 7 {
		g.by300++ // jiffies_to_msecs rounds up
	}
}

// Sure reports whether no more times need to be looked at.
func (g *Grain) Sure() bool { return g.seen >= enough }

// HZ returns the number of jiffies a second (CONFIG_HZ), 0 when too little was seen. The chance of a coarser one than the true one is below 1 in 1000.
func (g *Grain) HZ() int {
	const few, more = 5, 8 // of times that are arbitrary, one in four is such a multiple, and three in ten fit 300
	switch {
	case g.seen < few:
		return 0
	case g.by10 == g.seen:
		return 100
	case g.by4 == g.seen:
		return 250
	case g.by300 < g.seen:
		return 1000
	case g.seen >= more:
		return 300
	}
	return 0
}
