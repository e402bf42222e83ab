package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// retransmission is the answer while unacknowledged data or a FIN are in flight (tcp_retransmit_timer, tcp_write_timeout).
func (v *view) retransmission() Ends {
	ends := Ends{By: ByRetransmission, Reason: reasonNoLimit}
	t, ok := v.timeout()
	if !ok {
		if v.orphan {
			ends.By = ByOrphan
		}
		return ends
	}
	if v.rto == 0 {
		return v.guess(t)
	}
	p := plan{retransmits: v.retransmits, rto: v.rto, armed: v.rto, timeout: t}
	local, clamped := v.running(&p)
	p.elapsed = v.elapsed(&p)
	p.elapsed.look[early] -= v.ragged // the jiffy that is counted from may have begun that much before
	if clamped && t.user == 0 {
		return v.clamped(&p)
	}
	v.cutShort(&p)
	v.overdue(p.armed)
	f := v.followPath(&p)
	if !f.known {
		return ends
	}
	v.describe(&ends, &p, &f, local)
	return ends
}

// followPath follows the time-outs on a path that swallows everything, or to a next hop that does not answer.
func (v *view) followPath(p *plan) fate {
	n := &v.options.Neighbour
	switch {
	case !n.Known || !n.Value.silent() || p.interval > 0 || v.thin():
	case p.retransmits > 0:
		p.waiting = true
		return v.followWaiting(p)
	default:
		return v.soonWaiting(v.follow(p))
	}
	return v.followThin(p)
}

// running finds out how far ahead the running timer was armed. Payload went out when it was armed, so that the time since then and the time left
// make up its length.
func (v *view) running(p *plan) (local, clamped bool) {
	length := v.sent + v.expires
	telling := v.payloadSent() && (v.expires > 0 || v.hangs) && v.retransmits > 0
	pause := v.Clock.jiffies(localInterval)
	paused := telling && near(length, pause) || v.payloadSent() && v.expires <= 0 && v.sent >= pause && v.sent <= pause+v.Clock.widest(pause)
	switch {
	case paused && v.backoff < v.retransmits && !v.undoubled(length):
		p.armed, p.interval, local = pause, pause, true
	case telling && v.backoff == v.retransmits && length+v.Clock.jiffies(v.Rough) < v.rto-slotOf(v.rto)-2:
		p.armed, clamped = length, true
	}
	return local, clamped
}

// undoubled says whether the running timer is that of a thin stream, as long as its time-out.
func (v *view) undoubled(length int64) bool {
	return v.thin() && (near(length, v.rto) || v.expires <= 0 && v.sent >= v.rto && v.sent <= v.rto+v.Clock.widest(v.rto))
}

// cutShort finds out how far ahead the timer was armed where TCP_USER_TIMEOUT is known and may have cut it short: that was so unless the option was
// set since.
func (v *view) cutShort(p *plan) {
	if p.timeout.user == 0 || !p.timeout.clamp || p.retransmits == 0 || p.interval > 0 {
		return
	}
	tick := v.tick
	rest := p.timeout.user - p.elapsed.look[likely]
	switch length := v.sent + v.expires; {
	case v.payloadSent() && v.expires > 0:
		p.armed = min(length, v.rto)
	case v.payloadSent():
		cut := min(v.rto, max(v.Clock.jiffiesUp(rest+time.Duration(v.sent)*tick), 1))
		unsure := v.Clock.jiffies(p.elapsed.look[late] - p.elapsed.look[early])
		if v.sent-cut > slotOf(cut+outside)+1+unsure { // cut short, it would have fired: the option came later
			cut = v.rto
		}
		p.armed = cut
		v.overdue(p.armed)
	case near(v.Clock.jiffiesUp(rest), v.expires):
		// A FIN alone: the timer ends with the option's time. Where the last firing was shows how far ahead it was armed.
		p.cut = true
		low, base, high := v.bases()
		spent := v.passedFrom(p, low, base, high)
		if v.Clock.Known && v.Clock.unsure == 0 && p.elapsed.source == Exact {
			exactly := v.retrace(p, base)
			spent = [lanesLength]int64{exactly, exactly, exactly + 1}
		}
		for lane, jiffies := range spent {
			p.cuts[lane] = min(v.rto, max(v.Clock.jiffiesUp(p.timeout.user-time.Duration(jiffies)*tick), v.expires))
		}
		p.armed = p.cuts[likely]
	}
	p.cut = p.cut || p.armed < v.rto && near(v.Clock.jiffiesUp(rest), v.expires) || p.armed <= 1
}

func near(a, b int64) bool { return a-b <= 2 && b-a <= 2 }

// follow walks from the running timer. With nothing retransmitted by a time-out yet, that may be a tail loss probe, after which the time-out starts
// anew.
func (v *view) follow(p *plan) fate {
	before := int64(1)
	if p.retransmits > 1 && p.interval == 0 {
		before = slotOf(p.rto / 2)
	}
	if p.cuts[early] != p.cuts[late] {
		before = 1 // when the last firing was is not known well enough to tell its slot
	}
	if p.retransmits > 0 {
		l := v.firing(p.armed, before)
		if p.cuts[likely] > 0 {
			l.include(v.firing(p.cuts[early], before))
			l.include(v.firing(p.cuts[late], before))
		}
		return p.walk(&l, v.rtoMax)
	}
	l := v.firing(v.shortened()+outside, before)
	probe := v.lossProbe()
	if probe == no {
		return p.walk(&l, v.rtoMax)
	}
	after := l
	after.arm(p.rto) // from the probe on: icsk_pending is 0 when tcp_send_loss_probe calls tcp_rearm_rto
	probed := p.walk(&after, v.rtoMax)
	if probe == yes {
		return probed
	}
	plain := p.walk(&l, v.rtoMax)
	if probe == unlikely {
		return plain.or(probed)
	}
	return probed.or(plain)
}

// describe fills in an answer from a fate.
func (v *view) describe(e *Ends, p *plan, f *fate, local bool) {
	e.Kind = At
	v.moments(e, *f, p.elapsed.phase)
	unreachable := !local && !p.waiting && v.unreachable()
	unsent := !local && !p.waiting && v.unsent()
	e.Error, e.Elapsed = v.errorOf(unreachable || p.told), p.elapsed.source
	if unsent || p.untold {
		e.Error = ""
	}
	e.By, e.Limit = v.decided(&p.timeout, f.capped)
	switch {
	case e.By == ByUserTimeout:
		e.Reason = reasonUserTimeout
	case e.By == ByOrphan:
		e.Reason = reasonOrphan
	case local:
		e.Reason = reasonLocalDrop
	case p.waiting:
		e.Reason = reasonNeighbour
	case unsent:
		e.Reason = reasonUnsent
	case unreachable:
		e.Reason = reasonUnreachable
	case v.retransmits == 0:
		e.Reason = reasonRetransmitNew
	default:
		e.Reason = reasonRetransmit
	}
	if (unreachable || unsent) && p.retransmits > 0 {
		// Each report recalculates the time-out and rearms the timer (tcp_ld_RTO_revert), so that firings come earlier, or up to a whole time-out later; the limit
		// stays. What waits for a neighbour is not sent again (skb_still_in_host_queue), and the report follows when the neighbour is given up. However the firings
		// move, the last before the limit waits no longer than it would have. Where nothing was sent again the time counts from when the segment was sent first
		// (tcp_retransmit_skb).
		spent := p.elapsed.most()
		if unsent {
			spent += time.Duration(v.base()) * v.tick
		}
		e.Earliest = min(e.Earliest, max(f.limit-spent, 0))
		e.Latest = max(e.Latest, f.limit-p.elapsed.look[early]+time.Duration(f.waited+slotOf(f.waited))*v.tick)
	}
	v.doubt(e)
}

// decided names the mechanism and the setting.
func (v *view) decided(t *timeout, capped bool) (by string, limit Limit) {
	switch {
	case t.user > 0:
		return ByUserTimeout, Limit{"TCP_USER_TIMEOUT", t.user.Milliseconds(), t.user}
	case v.orphan:
		return ByOrphan, Limit{"tcp_orphan_retries", t.sysctl, t.at(capped)}
	case v.socket.State == tcp.SynSent:
		return ByRetransmission, Limit{"tcp_syn_retries", t.sysctl, t.at(capped)}
	}
	return ByRetransmission, Limit{"tcp_retries2", t.sysctl, t.at(capped)}
}

// timeout computes the limits of the socket; ok is false when the deciding sysctl is not known.
func (v *view) timeout() (t timeout, ok bool) {
	rtoMax := time.Duration(v.rtoMax) * v.tick
	t.count = -1
	if v.negotiated(optionUsec) {
		t.grace = v.tick
	}
	if user := v.options.UserTimeout; user.Known && user.Value > 0 {
		t.user, t.clamp = user.Value, v.Kernel.has(factClamp, &v.socket.Info)
		return t, true
	}
	if v.orphan {
		if !v.Limits.OrphanRetries.Known {
			return t, false
		}
		t.sysctl = v.Limits.OrphanRetries.Value
		t.growing = modelTimeout(v.orphanRetries(true), rtoMinimum, rtoMax)
		t.capped = modelTimeout(v.orphanRetries(false), rtoMinimum, rtoMax)
		return t, true
	}
	t.sysctl = v.Limits.Retries2.Value
	t.growing = modelTimeout(t.sysctl, rtoMinimum, rtoMax)
	t.capped = t.growing
	return t, v.Limits.Retries2.Known
}
