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

// hidden says whether the peer may have taken its window back although neither the window nor the back-off is shown, as in /proc/net/tcp: nothing was retransmitted that
// counts, but the time-out is longer than one before any back-off is as a rule.
func (v *view) hidden() bool {
	const longest = 3 * synTimeout // TCP_TIMEOUT_FALLBACK
	return !v.orphan && v.retransmits == 0 && v.rto > v.Clock.jiffies(longest) && !v.socket.Info.Has(tcp.SndWnd) && !v.socket.Info.Has(tcp.Backoff)
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
	walks := v.shrunkWalks(user, [lanesLength]int64{early: low, likely: base, late: high})
	l, shortest, longest := &walks[likely], &walks[early], &walks[late]
	v.moments(&ends, fate{first: min(l.first(), longest.first()), best: l.now[likely], last: max(l.last(), shortest.last())}, v.into())
	for _, other := range [...]int64{longest.now[likely], shortest.now[likely]} {
		if other != l.now[likely] {
			ends.Also = time.Duration(other) * v.tick
		}
	}
	v.doubt(&ends)
	return ends
}

// shrunkWalks goes from firing to firing, up to where each of the lanes ends.
func (v *view) shrunkWalks(user time.Duration, bases [lanesLength]int64) (ended [lanesLength]lanes) {
	silence := v.silence(user)
	before := int64(1)
	if v.backoff > 1 {
		before = slotOf(v.rto / 2)
	}
	l := v.firing(v.rto, before)
	var stalled, due [lanesLength]int64
	for lane, base := range bases {
		stalled[lane], due[lane] = v.stalled(base, lane), v.expires // the silence counts up to the nominal expiry
	}
	stalled[late] += 2 // the firing before the look may have been served a jiffy late, and the one that ends it as well
	var over [lanesLength]bool
	rto := v.rto
	for range mostFirings {
		rto = min(2*rto, v.rtoMax)
		for lane := range over {
			if over[lane] {
				continue
			}
			ended[lane] = l
			silent := v.acked + due[lane]
			if !silence.both { // older kernels count up to the firing itself
				silent = v.acked + l.now[lane]
			}
			over[lane] = silence.over(stalled[lane]+l.now[lane], silent)
			due[lane] = l.now[lane] + rto
		}
		if over == [lanesLength]bool{true, true, true} {
			break
		}
		l.arm(rto)
	}
	return ended
}

// silence is what a peer that took its window back is allowed of it, in jiffies (tcp_rtx_probe0_timed_out).
type silence struct {
	user, limit int64 // TCP_USER_TIMEOUT, 0 for none
	both        bool  // nothing acknowledged for as long as nothing heard
}

func (v *view) silence(user time.Duration) silence {
	s := silence{both: v.Kernel.has(factShrunkTwice, &v.socket.Info), limit: v.Clock.jiffies(rtoMaxDefault)}
	if s.both {
		s.limit = 2 * v.rtoMax
	}
	if user > 0 {
		s.user = v.Clock.jiffiesUp(user)
		s.limit = min(s.limit, s.user)
	}
	return s
}

// over is the kernel's test.
func (s *silence) over(stalled, silent int64) bool {
	if s.user > 0 && stalled > s.user {
		return true
	}
	return silent > s.limit && (stalled > s.limit || !s.both)
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
