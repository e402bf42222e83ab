package forecast

import (
	"math/bits"
	"time"
)

// Clock is the kernel's clock at the moment of the look.
type Clock struct {
	// HZ is the number of jiffies a second (CONFIG_HZ), 0 when it is not known.
	HZ int
	// Jiffies is the kernel's count of them at that moment (/proc/timer_list, bpf_jiffies64), if Known, and Into how far into that jiffy the moment was.
	Jiffies uint64
	Known   bool
	Into    time.Duration
	// Doubt is how much later than that moment the socket may have been read, because its whole table took so long or the reader was held up.
	Doubt time.Duration

	unsure int64         // how many jiffies later it may have been read, where Known; see settle
	period time.Duration // tick, worked out once by whoever starts lanes
}

// finestHZ stands for an unknown HZ: the jiffies of all usual ones are whole numbers of its own.
const finestHZ = 1000

// coarsest is the longest jiffy there is (HZ=100).
const coarsest = 10 * time.Millisecond

func (c *Clock) hz() int64 {
	if c.HZ > 0 {
		return int64(c.HZ)
	}
	return finestHZ
}

func (c *Clock) tick() time.Duration { return time.Second / time.Duration(c.hz()) }

// jiffies converts a time to the nearest number of jiffies. The times the kernel reports are whole jiffies, give or take the rounding of the unit.
func (c *Clock) jiffies(d time.Duration) int64 {
	return (int64(d)*c.hz() + int64(time.Second)/2) / int64(time.Second)
}

// jiffiesUp converts a time the program chose, as msecs_to_jiffies does: up.
func (c *Clock) jiffiesUp(d time.Duration) int64 {
	return (int64(d)*c.hz() + int64(time.Second) - 1) / int64(time.Second)
}

// slotOf returns the width in jiffies of the wheel's slots for a timer that was armed so many jiffies ahead (calc_wheel_index: LVL_START, LVL_GRAN).
//
// What arms a timer from a timer's own handler finds the wheel's clock one jiffy ahead (base->clk, in __run_timers), so that the distance is one
// less.
func slotOf(armed int64) int64 {
	return 1 << slotBits[bits.Len64(uint64(max(armed-1, 0))/levelEnd)]
}

// slotBits is the logarithm of a slot's width, by how many bits the whole levels ahead have: the levels end at 63, 63*8, 63*64, ... jiffies.
var slotBits = func() (bits [65]uint8) {
	const levels = 8
	for n := range bits {
		bits[n] = uint8(3 * min((n+2)/3, levels))
	}
	return bits
}()

// levelEnd is how far ahead timers of the finest level are armed at most, and those of the others in slots of theirs.
const levelEnd = 63

// slotsOf is slotOf, and what it would be for timers armed a jiffy less or more ahead.
func slotsOf(armed int64) (narrower, slot, wider int64) {
	slot = slotOf(armed)
	narrower, wider = slot, slot
	switch {
	case armed == levelEnd*slot:
		wider = slotOf(armed + 1)
	case armed-1 == levelEnd*(slot>>3):
		narrower = max(slot>>3, 1)
	}
	return narrower, slot, wider
}

// widest is the widest the slot of a timer can be.
func (c *Clock) widest(armed int64) int64 {
	if c.HZ > 0 {
		return slotOf(armed)
	}
	return armed/7 + int64(coarsest/(time.Second/finestHZ)) // whatever HZ: the longest jiffy, and an eighth of 63/64
}

// outside is what slotOf's argument is more for a timer that was armed elsewhere: by a system call, or by a packet's arrival.
const outside = 1

// known is the modulus standing for a jiffies value known completely: wider than any slot.
const known = 1 << 30

// The three lanes in which a forecast walks along the firings of a timer: as early, as likely and as late as they can come.
const (
	early = iota
	likely
	late
	lanesLength
)

// lanes follows one timer from firing to firing, in jiffies since the look.
//
// How late a firing is depends on the absolute expiry, rounded up to the next multiple of its level's slot, and at least by one jiffy (calc_index).
// The absolute time is known modulo some number: completely where jiffies can be read, and otherwise from the firing before: having been rounded to
// its own slot, it fixes the next one up to what the next slot is wider.
type lanes struct {
	clock *Clock
	tick  time.Duration
	now   [lanesLength]int64 // jiffies since the look
	phase [lanesLength]int64 // the absolute jiffies now, modulo modulus
	// modulus is a power of two, 1 when nothing is known of the absolute time.
	modulus int64
}

// start makes lanes for a timer that was armed so many jiffies ahead, after a firing that was rounded to slots of the width before, and expires (not
// counting lateness) so many jiffies after the look. They stand at its firing.
func start(c *Clock, armed, expires, before int64) (l lanes) {
	l.clock, l.tick, l.modulus = c, c.period, 1
	switch {
	case c.HZ > 0 && c.Known:
		l.modulus = known
		at := int64(c.Jiffies & (known - 1))
		l.phase = [lanesLength]int64{at, at, at + c.unsure}
	case c.HZ > 0 && expires != 0: // 0 may also stand for overdue
		l.modulus = before
		at := (armed - expires) & (before - 1)       // before is a slot, a power of two
		l.phase = [lanesLength]int64{at, at, at + 1} // the firing before may have been served a jiffy late
	}
	at := l.phase
	slot := l.advance(expires, armed)
	switch {
	case expires != 0:
	case l.modulus < known:
		l.now[early] = 0
	case at[early]&(slot-1) <= 1: // this very jiffy may be the slot's, or the one before while the count is behind, and the firing be served late
		l.now[early], l.phase[early] = 0, at[early]
	}
	return l
}

// arm arms the timer at the firing the lanes stand at, and moves them to the next.
func (l *lanes) arm(jiffies int64) {
	if l.modulus == 1 && l.clock.HZ == 0 {
		l.armBlind(jiffies)
		return
	}
	if l.together() {
		if ahead, same := togetherAhead(l.phase[early], jiffies); same {
			l.stand(l.now[early]+ahead, l.phase[early]+ahead)
			return
		}
	}
	l.serve()
	narrower, slot, wider := slotsOf(jiffies)
	l.move(jiffies, 0, jiffies, narrower, slot, wider)
}

// together says whether the lanes stand at the same jiffy and its place is known, as is so for most once slots are wider than what lies between them.
func (l *lanes) together() bool {
	return l.modulus == known && l.now[early] == l.now[late] && l.now[early] == l.now[likely] && l.phase[early] == l.phase[late]
}

// stand makes all lanes stand at a jiffy, whose absolute count is phase or differs from it by a multiple of known.
func (l *lanes) stand(now, phase int64) {
	phase &= known - 1
	l.now, l.phase = [lanesLength]int64{now, now, now}, [lanesLength]int64{phase, phase, phase}
}

// togetherAhead is how far ahead a timer goes off that is armed at a jiffy, and whether it does so as well when it is armed a jiffy late.
func togetherAhead(phase, jiffies int64) (ahead int64, same bool) {
	slot := slotOf(jiffies)
	into := (phase + jiffies) & (slot - 1)
	return jiffies + slot - into, slot > 1 && into != slot-1 && jiffies != levelEnd*slot && jiffies-1 != levelEnd*(slot>>3)
}

// armBlind is arm where nothing is known of jiffies, not even how long they are.
func (l *lanes) armBlind(jiffies int64) {
	first, last := l.first(), max(l.now[early], l.now[likely], l.now[late]+1)
	l.now = [lanesLength]int64{early: first + jiffies + 1, likely: l.now[likely] + jiffies + (slotOf(jiffies)+1)/2, late: last + jiffies + l.clock.widest(jiffies)}
}

// serve serves the firing the lanes stand at. A processor that does not count the ticks itself can find the count of the tick before when its own comes
// (tick_sched_do_timer, run_local_timers), and serves the timer at the next: on two processors one firing in seven.
func (l *lanes) serve() {
	l.now[late]++
	l.phase[late]++
}

// armEach is arm with a distance of its own for each lane, at a firing that has been served.
func (l *lanes) armEach(jiffies [lanesLength]int64) {
	if l.modulus == known {
		l.round(early, jiffies[early], slotOf(min(jiffies[early], jiffies[likely], jiffies[late])-1))
		l.round(likely, jiffies[likely], slotOf(jiffies[likely]))
		l.round(late, jiffies[late], slotOf(max(jiffies[early], jiffies[likely], jiffies[late])+1))
		return
	}
	// What lies between the lanes may fall into any part of a slot.
	var at lanes
	widest := l.clock.widest(max(jiffies[early], jiffies[likely], jiffies[late]) + 1)
	for i := range l.now {
		at.now[i] = l.now[i] + jiffies[i]
	}
	l.now = [lanesLength]int64{early: at.first() + 1, likely: at.now[likely] + (slotOf(jiffies[likely])+1)/2, late: at.last() + widest}
	l.phase, l.modulus = [lanesLength]int64{}, 1
}

// include widens the moment of a last firing by what it is for a timer that was armed elsewhen.
func (l *lanes) include(o lanes) {
	l.now[early], l.now[late] = min(l.first(), o.first()), max(l.last(), o.last())
}

// advance moves the lanes by a distance and the lateness of the slot, which it returns.
func (l *lanes) advance(distance, armed int64) int64 {
	narrower, slot, wider := slotsOf(armed)
	l.move(distance, 0, armed, narrower, slot, wider)
	return slot
}

// armCut arms the timer, at a firing that has been served, for what the clock of milliseconds leaves of a limit. That clock may be a tick ahead of the count of jiffies: a processor
// whose tick comes before that of the one that counts serves what was due a tick before.
func (l *lanes) armCut(jiffies [lanesLength]int64) {
	if each := jiffies[likely]; jiffies[early] == each && jiffies[late] == each {
		narrower, slot, wider := slotsOf(each)
		l.move(each, min(1, each-1), each, narrower, slot, wider)
		return
	}
	jiffies[early] = max(jiffies[early]-1, 1)
	l.armEach(jiffies)
}

// move moves the lanes by a distance, the early one by a little less, and the lateness.
func (l *lanes) move(distance, less, armed, narrower, slot, wider int64) {
	if wider <= l.modulus {
		// What is armed a jiffy late finds the wheel's clock forwarded to jiffies, not one ahead of it (forward_timer_base), and what is armed outside may find it ahead, if
		// other timers were served in the same jiffy. That counts where a level ends.
		l.round(early, distance-less, narrower)
		l.round(likely, distance, slot)
		l.round(late, distance, wider)
		return
	}
	l.now[early] -= less
	l.phase[early] -= less
	modulus := min(l.modulus, slot)
	// Only the part of the lateness below the modulus is known; of the rest, half is likely.
	for i := range l.now {
		l.now[i] += distance + modulus - (l.phase[i]+distance)&(modulus-1)
		l.phase[i] = 0
	}
	l.now[early], l.now[late] = l.first(), l.last() // either may be in either part of the slot
	l.now[likely] += (slot - modulus) / 2
	if l.clock.HZ > 0 {
		l.now[late] += wider - modulus
		l.modulus = slot
		return
	}
	l.now[late] += l.clock.widest(armed) - 1
}

// round moves one lane to the next slot, whose place is known (calc_index).
func (l *lanes) round(lane int, distance, slot int64) {
	at := l.phase[lane] + distance
	lateness := slot - at&(slot-1)
	l.now[lane] += distance + lateness
	l.phase[lane] = (at + lateness) & (l.modulus - 1)
}

// moment is the firing the lanes stand at.
func (l *lanes) moment() fate { return fate{first: l.first(), best: l.now[likely], last: l.last()} }

// elsewhere is when the firing comes if the timer hangs in quite another slot of the wheel, whose place is known: because one firing until it is served a jiffy late, or because it
// is due in this very jiffy. It is 0 when there is no such slot. Neighbouring slots of the finer levels are no other answer.
func (l *lanes) elsewhere() int64 {
	switch {
	case l.modulus < known:
		return 0
	case l.now[late]-l.now[likely] > neighbouring:
		return l.now[late]
	case l.now[likely]-l.now[early] >= neighbouring-1:
		return max(l.now[early], 1)
	}
	return 0
}

// neighbouring is how far apart firings may be, in jiffies, and still be one answer: a slot of the levels whose timers run for seconds.
const neighbouring = 64

// first and last are the extremes of the lanes' moments.
func (l *lanes) first() int64 { return min(l.now[early], l.now[likely], l.now[late]) }
func (l *lanes) last() int64  { return max(l.now[early], l.now[likely], l.now[late]) }
