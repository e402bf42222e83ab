package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// shrunk says whether the peer took its window back with data in flight (tcp_retransmit_timer, the branch for "receiver dastardly shrinks window"):
// then the retransmissions are probes, they do not count, and tcp_retries2 is not consulted. Kernels before 5.4 do not report the window, but
// nothing else doubles without counting.
func (v *view) shrunk() bool {
	if v.orphan || v.uint(tcp.Unacked) == 0 {
		return false
	}
	if v.socket.Info.Has(tcp.SndWnd) {
		return v.zeroWindow()
	}
	return v.retransmits == 0 && v.backoff > 0
}

// windowShrunk is tcp_rtx_probe0_timed_out: the socket ends when TCP_USER_TIMEOUT is over, or when both nothing came from the peer and nothing was
// acknowledged for twice the longest time-out.
func (v *view) windowShrunk() Ends {
	ends := Ends{By: ByPersist, Earliest: v.socket.Timer.Expires, Reason: reasonPersistOpen}
	user := v.options.UserTimeout.Value
	running := v.rto - v.expires
	switch answered := v.hasAcked && v.backoff > 0 && v.acked <= running; {
	case user > 0:
	case answered:
		return v.keptAlive(reasonShrunkAlive)
	case !v.hasAcked || v.backoff < 2:
		return ends
	}
	v.overdue(v.rto)
	ends.Kind, ends.Error, ends.Reason, ends.Elapsed = At, v.errorOf(v.unreachable()), reasonShrunkSilent, Reconstructed
	if user > 0 {
		ends.By, ends.Limit, ends.Reason = ByUserTimeout, Limit{"TCP_USER_TIMEOUT", user.Milliseconds(), user}, reasonUserTimeout
	}
	low, base, high := v.bases()
	l, shortest, longest := v.shrunkWalk(user, base, likely), v.shrunkWalk(user, low, early), v.shrunkWalk(user, high, late)
	v.moments(&ends, min(l.first(), longest.first()), l.now[likely], max(l.last(), shortest.last()), v.into())
	for _, other := range [...]int64{longest.now[likely], shortest.now[likely]} {
		if other != l.now[likely] {
			ends.Also = time.Duration(other) * v.tick
		}
	}
	v.doubt(&ends)
	return ends
}

// shrunkWalk goes from firing to firing in one of the lanes.
func (v *view) shrunkWalk(user time.Duration, base int64, lane int) lanes {
	limit, stalled := v.silenceLimit(), v.stalled(base, lane)
	before := int64(1)
	if v.backoff > 1 {
		before = slotOf(v.rto / 2)
	}
	l := start(v.Clock, v.rto, v.expires, before)
	due, rto := v.expires, v.rto // the silence counts up to the nominal expiry
	if lane == late {
		stalled++ // each firing may be served a jiffy late
	}
	for range mostFirings {
		if v.rtxTimedOut(user, stalled+l.now[lane], v.acked+due, limit) {
			break
		}
		rto = min(2*rto, v.rtoMax)
		due = l.now[lane] + rto
		l.arm(rto)
	}
	return l
}

// rtxTimedOut is the kernel's test, in jiffies.
func (v *view) rtxTimedOut(user time.Duration, stalled, silent, limit int64) bool {
	if user > 0 {
		allowed := v.Clock.jiffiesUp(user)
		if stalled > allowed {
			return true
		}
		limit = min(limit, allowed)
	}
	if !v.Kernel.has(factShrunkTwice, &v.socket.Info) {
		return silent > limit
	}
	return silent > limit && stalled > limit
}

func (v *view) silenceLimit() int64 {
	if v.Kernel.has(factShrunkTwice, &v.socket.Info) {
		return 2 * v.rtoMax
	}
	return v.Clock.jiffies(rtoMaxDefault)
}

// stalled reconstructs the time since the first of these retransmissions.
func (v *view) stalled(rto int64, lane int) (jiffies int64) {
	for i := int64(1); i < v.backoff; i++ {
		rto = min(2*rto, v.rtoMax)
		jiffies += rto + v.Clock.lateness(lane, rto)
	}
	if v.payloadSent() {
		return jiffies + v.sent
	}
	return jiffies + v.rto - v.expires
}
