package forecast

import (
	"math"
	"math/bits"
	"time"

	"github.com/closewait/closewait/tcp"
)

// persist is the answer while the kernel probes a closed window, or has data that did not leave this host (tcp_probe_timer). Every acknowledgement
// sets the count of unanswered probes back to 0, so a peer that answers keeps the socket for ever, unless TCP_USER_TIMEOUT is set or nobody holds
// the socket.
func (v *view) persist() Ends {
	ends := Ends{By: ByPersist, Earliest: v.socket.Timer.Expires, Reason: reasonPersistOpen}
	user := v.options.UserTimeout.Value
	peer := v.peer()
	switch {
	case user > 0 || v.orphan:
		return v.endsAnyway(peer)
	case peer == answering:
		return v.keptAlive(reasonPersistAlive)
	case peer == silent || v.Limits.Retries2.Known && v.probes >= v.Limits.Retries2.Value:
		return v.probesEnd(false)
	}
	return ends
}

// answer is what is known of the peer's answers to probes.
type answer uint8

const (
	untold    answer = iota
	answering        // it answered a probe, and none is overdue
	silent           // probes are unanswered
)

// peer judges by the count of unanswered probes. One alone says little: it may be on its way, and peers limit their answers to one in 500 ms
// (tcp_invalid_ratelimit).
func (v *view) peer() answer {
	switch {
	case v.probes >= 2:
		return silent
	case v.probes == 0 && v.backoff > 0:
		return answering
	case v.probes == 1 && v.backoff >= 2 && v.hasAcked && v.rto > 0:
		sinceProbe := v.probeInterval(v.backoff) - v.expires
		answeredBefore := v.acked <= sinceProbe+v.probeInterval(v.backoff-1)
		if answeredBefore && sinceProbe <= v.Clock.jiffies(localInterval) {
			return answering
		}
	}
	return untold
}

// probeInterval is tcp_probe0_when: at least 200 ms, doubled at each probe, at most the longest time-out.
func (v *view) probeInterval(backoff int64) int64 {
	if v.probeFirst == 0 {
		floor := v.Clock.jiffies(rtoMinimum)
		v.probeFirst, v.probeDoublings = max(v.rto, floor), int64(bits.Len64(uint64(max(v.rtoMax/floor, 1))))
	}
	return min(v.probeFirst<<min(max(backoff, 0), v.probeDoublings), v.rtoMax)
}

// leastBackoff is what the back-off of a socket that probes must have come to: each probe raised it, and no more is left of the timer than its length.
func (v *view) leastBackoff() int64 {
	backoff := v.probes
	for v.probeInterval(backoff) < min(v.expires-1, v.rtoMax) {
		backoff++
	}
	return backoff
}

// probesTime is what a number of unanswered probes amounts to from the first on: each is waited for once, and the last as well.
func (v *view) probesTime(probes int64) time.Duration {
	jiffies := int64(0)
	for n := range min(probes, 255) {
		jiffies += v.probeInterval(n + 1)
	}
	return time.Duration(jiffies) * v.tick
}

// endsAnyway is the answer when nobody holds the socket, or TCP_USER_TIMEOUT is set: it ends even if the peer answers, only sooner if it is silent.
func (v *view) endsAnyway(peer answer) Ends {
	if peer != untold {
		return v.probesEnd(peer == answering)
	}
	ends, other := v.probesEnd(false), v.probesEnd(true)
	switch {
	case ends.Kind == At && other.Kind == At:
		if other.Best < ends.Earliest || other.Best > ends.Latest {
			ends.Also = other.Best
		}
		ends.Earliest, ends.Latest = min(ends.Earliest, other.Earliest), max(ends.Latest, other.Latest)
	case ends.Kind == At:
		// If the peer answers, the socket outlives every probe.
		return Ends{By: ends.By, Earliest: ends.Earliest, Reason: ends.Reason}
	}
	return ends
}

// probesEnd walks from probe to probe, with a peer that answers each or none.
func (v *view) probesEnd(answered bool) Ends {
	ends := Ends{By: ByPersist, Earliest: v.socket.Timer.Expires, Reason: reasonPersistOpen}
	if v.orphan {
		ends.By, ends.Reason = ByOrphan, reasonPersistOrphan
	}
	if v.rto == 0 || !v.Limits.Retries2.Known || v.orphan && !v.Limits.OrphanRetries.Known {
		return ends
	}
	w := v.probeWalk(answered, v.uncounted(answered))
	verdict := w.run()
	if verdict == goesOn {
		if answered && w.user == 0 {
			return v.keptAlive(reasonPersistAlive)
		}
		return ends
	}
	ends.Kind, ends.Error = At, v.errorOf(v.options.SoftError.Value != 0)
	at := w.lanes.moment()
	at.also = w.lanes.elsewhere()
	v.moments(&ends, at, v.into())
	v.explainProbes(&ends, &w, verdict)
	if w.uncounted > 0 && verdict == userTimedOut {
		fewest := v.probeWalk(answered, 0)
		fewest.run()
		ends.Latest = max(ends.Latest, time.Duration(fewest.lanes.last()+fewest.spread+fewest.slot+1)*v.tick)
	}
	if !v.backedOff() { // probes that were answered have raised it, and are not counted
		longest := v.probeWalk(answered, 0)
		longest.backoff = v.Limits.Retries2.Value
		longest.run()
		ends.Latest = max(ends.Latest, time.Duration(longest.lanes.last()+1)*v.tick)
	}
	v.doubt(&ends)
	return ends
}

// uncounted is how many probes went out since the back-off stopped growing, which it does at tcp_retries2 (tcp_send_probe0): as many as fit into the time since data
// were sent last, for then the window closed.
func (v *view) uncounted(answered bool) (probes int64) {
	if v.options.UserTimeout.Value == 0 || v.options.Probing.Known || !v.hasSent || v.backoff == 0 || v.backoff < v.Limits.Retries2.Value {
		return 0
	}
	first, interval := v.probeInterval(0), v.probeInterval(v.backoff)
	counted := v.probeWalk(answered, 0)
	// The running one may have been cut short, so that there is room for one more than whole intervals say.
	probes = min(max((v.sent-first-counted.stamp)/interval, 0)+1, mostFirings)
	for ; probes > 0; probes-- {
		if w := v.probeWalk(answered, probes); w.stamp <= v.sent-first+w.spread {
			break
		}
	}
	return probes
}

func (v *view) explainProbes(e *Ends, w *probeWalk, verdict probeVerdict) {
	switch {
	case verdict == userTimedOut:
		e.By, e.Reason, e.Elapsed = ByUserTimeout, reasonUserTimeout, Reconstructed
		e.Limit = Limit{"TCP_USER_TIMEOUT", w.user.Milliseconds(), w.user}
		if v.options.Probing.Known {
			e.Elapsed = Exact
		}
		// Otherwise when the probes began is summed up from their intervals, and the last is cut short to fit.
		spread := time.Duration(w.spread+(w.slot+1)*(1+2*v.Clock.unsure)) * v.tick
		e.Earliest, e.Latest = max(e.Earliest-spread, 0), e.Latest+spread
		// Those at the end of the doubling are not counted.
		if v.backoff >= v.Limits.Retries2.Value && !v.options.Probing.Known {
			e.Elapsed, e.Earliest = Bounded, v.socket.Timer.Expires
		}
		if longer := v.postponed(w); longer > 0 {
			e.Elapsed, e.Earliest = Bounded, min(e.Earliest, max(e.Earliest-time.Duration(longer)*v.tick, v.socket.Timer.Expires))
		}
	case v.orphan:
		e.Limit = Limit{"tcp_orphan_retries", v.Limits.OrphanRetries.Value, v.probesTime(v.orphanRetries(true))}
	default:
		e.Limit = Limit{"tcp_retries2", v.Limits.Retries2.Value, v.probesTime(v.Limits.Retries2.Value)}
		e.Reason = reasonPersistSilent
		if v.unsentHere() {
			e.Reason = reasonPersistLocal
		}
	}
	if v.unsentHere() && !v.options.SoftError.Known && !v.overIPv4() {
		e.Error = "" // a firewall leaves none, a route that fails leaves its own (inet6_csk_xmit)
	}
}

// postponed is how much longer the probes may have lasted than their intervals come to: whatever arrives from the peer arms the timer anew (tcp_ack_probe), a FIN once and payload
// each time.
func (v *view) postponed(w *probeWalk) int64 {
	if v.options.Probing.Known || v.backoff == 0 {
		return 0
	}
	began := w.stamp
	longest := int64(0)
	if tcp.SetOf(tcp.CloseWait, tcp.LastAck, tcp.Closing).Has(v.socket.State) {
		longest = v.probeInterval(v.backoff)
	}
	if received, ok := v.since(tcp.LastDataRecv); ok && received < began {
		longest = math.MaxInt32
	}
	if v.hasSent { // the window closed after that
		longest = min(longest, v.sent-v.probeInterval(0)-began)
	}
	return max(longest, 0)
}

// unsentHere says whether what is probed for does not leave this host: the window is open. One smaller than a segment counts as closed, too (tcp_snd_wnd_test).
func (v *view) unsentHere() bool {
	window := v.uint(tcp.SndWnd)
	return window > 0 && window >= min(v.uint(tcp.SndMSS), int64(v.socket.SendQueue))
}

// probeWalk is the state of a socket that probes: icsk_probes_out, icsk_backoff, icsk_probes_tstamp.
type probeWalk struct {
	*view
	lanes           lanes
	answered        bool
	user            time.Duration
	probes, backoff int64
	stamped         bool
	stamp           int64 // since the first probe, at the look
	spread, slot    int64 // how far that may be off, and the slot of the last timer
	uncounted       int64 // probes among them that the back-off does not count
}

type probeVerdict uint8

const (
	goesOn probeVerdict = iota
	countedOut
	userTimedOut
)

func (v *view) probeWalk(answered bool, uncounted int64) probeWalk {
	w := probeWalk{view: v, answered: answered, user: v.options.UserTimeout.Value, probes: v.probes, backoff: v.backoff, uncounted: uncounted}
	if answered {
		w.probes = 0
	}
	armed, before := v.probeInterval(v.backoff), int64(1)
	if v.backoff > 1 && !answered { // an answer arms the timer anew when it comes (tcp_ack_probe), which is at no slot
		before = slotOf(v.probeInterval(v.backoff - 1))
	}
	w.stamped = v.backoff > 0
	for i := int64(1); i < v.backoff+uncounted; i++ {
		interval := v.probeInterval(min(i, v.backoff))
		w.stamp += interval + slotOf(interval)/2
		w.spread += slotOf(interval) - slotOf(interval)/2
	}
	expires := v.expires
	if w.stamped {
		armed = max(w.clamp(armed, w.stamp), expires)
		if past := v.acked - armed; answered && v.hasAcked && expires == 0 && past > 0 && past <= slotOf(armed) {
			expires = -past // the answer came right after the probe: the timer is overdue and waits for its slot
		}
		w.stamp += armed - expires
		if expires == 0 { // and may wait for its slot since, for nobody knows how long
			w.stamp += slotOf(armed) / 2
			w.spread += slotOf(armed) - slotOf(armed)/2
		}
	} else {
		armed += outside
		w.spread += slotOf(armed) // the first firing, from which the option counts, may be served late
	}
	if began := v.options.Probing; began.Known && w.stamped {
		w.stamp, w.spread = v.Clock.jiffies(began.Value)-v.expires, 0
	}
	w.slot = slotOf(armed + w.spread)
	w.lanes = start(&v.Clock, armed, expires, before)
	if v.hangs {
		w.lanes = v.firing(armed, before)
	}
	return w
}

// run is tcp_probe_timer, firing after firing.
func (w *probeWalk) run() probeVerdict {
	for range mostFirings {
		now := w.lanes.now[likely]
		switch {
		case !w.stamped:
			w.stamped, w.stamp = true, -now
		case w.user > 0 && w.stamp+now >= w.Clock.jiffiesUp(w.user):
			return userTimedOut
		}
		if w.spent() {
			return countedOut
		}
		if backoff := w.backoff; !w.send() && w.backoff == backoff && w.user == 0 {
			return goesOn // nothing counts up any more
		}
	}
	return goesOn
}

// spent compares the probes with their limit.
func (w *probeWalk) spent() bool {
	most := w.Limits.Retries2.Value
	if w.orphan {
		alive := min(w.rto<<min(w.backoff, 32), w.rtoMax) < w.rtoMax
		most = w.orphanRetries(alive)
		if !alive && w.backoff >= most {
			return true
		}
	}
	return w.probes >= most
}

// send is tcp_send_probe0: the back-off grows no further than tcp_retries2. It says whether the probe is left unanswered.
func (w *probeWalk) send() (unanswered bool) {
	if !w.answered {
		w.probes++
	}
	if w.backoff < w.Limits.Retries2.Value {
		w.backoff++
	}
	wait := w.clamp(w.probeInterval(w.backoff), w.stamp+w.lanes.now[likely])
	gap := w.lanes.last() - w.lanes.first()
	w.slot = gap + slotOf(wait+gap+w.spread)
	w.lanes.arm(wait)
	return !w.answered
}

// clamp is tcp_clamp_probe0_to_user_timeout.
func (w *probeWalk) clamp(wait, elapsed int64) int64 {
	const least = 2 // TCP_TIMEOUT_MIN
	if w.user == 0 || !w.Kernel.has(factProbesStamp, &w.socket.Info) {
		return wait
	}
	return min(wait, max(w.Clock.jiffiesUp(w.user)-elapsed, least))
}
