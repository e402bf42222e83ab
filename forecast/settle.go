package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// settle finds out in which jiffy the socket was read, where reading took so long that ticks came meanwhile. What the socket itself says may tell: how far into a jiffy it
// was, or how far behind the slot in which its timer fired last. A doubt of one jiffy can be lived with; with more of it the clock says nothing of slots any more.
func (v *view) settle() {
	if !v.Clock.Known {
		v.later = v.Clock.Doubt
		return
	}
	aligned := v.Kernel.has(factAlignedTicks, &v.socket.Info)
	if !aligned {
		v.Clock.shift(-1, v.tick, 0)
		v.ragged = v.tick
	}
	v.Clock.unsure = int64((v.Clock.Into + v.Clock.Doubt) / v.tick)
	switch {
	case v.Clock.unsure == 0 || v.settledByWheel() || aligned && v.settledByElapsed() || v.settledBySlot() || v.Clock.unsure == 1:
		v.later = time.Duration(v.Clock.unsure) * v.tick
	default:
		v.Clock.Known, v.later = false, v.Clock.Doubt
	}
}

// shift sets the clock to a jiffy so many later, counting from the same moment on.
func (c *Clock) shift(jiffies int64, tick time.Duration, unsure int64) {
	c.Jiffies += uint64(jiffies)
	c.Into -= time.Duration(jiffies) * tick
	c.unsure = unsure
}

// settledByWheel finds the jiffy in which sock_diag read how much was left of a timer that was seen in the wheel.
func (v *view) settledByWheel() bool {
	if v.expires <= 0 || !v.sameArmed() {
		return false
	}
	read := v.readIn()
	if read < 0 || read > v.Clock.unsure {
		return false
	}
	v.Clock.shift(read, v.tick, 0)
	return true
}

// settledByElapsed compares how far into a jiffy the look came, which the elapsed time tells because its stamp was set at the beginning of one, with the two parts of jiffies
// in which it may have come.
func (v *view) settledByElapsed() bool {
	d, ok := v.timedElapsed()
	begun := v.Clock.Into + v.Clock.Doubt - v.tick // how far into the next jiffy it may have come
	if !ok || v.retransmits == 0 || v.Clock.Into-begun < 2*stampJitter {
		return false
	}
	phase := d % v.tick
	if phase >= v.tick-stampJitter { // the stamp may have been set a little later than its jiffy began
		return false
	}
	jiffies := int64(0)
	if phase < (begun+v.Clock.Into)/2 {
		jiffies = 1
	}
	v.Clock.shift(jiffies, v.tick, 0)
	return true
}

// settledBySlot finds the jiffy that is as far behind a slot of the time-out before as the last firing is in the past. That firing may have been served a jiffy late.
func (v *view) settledBySlot() bool {
	fired, ok := v.lastFiring()
	slot := slotOf(v.rto / 2)
	if !ok || slot < v.Clock.unsure+2 {
		return false
	}
	jiffies := (fired - int64(v.Clock.Jiffies)) & (slot - 1)
	switch {
	case jiffies == slot-1: // served late, it was this very jiffy
		v.Clock.shift(0, v.tick, 0)
	case jiffies > v.Clock.unsure:
		return false
	default:
		v.Clock.shift(jiffies, v.tick, min(1, v.Clock.unsure-jiffies))
	}
	return true
}

// lastFiring is how long ago the retransmission timer fired last, where it is certain how far ahead it was armed then and that its firing before was no other timer's. Payload
// went out when it fired; a FIN alone tells by what is left of the timer, unless TCP_USER_TIMEOUT may have cut that short.
func (v *view) lastFiring() (ago int64, ok bool) {
	if v.socket.Timer.Kind != tcp.TimerRetransmit || v.retransmits < 2 || v.backoff != v.retransmits {
		return 0, false
	}
	if v.payloadSent() {
		late := v.sent + v.expires - v.rto
		return v.sent, v.expires > 0 && near(late, 0) || v.expires == 0 && late >= 0 && late <= slotOf(v.rto)
	}
	uncut := v.options.UserTimeout.Known && v.options.UserTimeout.Value == 0
	return v.rto - v.expires, uncut && v.expires > 0 && !v.unsent()
}
