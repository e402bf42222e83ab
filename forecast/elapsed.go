package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// elapsed is the time since the first retransmission (now - retrans_stamp), as the limits are compared with it.
type elapsed struct {
	source Source
	// look is the time at the look for each lane, set back to the jiffy the look came in: firings come at jiffies.
	look [lanesLength]time.Duration
	// below and above are how far the time may be off by the rounding of the kernel's milliseconds.
	below, above time.Duration
	// phase is how far into that jiffy the look came.
	phase time.Duration
}

// stampJitter is how far two readings of the kernel's milliseconds may be off their jiffies.
const stampJitter = time.Millisecond

// most is the longest time that may have passed at the look.
func (e *elapsed) most() time.Duration { return e.look[late] + e.above + e.phase }

// at returns the least elapsed time when the timer fires, and the likely one.
func (e *elapsed) at(l *lanes) (least, middle time.Duration) {
	a, m, b := e.each(l)
	return min(a, m, b, a-e.between(l, a, b)) - e.below, m
}

// atMost is the longest that it can be then.
func (e *elapsed) atMost(l *lanes) time.Duration {
	a, m, b := e.each(l)
	return max(a, m, b, b+e.between(l, a, b)) + e.above
}

// between is by how much the time may be less than in the early lane, or more than in the late one, where the late one has come to another slot: what began between them, or was read between,
// may have come to either.
func (e *elapsed) between(l *lanes, a, b time.Duration) time.Duration {
	if b <= a || l.modulus < known { // where slots are not known, either lane has the extreme of each
		return 0
	}
	return max(e.look[early]-e.look[late], 0) + time.Duration(l.clock.unsure)*l.tick
}

func (e *elapsed) each(l *lanes) (a, m, b time.Duration) {
	tick := l.tick
	return e.look[early] + time.Duration(l.now[early])*tick, e.look[likely] + time.Duration(l.now[likely])*tick, e.look[late] + time.Duration(l.now[late])*tick
}

// begin sets the stamp at this firing: in each lane at its own.
func (e *elapsed) begin(l *lanes) {
	tick := l.tick
	for i := range e.look {
		e.look[i] = -time.Duration(l.now[i]) * tick
	}
	// This firing may be served a jiffy late and the later ones not, or the other way round.
	e.look[late] -= l.tick
	e.below, e.above = max(l.tick, stampJitter), max(l.tick, stampJitter)
}

// clamp is tcp_clamp_rto_to_user_timeout: the time-out cut short to what the user time-out leaves, at least a jiffy. What was cut short ends the
// socket, because the wheel never fires early.
func (e *elapsed) clamp(l *lanes, user time.Duration, rto int64) (jiffies [lanesLength]int64, cut bool) {
	tick := l.tick
	cut = true
	for i := range jiffies {
		rest := user - e.look[i] - time.Duration(l.now[i])*tick
		jiffies[i] = min(rto, max(l.clock.jiffiesUp(rest), 1))
		cut = cut && jiffies[i] < rto
	}
	return jiffies, cut
}

// elapsed finds the best source there is.
func (v *view) elapsed(p *plan) elapsed {
	e := elapsed{phase: v.into()}
	if p.retransmits == 0 {
		return v.recovering(p, e)
	}
	if d, ok := v.stampedElapsed(); ok {
		return v.apart(d)
	}
	if d, ok := v.timedElapsed(); ok {
		return v.exactly(d)
	}
	e = v.reconstruct(p)
	if total, ok := v.socket.Info.Duration(tcp.TotalRTOTime); ok && total > 0 {
		// All recoveries together, the running one among them, are no shorter than it.
		for i := range e.look {
			e.look[i] = min(e.look[i], total)
		}
	}
	return e
}

// recovering is the elapsed time before the first time-out: none, unless a fast retransmission or a recovery that made some progress has set the
// stamp already. Then that was about when the last acknowledgement came, or earlier.
func (v *view) recovering(p *plan, e elapsed) elapsed {
	const recovery = 3 // TCP_CA_Recovery; TCP_CA_Loss is 4
	if v.uint(tcp.CAState) < recovery || !v.hasAcked {
		return e
	}
	p.stamped = true
	rtt, _ := v.socket.Info.Duration(tcp.RTT)
	acked := time.Duration(v.acked) * v.tick
	e.source, e.look = Bounded, [lanesLength]time.Duration{early: acked, likely: acked + rtt, late: acked + time.Duration(v.rto)*v.tick}
	return e
}

// exactly is an elapsed time known to the millisecond. What exceeds whole jiffies is how far into its jiffy the look came, because the stamp was set
// when a timer fired, at the beginning of one.
func (v *view) exactly(d time.Duration) elapsed {
	e := elapsed{source: Exact, phase: v.into(), below: stampJitter, above: stampJitter}
	tick := v.tick
	if v.Clock.HZ == 0 {
		e.look = [lanesLength]time.Duration{d - tick, d - tick/2, d}
		return e
	}
	if v.Clock.Known && v.Clock.unsure == 0 {
		return v.sinceTick(d)
	}
	whole := d / tick * tick
	e.phase = d - whole
	e.look = [lanesLength]time.Duration{whole, whole, whole}
	// Near the edge of a jiffy the whole milliseconds may belong to the next.
	if e.phase < stampJitter {
		e.below = tick
	}
	if e.phase+stampJitter >= tick {
		e.above = tick
	}
	return e
}

// sinceTick is an elapsed time known to the millisecond at a moment known within its jiffy: the stamp was set at the beginning of another, unless the
// handler was held up.
func (v *view) sinceTick(d time.Duration) elapsed {
	e := elapsed{source: Exact, phase: v.Clock.Into}
	whole := d / v.tick * v.tick
	switch off := d - whole - v.Clock.Into; {
	case v.Clock.Into >= 0 && off < -stampJitter:
		whole += off
		e.below, e.above = stampJitter, stampJitter
	case v.Clock.Into >= 0 && off > 2*stampJitter:
		e.below = v.tick // or the socket was read that much later than its table began to be
	}
	e.look = [lanesLength]time.Duration{whole, whole, whole}
	return e
}

// exactElapsed is the time since the first retransmission where it is known to the millisecond.
func (v *view) exactElapsed() (time.Duration, bool) {
	if d, ok := v.stampedElapsed(); ok {
		return d, true
	}
	return v.timedElapsed()
}

// timedElapsed is the time since the first time-out, at which the stamp is set as a rule.
func (v *view) timedElapsed() (time.Duration, bool) {
	total, ok := v.socket.Info.Duration(tcp.TotalRTOTime)
	return total, ok && v.uint(tcp.TotalRTORecoveries) == 1
}

// stampedElapsed is the time since the stamp itself, where that is not when the first time-out came: it was read, or nothing has been sent again yet, so that it is when the
// segment was sent first (tcp_retransmit_skb).
func (v *view) stampedElapsed() (time.Duration, bool) {
	if read := v.options.Elapsed; read.Known {
		timed, ok := v.timedElapsed()
		return read.Value, !ok || (read.Value-timed).Abs() > stampJitter
	}
	total, ok := v.socket.Info.Uint(tcp.TotalRetrans)
	if !ok || total > 0 || !v.payloadSent() || v.socket.State == tcp.SynSent {
		return 0, false
	}
	return v.socket.Info.Duration(tcp.LastDataSent)
}

// apart is an elapsed time whose stamp was set at any moment of a jiffy.
func (v *view) apart(d time.Duration) elapsed {
	e := elapsed{source: Exact, phase: v.into(), below: stampJitter, above: stampJitter}
	if !v.Clock.Known || v.Clock.unsure > 0 {
		e.below, e.above = max(v.tick, stampJitter), max(v.tick, stampJitter)
	}
	if v.Clock.HZ == 0 {
		e.below, e.above = coarsest, coarsest
	}
	since := d - e.phase
	e.look = [lanesLength]time.Duration{since, since, since}
	return e
}

// reconstruct sums up the time-outs that have passed since the first: nominal lengths, and the lateness each may have had.
func (v *view) reconstruct(p *plan) elapsed {
	e := elapsed{source: Reconstructed, phase: v.into()}
	running := p.armed - v.expires
	if v.payloadSent() {
		running = v.sent
	}
	low, base, high := v.bases()
	for lane, passed := range v.passedFrom(p, low, base, high) {
		e.look[lane] = time.Duration(passed+running) * v.tick
	}
	e.below, e.above = stampJitter, stampJitter
	if p.interval == 0 && v.unreachable() {
		// Undone back-offs leave no trace of how long the earlier time-outs were.
		e.source, e.look[early] = Bounded, time.Duration(running)*v.tick
	}
	return e
}

// passed sums up the time-outs between the first firing and the last, with the lateness of each lane.
func (v *view) passed(p *plan, rto int64) [lanesLength]int64 {
	thin, longest := v.thin(), max(v.rtoMax, p.rto) // TCP_RTO_MAX_MS may have been lowered since
	if p.interval > 0 {
		rto, longest = p.interval, p.interval
	}
	var least, middle, most int64
	for i := int64(1); i < p.retransmits; i++ {
		times := int64(1)
		switch {
		case rto >= longest:
			rto, times = longest, p.retransmits-i // and so are all the others
		case thin && i <= thinRetries:
		default:
			rto = min(2*rto, longest)
		}
		slot := slotOf(rto)
		widest := slot
		if v.Clock.HZ == 0 {
			widest = v.Clock.widest(rto)
		}
		least += times * (rto + 1)
		middle += times * (rto + (slot+1)/2)
		most += times * (rto + widest)
		i += times - 1
	}
	return [lanesLength]int64{early: least, likely: middle, late: most}
}

// passedFrom is passed with a time-out before back-off of its own for each lane.
func (v *view) passedFrom(p *plan, low, base, high int64) (jiffies [lanesLength]int64) {
	jiffies = v.passed(p, base)
	if low != base {
		jiffies[early] = v.passed(p, low)[early]
	}
	if high != base {
		jiffies[late] = v.passed(p, high)[late]
	}
	return jiffies
}

// retrace goes again from the first firing to the last, slot by slot, where the jiffy of the first is known.
func (v *view) retrace(p *plan, rto int64) (jiffies int64) {
	l := lanes{clock: &v.Clock, tick: v.tick, modulus: known}
	l.phase[likely] = (int64(v.Clock.Jiffies&(known-1)) - int64(p.elapsed.look[likely]/v.tick) + known) & (known - 1)
	thin, longest := v.thin(), max(v.rtoMax, v.rto)
	for i := int64(1); i < p.retransmits; i++ {
		if !thin || i > thinRetries {
			rto = min(2*rto, longest)
		}
		l.round(likely, rto, slotOf(rto))
	}
	return l.now[likely]
}

// lateness is how late a past firing was, of which only the length of the timer is known.
func (c *Clock) lateness(lane int, armed int64) int64 {
	switch lane {
	case early:
		return 1
	case likely:
		return (slotOf(armed) + 1) / 2
	}
	return c.widest(armed)
}

// base is the time-out before any back-off.
func (v *view) base() int64 {
	_, base, _ := v.bases()
	return base
}

// bases returns the range of the time-out before any back-off, and the likely value. While the back-off still doubles it, it is what is left when
// the doublings are undone; later it is estimated as tcp_set_rto and __tcp_set_rto compute it: from the round-trip time and its variation, which is
// never taken for less than the minimum.
func (v *view) bases() (low, base, high int64) {
	if v.backoff < 32 && (v.rto != v.rtoMax || v.backoff == 0) {
		base = max(v.rto>>v.backoff, 1)
		return base, base, base
	}
	rtt, ok := v.socket.Info.Duration(tcp.RTT)
	variation, _ := v.socket.Info.Duration(tcp.RTTVar)
	if !ok || rtt == 0 {
		return v.Clock.jiffiesUp(v.rtoMin()), v.Clock.jiffiesUp(rtoMinimum + 4*time.Millisecond), v.Clock.jiffies(3 * synTimeout)
	}
	floor := v.rtoMin()
	low = v.Clock.jiffiesUp(rtt + floor)
	base = v.Clock.jiffiesUp(rtt + max(floor, 4*variation))
	return low, base, base + base/4
}
