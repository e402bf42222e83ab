package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// view is one socket as the model looks at it: times in jiffies, fields by their kernel names where those are short.
type view struct {
	*Model
	socket  *tcp.Socket
	options *Options
	Clock   Clock // the model's, at the moment this socket was read as far as that can be told

	tick                         time.Duration
	later                        time.Duration // by how much later than the moment counted from the socket may have been read
	ragged                       time.Duration // how far the beginning of a jiffy may be off, by an unaligned clock
	retransmits, backoff, probes int64
	rto                          int64 // icsk_rto, 0 when not reported
	rtoMax                       int64
	expires                      int64 // until the running timer's nominal expiry; negative when it is overdue by that much
	hangs                        bool  // where the timer hangs in the wheel is known
	fires                        int64 // until it goes off, if so
	missed                       bool  // that has passed, and it was not served
	sent                         int64 // since the last segment with payload went out
	acked                        int64 // since the last acknowledgement came in
	hasSent, hasAcked            bool
	orphan                       bool
	probeFirst, probeDoublings   int64 // of probeInterval
}

// look fills in a view that is all zero.
func (v *view) look(m *Model, s *tcp.Socket, o *Options) {
	v.Model, v.socket, v.options, v.Clock, v.orphan, v.tick = m, s, o, m.Clock, s.Orphan(), m.Clock.tick()
	v.retransmits, v.probes, v.expires = int64(s.Timer.Count), int64(s.Timer.Count), m.Clock.jiffies(s.Timer.Expires)
	info := &s.Info
	if n, ok := info.Uint(tcp.Retransmits); ok {
		v.retransmits = int64(n)
	} else if s.Timer.Kind != tcp.TimerRetransmit {
		v.retransmits = 0
	}
	if n, ok := info.Uint(tcp.Backoff); ok {
		v.backoff = int64(n)
	} else {
		v.backoff = v.retransmits
	}
	if d, ok := info.Duration(tcp.RTO); ok {
		v.rto = m.Clock.jiffies(d)
	}
	v.sent, v.hasSent = v.since(tcp.LastDataSent)
	v.acked, v.hasAcked = v.since(tcp.LastAckRecv)
	v.rtoMax = v.findRTOMax()
	if !v.backedOff() && s.Timer.Kind == tcp.TimerPersist && v.rto > 0 {
		v.backoff = v.leastBackoff()
	}
	v.Clock.period = v.tick
	v.settle()
	v.hang()
}

// backedOff says whether the back-off was reported. /proc/net/tcp does not tell it.
func (v *view) backedOff() bool { return v.socket.Info.Has(tcp.Backoff) }

func (v *view) since(f tcp.Field) (jiffies int64, ok bool) {
	d, ok := v.socket.Info.Duration(f)
	return v.Clock.jiffies(d), ok
}

// findRTOMax returns the socket's longest time-out. The sysctl may have changed since the socket copied it: a longer time-out in force proves that.
func (v *view) findRTOMax() int64 {
	if v.options.RTOMax.Known && v.options.RTOMax.Value > 0 {
		return v.Clock.jiffies(v.options.RTOMax.Value)
	}
	limit := v.Clock.jiffies(v.Limits.RTOMax.Or(rtoMaxDefault))
	if limit <= 0 || v.rto > limit {
		return v.Clock.jiffies(rtoMaxDefault)
	}
	return v.ownRTOMax(limit)
}

// rtoMin is the floor of the time-out before back-off (tcp_rto_min), as far as no route has one of its own.
func (v *view) rtoMin() time.Duration {
	return v.options.RTOMin.Or(v.Limits.RTOMin.Or(rtoMinimum))
}

func (v *view) uint(f tcp.Field) int64 {
	n, _ := v.socket.Info.Uint(f)
	return int64(n)
}

// The bits of tcpi_options, which stands right after the bytes of the first fields.
const (
	optionsOffset = 5
	optionSACK    = 2  // TCPI_OPT_SACK
	optionUsec    = 64 // TCPI_OPT_USEC_TS (since 6.7)
)

func (v *view) negotiated(option byte) bool {
	options, known := v.socket.Info.Byte(optionsOffset)
	return known && options&option != 0
}

// overIPv4 says whether the socket's packets are of IPv4: those of an IPv6 socket may be, too.
func (v *view) overIPv4() bool { return v.socket.Family == tcp.IPv4 || v.socket.Peer.Addr().Is4In6() }

// zeroWindow says whether the peer's window is known to be closed.
func (v *view) zeroWindow() bool {
	window, ok := v.socket.Info.Uint(tcp.SndWnd)
	return ok && window == 0
}

// payloadSent says whether the last data sent are those of the last firing: then they tell when that was. A FIN alone leaves no trace in
// tcpi_last_data_sent.
func (v *view) payloadSent() bool {
	return v.hasSent && !(v.socket.SendQueue == 1 && tcp.SetOf(tcp.FinWait1, tcp.Closing, tcp.LastAck).Has(v.socket.State))
}

// overdue finds out by how much a timer armed so many jiffies ahead is past its expiry, where the kernel reports only that nothing is left of it: it
// waits for its slot.
func (v *view) overdue(armed int64) {
	if v.expires != 0 || v.hangs || !v.payloadSent() {
		return
	}
	if past := v.sent - armed; past > 0 && past <= v.Clock.widest(armed) {
		v.expires = -past
	}
}

// unreachable says whether the network reported the peer unreachable: it undoes one back-off each time (tcp_ld_RTO_revert, RFC 6069).
func (v *view) unreachable() bool {
	if v.options.SoftError.Known {
		return v.options.SoftError.Value != 0
	}
	undoubled := int64(0)
	if v.socket.State == tcp.SynSent {
		undoubled = v.synLinear()
	}
	return v.socket.Info.Known() && v.backoff < v.retransmits-undoubled && !v.thin()
}

// unsent says whether the last time-out sent nothing, because the route was gone (rebuild_header in __tcp_retransmit_skb): it leaves its mark neither in
// tcpi_last_data_sent nor in the count of retransmissions. The lookup's error is recorded (sk_err_soft), which may be any.
func (v *view) unsent() bool {
	if v.retransmits == 0 || v.rto == 0 || v.socket.State == tcp.SynSent {
		return false
	}
	if total, ok := v.socket.Info.Uint(tcp.TotalRetrans); ok && total < uint64(v.retransmits) {
		return true
	}
	return v.payloadSent() && v.sent > v.rto-v.expires+v.Clock.widest(v.rto)+1
}

// errorOf is the error of a time-out: a recorded soft error counts more than ETIMEDOUT (tcp_write_err). Nobody gets that of an orphan.
func (v *view) errorOf(unreachable bool) string {
	const hostUnreachable = 113 // EHOSTUNREACH
	switch recorded := v.options.SoftError.Value; {
	case v.orphan, recorded != 0 && recorded != hostUnreachable:
		return ""
	case unreachable:
		return "EHOSTUNREACH"
	}
	return "ETIMEDOUT"
}

// moments turns jiffies of the lanes into the times of an answer. The last firing may be served a jiffy late, and whoever is told hears of it a little
// later.
func (v *view) moments(e *Ends, f fate, phase time.Duration) {
	tick := v.tick
	if v.Clock.Known {
		phase = v.Clock.Into
		e.Earliest = max(time.Duration(f.first)*tick-phase-stampJitter, 0)
	} else {
		e.Earliest = max(time.Duration(f.first-1)*tick-phase, 0)
	}
	e.Best = max(time.Duration(f.best)*tick-phase+v.later/2, 0)
	if f.also > 0 {
		e.Also = max(time.Duration(f.also)*tick-phase+v.later/2, 0)
	}
	e.Latest = max(time.Duration(f.last+1)*tick-min(phase, 0)+v.later, 0)
	e.Earliest, e.Latest = max(e.Earliest-v.ragged, 0), e.Latest+v.ragged
	if v.later > 0 {
		e.Latest += tick // the doubt is no whole number of jiffies
	}
	if v.Clock.HZ == 0 {
		e.Earliest, e.Latest = max(e.Earliest-coarsest, 0), e.Latest+coarsest
	}
}

// into is how far into a jiffy the look came: in the middle, when that is not known.
func (v *view) into() time.Duration {
	if v.Clock.Known {
		return v.Clock.Into
	}
	return v.tick / 2
}
