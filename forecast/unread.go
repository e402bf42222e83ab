package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// unread says that the socket's own options are not known, as those of other users' sockets and of sockets that nobody holds.
func (v *view) unread() bool { return !v.options.UserTimeout.Known }

// doubt widens the answer for a socket whose TCP_USER_TIMEOUT was not read: with one set it may end at any firing from the running timer's on, or later than
// the limit has it.
func (v *view) doubt(e *Ends) {
	if !v.unread() || e.Kind != At {
		return
	}
	e.Earliest = min(e.Earliest, max(v.socket.Timer.Expires-v.tick, 0))
	switch e.Reason {
	case reasonRetransmit:
		e.Reason = reasonRetransmit + unreadOption
	case reasonNeighbour:
		e.Reason = reasonNeighbour + unreadOption
	case reasonRetransmitNew:
		e.Reason = reasonRetransmitNew + unreadOption
	case reasonOrphan:
		e.Reason = reasonOrphan + unreadOption
	case reasonSyn:
		e.Reason = reasonSyn + unreadOption
	case reasonPersistSilent:
		e.Reason = reasonPersistSilent + unreadOption
	case reasonPersistOrphan:
		e.Reason = reasonPersistOrphan + unreadOption
	case reasonKeepaliveSilent:
		e.Reason = reasonKeepaliveSilent + unreadOption
	}
}

// keptAlive is the answer for a socket whose peer answers its probes: only TCP_USER_TIMEOUT could end it. Where that was not read nothing shows it before the last probe, whose
// interval is cut short to fit.
func (v *view) keptAlive(reason string) Ends {
	if v.unread() {
		switch reason {
		case reasonPersistAlive:
			reason = reasonPersistAlive + unreadNever
		case reasonShrunkAlive:
			reason = reasonShrunkAlive + unreadNever
		}
	}
	if !v.unread() || v.Assumed {
		return Ends{Kind: Never, Reason: reason}
	}
	return Ends{By: ByPersist, Earliest: v.socket.Timer.Expires, Reason: reason}
}

// ownRTOMax infers TCP_RTO_MAX_MS of a socket that was not read: where more time has passed since the first retransmission than doublings up to the present time-out
// make, that no longer doubles.
func (v *view) ownRTOMax(limit int64) int64 {
	if v.options.RTOMax.Known || !v.Limits.RTOMax.Known || v.retransmits < 2 || v.backoff != v.retransmits || v.backoff >= 32 || v.rto >= limit ||
		v.rto < v.Clock.jiffies(rtoMaxLeast) || v.zeroWindow() {
		return limit
	}
	elapsed, ok := v.exactElapsed()
	if !ok {
		return limit
	}
	doubled := int64(0)
	for n := int64(1); n < v.retransmits; n++ {
		doubled += v.rto >> (v.backoff - n)
	}
	running := v.rto - v.expires
	if v.payloadSent() {
		running = v.sent
	}
	const late = 4 // timers come late by up to an eighth: what is a quarter more is no lateness
	if v.Clock.jiffies(elapsed)-running > doubled+doubled/late+2*v.retransmits && v.outgrown() {
		return v.rto
	}
	return limit
}

// outgrown says whether the time-out is shorter than the back-off would have made it. Where it is not, more time has passed because something else than the timer sent the
// segment again and set the timer anew: the queue that held its clone back until the neighbour was given up (tcp_tsq_write).
func (v *view) outgrown() bool {
	rtt, ok := v.socket.Info.Duration(tcp.RTT)
	if !ok || rtt == 0 {
		return !v.unsent()
	}
	least := v.Clock.jiffiesUp(rtt + v.rtoMin())
	return least<<v.backoff > v.rto+v.rto/8
}

// ownKeepalive says whether a socket that was not read probes at intervals other than those of its namespace: the time since anything arrived does not fit them.
func (v *view) ownKeepalive() bool {
	idle, ok := v.idle()
	first, interval := v.keepaliveTime(), v.keepaliveInterval()
	if !v.unread() || !ok || !first.Known || !interval.Known {
		return false
	}
	common := v.Clock.jiffies(first.Value + time.Duration(v.probes)*interval.Value)
	fires := idle + max(v.expires, 0)
	return fires < common-v.Clock.jiffies(time.Second) || fires > common+common/4+v.Clock.jiffies(time.Second)
}
