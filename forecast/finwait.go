package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// mini is the answer for the small stand-ins of TIME_WAIT and FIN_WAIT_2 (inet_twsk_schedule): their one timer removes them.
func (v *view) mini() Ends {
	ends := Ends{Kind: At, By: ByTimeWait, Reason: reasonMini}
	if v.socket.State == tcp.FinWait2 {
		ends.By = ByFinTimeout
	}
	armed := max(v.miniTime(), v.expires)
	l := v.firing(armed+outside, 1)
	if v.socket.State == tcp.FinWait2 && !v.options.Linger.Known {
		// TCP_LINGER2 may have armed it for less; nobody is left who could tell.
		l.include(v.firing(v.expires+outside, 1))
	}
	v.moments(&ends, l.moment(), v.into())
	// The timer cannot fire before what is left of it is over.
	ends.Earliest = max(ends.Earliest, v.socket.Timer.Expires)
	return ends
}

// miniTime is how far ahead a mini socket's timer was armed: the minute of TIME_WAIT, tcp_fin_timeout, or what of that exceeds a minute.
func (v *view) miniTime() int64 {
	whole := v.Limits.FinTimeout.Or(timeWaitTime)
	if linger := v.options.Linger; linger.Known && linger.Value > 0 {
		whole = linger.Value
	}
	switch {
	case v.socket.State != tcp.FinWait2:
		whole = timeWaitTime
	case whole > timeWaitTime:
		whole -= timeWaitTime
	}
	return v.Clock.jiffies(whole)
}

// finWait2 is the answer for a closed socket that waits for the peer's FIN longer than a minute. The excess over the minute runs on the keepalive
// timer of the full socket (tcp_rcv_state_process, tcp_close), and when that fires, once more on a mini socket's (tcp_keepalive_timer): 90 s come
// out as 60 s.
func (v *view) finWait2() Ends {
	ends := Ends{By: ByFinTimeout, Earliest: v.socket.Timer.Expires, Reason: reasonFinOpen}
	linger := v.options.Linger
	switch {
	case linger.Value < 0:
		return v.finEnds(0)
	case linger.Value > 0:
		return v.finEnds(v.finExcess(linger.Value))
	case !v.Limits.FinTimeout.Known:
		return ends
	}
	excess := v.finExcess(v.Limits.FinTimeout.Value)
	ends = v.finEnds(excess)
	if !linger.Known {
		v.ownLinger(&ends, excess)
	}
	return ends
}

// ownLinger widens the answer where the timer that runs is none that the setting arms: it asks for none, or for a longer one. It was armed for a TCP_LINGER2, or for what the setting was then.
func (v *view) ownLinger(e *Ends, excess int64) {
	longest := v.Clock.jiffies(lingerMax - timeWaitTime)
	if v.hasAcked { // it was armed when the FIN was acknowledged, or later
		longest = min(longest, v.expires+v.acked+v.Clock.jiffies(v.Rough))
	}
	if excess > 0 && longest+slotOf(longest) >= excess {
		return
	}
	other := v.finEnds(longest)
	if v.hasAcked {
		e.Also = other.Best
	}
	e.Latest = max(e.Latest, other.Latest)
	e.enclose()
}

// finExcess is what the time to wait for the peer's FIN exceeds a minute by; it is no shorter than three and a half time-outs (tcp_fin_time).
func (v *view) finExcess(whole time.Duration) int64 {
	return max(v.Clock.jiffies(whole), v.rto<<2-v.rto>>1) - v.Clock.jiffies(timeWaitTime)
}

// finEnds adds the mini socket's part, if any, to what runs now.
func (v *view) finEnds(excess int64) Ends {
	ends := Ends{Kind: At, By: ByFinTimeout, Reason: reasonFinShort}
	l := v.firing(max(excess, v.expires)+outside, 1)
	if excess > 0 {
		ends.Reason = reasonFinLong
		l.arm(excess)
	}
	v.moments(&ends, l.moment(), v.into())
	name, whole := "tcp_fin_timeout", v.Limits.FinTimeout
	if own := v.options.Linger; own.Value != 0 {
		name, whole, ends.Reason = "TCP_LINGER2", own, reasonLinger
	}
	if whole.Known {
		ends.Limit = Limit{name, int64(whole.Value / time.Second), max(whole.Value, 0)}
	}
	return ends
}
