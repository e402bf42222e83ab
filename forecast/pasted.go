package forecast

import "time"

// guess is the answer for a socket of which only the timer, its rest and the count of retransmissions are known (netstat's three numbers).
// Everything then depends on the time-out before any back-off, so the forecast is made for all it usually is: from 200 ms on a local network to 3 s.
func (v *view) guess(t timeout) Ends {
	ends := Ends{By: ByRetransmission, Reason: reasonNoLimit}
	var all fate
	p := plan{retransmits: v.retransmits, timeout: t, elapsed: elapsed{source: Bounded, phase: v.into()}}
	for i, base := range [...]time.Duration{204 * time.Millisecond, rtoMinimum, synTimeout, 3 * synTimeout} {
		if !v.suppose(&p, v.Clock.jiffies(base)) {
			continue
		}
		l := v.firing(p.armed, max(slotOf(p.rto/2), 1))
		f := p.walk(&l, v.rtoMax)
		switch {
		case !f.known:
			return ends
		case !all.known:
			all = f
		default:
			all.first, all.last = min(all.first, f.first), max(all.last, f.last)
		}
		if i == 0 {
			all.also = 0
		}
	}
	if !all.known {
		return ends
	}
	p.rto, p.elapsed.look = v.rtoMax, [lanesLength]time.Duration{}
	v.describe(&ends, &p, &all, false)
	return ends
}

// suppose completes the picture with a time-out before back-off; it says no when that cannot be: more is left of the timer than its length.
func (v *view) suppose(p *plan, base int64) bool {
	rto := min(base<<min(v.retransmits, 20), v.rtoMax)
	if v.expires > rto {
		return false
	}
	p.rto, p.armed = rto, rto
	if p.retransmits > 0 {
		running := rto - v.expires
		passed := v.passed(p, base)
		for lane := range passed {
			p.elapsed.look[lane] = time.Duration(passed[lane]+running) * v.tick
		}
	}
	return true
}
