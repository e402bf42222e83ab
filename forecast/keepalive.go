package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// keepalive is the answer while the keepalive timer runs on an idle socket (tcp_keepalive_timer). As long as no probe is unanswered, nobody can know
// whether the peer still is there.
func (v *view) keepalive() Ends {
	switch {
	case v.options.PeerForgot:
		return v.forgotten()
	case v.options.Keepalive.Known: // what was unanswered until now says nothing of the new times
	case v.probes > 0 && v.ownKeepalive():
		return Ends{By: ByKeepalive, Earliest: v.socket.Timer.Expires, Reason: reasonKeepaliveOwn}
	case v.probes > 0 && !v.probeJustSent():
		if ends, ok := v.keepaliveSilent(); ok {
			return ends
		}
	}
	return Ends{By: ByKeepalive, Earliest: v.nextKeepalive(), Reason: reasonKeepalive}
}

// forgotten is the answer when the next probe meets a reset: in CLOSE_WAIT the application gets EPIPE (tcp_reset).
func (v *view) forgotten() Ends {
	ends := Ends{Kind: At, By: ByKeepalive, Error: "ECONNRESET", Reason: reasonKeepaliveForgot}
	if v.socket.State == tcp.CloseWait {
		ends.Error = "EPIPE"
	}
	next := v.Clock.jiffies(v.nextKeepalive())
	l := start(&v.Clock, v.keepaliveArmed(), next, 1)
	v.moments(&ends, l.moment(), v.into())
	if rtt, ok := v.socket.Info.Duration(tcp.RTT); ok {
		ends.Best += rtt
		ends.Latest += 2 * rtt
	}
	return ends
}

func (v *view) keepaliveTime() Setting[time.Duration] {
	return either(v.options.KeepaliveTime, v.Limits.KeepaliveTime)
}

func (v *view) keepaliveInterval() Setting[time.Duration] {
	return either(v.options.KeepaliveInterval, v.Limits.KeepaliveInterval)
}

func (v *view) keepaliveProbes() Setting[int64] {
	return either(v.options.KeepaliveProbes, v.Limits.KeepaliveProbes)
}

// either returns the socket's own value, which counts for more than the namespace's; 0 stands for none (keepalive_time_when and its like).
func either[T int64 | time.Duration](own, common Setting[T]) Setting[T] {
	if own.Known && own.Value != 0 {
		return own
	}
	return common
}

// keepaliveArmed is about how far ahead the running timer was armed, which decides its slot.
func (v *view) keepaliveArmed() int64 {
	length := v.keepaliveTime()
	extra := int64(outside)
	if v.probes > 0 && !v.options.Keepalive.Known {
		length, extra = v.keepaliveInterval(), 0
	}
	if v.options.Keepalive.Known {
		return max(v.Clock.jiffies(length.Or(0)), 1)
	}
	return max(v.Clock.jiffies(length.Or(0))+extra, v.expires, 1)
}

// idle is the time since anything arrived (keepalive_time_elapsed).
func (v *view) idle() (jiffies int64, ok bool) {
	data, hasData := v.since(tcp.LastDataRecv)
	if !v.hasAcked || !hasData {
		return v.acked, v.hasAcked
	}
	return min(data, v.acked), true
}

// nextKeepalive is when the next probe goes out. The timer of a socket that was not idle for long enough when it fires is only set anew.
func (v *view) nextKeepalive() time.Duration {
	idle, ok := v.idle()
	length := v.keepaliveTime()
	switch {
	case !v.options.Keepalive.Known:
	case v.socket.Timer.Kind == tcp.TimerKeepalive && ok: // TCP_KEEPIDLE counts what has passed (tcp_sock_set_keepidle_locked)
		return max(length.Or(0)-time.Duration(idle)*v.tick, 0)
	default:
		return length.Or(0)
	}
	if !ok || !length.Known || v.probes > 0 || v.unread() {
		return v.socket.Timer.Expires
	}
	short := v.Clock.jiffies(length.Value) - (idle + v.expires)
	if tolerance := slotOf(v.keepaliveArmed()); short <= tolerance {
		return v.socket.Timer.Expires
	}
	return v.socket.Timer.Expires + time.Duration(short)*v.tick
}

// probeJustSent says that the last probe can still be answered: a live peer is shown with one unanswered probe for a round trip.
func (v *view) probeJustSent() bool {
	interval := v.keepaliveInterval()
	if v.probes > 1 || !interval.Known {
		return false
	}
	rtt, _ := v.socket.Info.Duration(tcp.RTT)
	return v.Clock.jiffies(interval.Value)-v.expires <= v.Clock.jiffies(2*rtt)+2
}

// keepaliveSilent is the answer when probes stay unanswered: the socket ends at the firing after the last of them, with a reset. TCP_USER_TIMEOUT
// replaces their count.
func (v *view) keepaliveSilent() (Ends, bool) {
	count, interval := v.keepaliveProbes(), v.keepaliveInterval()
	user := v.options.UserTimeout.Value
	idle, hasIdle := v.idle()
	if !interval.Known || !count.Known && user == 0 || user > 0 && !hasIdle {
		return Ends{}, false
	}
	ends := Ends{
		Kind: At, By: ByKeepalive, Error: v.errorOf(v.options.SoftError.Value != 0), Reason: reasonKeepaliveSilent,
		Limit: Limit{"tcp_keepalive_probes", count.Value, time.Duration(count.Value) * interval.Value},
	}
	step := max(v.Clock.jiffies(interval.Value), 1)
	before := int64(1)
	if v.probes > 1 {
		before = slotOf(step)
	}
	l := v.firing(v.keepaliveArmed(), before)
	if user > 0 {
		ends.By, ends.Limit = ByUserTimeout, Limit{"TCP_USER_TIMEOUT", user.Milliseconds(), user}
		allowed := v.Clock.jiffiesUp(user)
		if (allowed-idle)/step > mostFirings {
			return Ends{}, false
		}
		v.userIdle(&ends, l, idle, allowed, step)
		return ends, true
	}
	for n := v.probes; n < min(count.Value, 255); n++ {
		l.arm(step)
	}
	v.moments(&ends, l.moment(), v.into())
	v.doubt(&ends)
	return ends, true
}

// userIdle finds the firing at which the socket has been idle for as long as TCP_USER_TIMEOUT allows; near that, two firings may be meant.
func (v *view) userIdle(e *Ends, l lanes, idle, allowed, step int64) {
	var f fate
	for range mostFirings + 1 {
		if idle+l.last()+1 >= allowed { // it may be served a jiffy late
			f.possible(&l, idle+l.now[likely] >= allowed, 0, false, 0)
			if idle+l.first() >= allowed {
				break
			}
		}
		l.arm(step)
	}
	v.moments(e, f, v.into())
}
