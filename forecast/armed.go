package forecast

import "time"

// Armed is how a timer hangs in the kernel's timer wheel, in counts of jiffies. The zero Armed says that it is not known.
type Armed struct {
	Expires uint64 // what it was armed for
	Fires   uint64 // when it goes off: when the slot begins that it hangs in
	At      uint64 // when that was seen
	// Count is what sock_diag reports with the timer ([tcp.Timer]): one that has another was served in between.
	Count uint8
}

// heldUp is how far the count of jiffies may be behind at most, because the processor that counts was kept from it. A virtual one may be for long.
const heldUp = 40 * time.Millisecond

// hang finds out when the running timer goes off from how it hangs in the wheel, if it still is the same timer that sock_diag reported: then that count of jiffies is certain,
// whatever the length it was armed for and whenever the socket was read.
func (v *view) hang() {
	a := &v.options.Armed
	if !v.sameArmed() {
		return
	}
	v.hangs, v.fires = true, int64(a.Fires-v.Clock.Jiffies)
	if v.expires <= 0 {
		v.expires = min(int64(a.Expires-v.Clock.Jiffies), 0)
	}
	if v.missed = a.Fires <= a.At; v.missed {
		v.fires = int64(a.At - v.Clock.Jiffies)
	}
}

// sameArmed says whether the timer that was seen in the wheel is the one that sock_diag reported.
func (v *view) sameArmed() bool {
	a := &v.options.Armed
	if a.Fires == 0 || !v.Clock.Known || a.Count != v.socket.Timer.Count || v.options.Keepalive.Known {
		return false
	}
	slack := v.Clock.jiffies(heldUp)
	read := v.readIn()
	return read <= v.Clock.unsure+slack && (read >= -slack || v.expires <= 0)
}

// readIn is the jiffy in which sock_diag found so much left of the timer, from the look on.
func (v *view) readIn() int64 { return int64(v.options.Armed.Expires-v.Clock.Jiffies) - v.expires }

// firing makes lanes that stand at the firing of the running timer, which was armed so many jiffies ahead after a firing that was rounded to slots of the width before.
func (v *view) firing(armed, before int64) (l lanes) {
	if !v.hangs {
		return start(&v.Clock, armed, v.expires, before)
	}
	l = lanes{clock: &v.Clock, tick: v.tick, modulus: known, now: [lanesLength]int64{v.fires, v.fires, v.fires}}
	if v.missed { // it is served at the next tick, or was right after it was seen
		l.now[likely], l.now[late] = v.fires+1, v.fires+1
	}
	at := int64(v.Clock.Jiffies & (known - 1))
	for lane, now := range l.now {
		l.phase[lane] = (at + now) & (known - 1)
	}
	return l
}
