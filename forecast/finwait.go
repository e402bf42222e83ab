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
	if v.options.Linger.Known && v.options.Linger.Value < 0 {
		return v.finEnds(0)
	}
	whole := v.options.Linger
	if !whole.Known || whole.Value == 0 {
		whole = v.Limits.FinTimeout
	}
	if !whole.Known {
		return ends
	}
	// tcp_fin_time: no shorter than three and a half time-outs.
	length := max(v.Clock.jiffies(whole.Value), v.rto<<2-v.rto>>1)
	return v.finEnds(length - v.Clock.jiffies(timeWaitTime))
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
	if v.Limits.FinTimeout.Known {
		ends.Limit = Limit{"tcp_fin_timeout", int64(v.Limits.FinTimeout.Value / time.Second), v.Limits.FinTimeout.Value}
	}
	return ends
}
