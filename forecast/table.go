package forecast

import "time"

// Path is what a table of times is computed for.
type Path struct {
	RTT    time.Duration // round-trip time: the first time-out is this much above its minimum
	RTO    time.Duration // the first time-out itself, if not 0
	RTOMax time.Duration // 120 s if 0
	HZ     int           // 250 if 0
}

// Row says what one value of tcp_retries2 means on a path.
type Row struct {
	Retries2 int
	// Model is the limit the kernel makes of it: see [Timeout].
	Model time.Duration
	// Dies is the time from the first retransmission to the end: that of the first firing beyond the limit. Earliest and Latest are the interval
	// that the lateness of timers leaves.
	Dies, Earliest, Latest time.Duration
	// Also is a second likely time, 0 when there is none.
	Also time.Duration
	// FromSend is the time from sending the data: a tail loss probe and the first time-out come before.
	FromSend time.Duration
	// Retransmits is the count tcp_info shows just before the end.
	Retransmits int
}

// mostRetries2 is the last row of a table.
const mostRetries2 = 20

// Table computes for each tcp_retries2 from 0 to 20 when a connection on the path dies whose peer has vanished.
func Table(path Path) []Row {
	clock := Clock{HZ: path.HZ}
	if clock.HZ <= 0 {
		clock.HZ = 250
	}
	rtoMax := path.RTOMax
	if rtoMax <= 0 {
		rtoMax = rtoMaxDefault
	}
	rto := path.RTO
	if rto <= 0 {
		rto = path.RTT + rtoMinimum
		if path.RTT == 0 {
			rto += time.Microsecond // any round trip takes some time, and a time-out is rounded up
		}
	}
	clock.period = clock.tick()
	first := min(clock.jiffiesUp(rto), clock.jiffies(rtoMax))
	rows := make([]Row, 0, mostRetries2+1)
	for n := range mostRetries2 + 1 {
		rows = append(rows, rowOf(clock, n, path.RTT, first, rtoMax))
	}
	return rows
}

func rowOf(clock Clock, retries int, rtt time.Duration, first int64, rtoMax time.Duration) Row {
	limit := Timeout(retries, rtoMax)
	longest := clock.jiffies(rtoMax)
	// The look is taken to come at the very first retransmission.
	p := plan{retransmits: 1, rto: min(2*first, longest), timeout: timeout{growing: limit, capped: limit, count: -1}}
	p.armed = p.rto
	l := start(&clock, p.armed, p.rto, slotOf(first))
	f := p.walk(&l, longest)
	tick := clock.tick()
	row := Row{
		Retries2: retries, Model: limit, Dies: time.Duration(f.best) * tick, Also: time.Duration(f.also) * tick,
		Earliest: time.Duration(f.first) * tick, Latest: time.Duration(f.last) * tick, Retransmits: int(f.count),
	}
	probe := min(clock.jiffiesUp(2*rtt+rtoMinimum), first)
	before := probe + (slotOf(probe)+1)/2 + first + (slotOf(first)+1)/2
	row.FromSend = row.Dies + time.Duration(before)*tick
	return row
}
