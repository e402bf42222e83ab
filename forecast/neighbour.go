package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// Neighbour is what this host knows of the next hop on the way to a peer: a host or router on a local network, whose link layer address must be known (struct neighbour).
type Neighbour struct {
	State NeighbourState
	// Since is how long it has been in that state at the look, give or take Coarse: the kernel reports it in hundredths of a second.
	Since time.Duration
	// Asks is how often its address is asked for before it is given up (mcast_solicit and app_solicit, or ucast_solicit), Every how long an answer is waited for each time
	// (retrans_time_ms).
	Asks  int
	Every time.Duration
	// Shared says that other sockets send to it, too: then it may be asked for again as soon as it was given up.
	Shared bool
}

// NeighbourState is what the kernel makes of a neighbour (NUD_*).
type NeighbourState uint8

// The states.
const (
	NeighbourUntold   NeighbourState = iota
	NeighbourResolved                // its address is known: packets go out, whether it is there or not
	NeighbourProbed                  // its address is known, but it was asked in vain whether that is right (NUD_PROBE, more than one probe)
	NeighbourAsked                   // its address is asked for, and packets wait in a queue (NUD_INCOMPLETE)
	NeighbourGivenUp                 // nobody answered (NUD_FAILED): the next packet makes the kernel ask again
)

// String returns "untold", "resolved", "probed", "asked" or "given_up".
func (s NeighbourState) String() string {
	return [...]string{"untold", "resolved", "probed", "asked", "given_up"}[s]
}

// silent says whether nobody answers for the next hop.
func (n *Neighbour) silent() bool { return n.State >= NeighbourProbed && n.Asks > 0 && n.Every > 0 }

// coarse is the unit in which the kernel reports since when a neighbour is in its state (USER_HZ).
const coarse = 10 * time.Millisecond

// waits follows a socket whose packets wait for a neighbour that does not answer. As long as the segment waits it is not sent again (skb_still_in_host_queue), although
// time-outs count and double. Each time the neighbour is given up, the segment is dropped and the error recorded. Over IPv4 that undoes a back-off (tcp_ld_RTO_revert, RFC
// 6069), which shortens the running time-out or ends it at once; over IPv6 no (only "no route" does). Where a time-out had found the segment waiting, it is sent again now,
// and the time-out begins anew (tcp_tsq_write). What is sent makes the kernel ask again.
//
// Times are jiffies since the look.
type waits struct {
	view   *view
	plan   *plan
	lane   int
	undoes bool // IPv4

	now, fires, gives int64 // the next firing; when the neighbour is given up, if asking
	asking, queued    bool  // it is asked for; the segment waits for it
	throttled         bool  // a time-out found it waiting (TSQ_THROTTLED)
	sent              int64 // when it was sent last
	told              bool  // the error was recorded
	retransmits       int64
	backoff, rto      int64
	base              int64
	capped, cut       bool
	gap               int64
	look              time.Duration // since the stamp, at the look
	events            int
	mixed             bool  // a firing came so close to the neighbour's being given up that either may come first
	spread            int64 // by how much the moments may be off
	near              int64 // a firing so close to the limit that it may have ended the socket, 0 for none
	beyond            int64 // when it may end if it is not over at the one that probably ends it
}

const (
	// mostWaits is how many events are followed; beyond them the moment is where the time-out between two firings has it.
	mostWaits = 96
	// mostCertain is how many events can be followed to the jiffy where the clock is known, mostGuessed where it is not.
	mostCertain = 32
	mostGuessed = 4
	// mostAsks bounds how often a neighbour is taken to be asked for.
	mostAsks = 100
)

// followWaiting finds the end of a socket whose neighbour does not answer.
func (v *view) followWaiting(p *plan) fate {
	var all fate
	var w [lanesLength]waits
	low, base, high := v.bases()
	drifts, already := v.options.Neighbour.Value.Shared, true
	for lane, base := range [...]int64{early: low, likely: base, late: high} {
		w[lane] = v.waitsIn(p, lane, base)
		one := &w[lane]
		already = already && one.told
		one.run()
		if lane == early {
			all = fate{known: true, first: one.now, last: one.now}
		}
		all.first, all.last = min(all.first, one.now), max(all.last, one.now, one.beyond)
		if one.near > 0 {
			all.first, all.also = min(all.first, one.near), one.near
		}
		drifts = drifts || one.mixed || one.events > mostCertain || v.Clock.modest() && (one.events > mostGuessed || one.events != w[early].events)
	}
	middle := &w[likely]
	all.best, all.count, all.capped, all.limit, all.waited = middle.now, middle.retransmits, middle.capped, middle.limit(), middle.gap
	// An error that was recorded before the look shows only where it was read. One that will be may come too late, where the end can come at another event than those followed.
	p.told, p.untold = middle.told, w[early].told != w[late].told || !middle.told && !v.options.SoftError.Known || drifts && middle.told && !already
	v.drift(p, &all, drifts)
	return all
}

// drift widens what the lanes enclose. Where the moments may have drifted by more than lies between the lanes, or others make the kernel ask at moments of their own, the end
// comes between the limit and the next firing after it.
func (v *view) drift(p *plan, f *fate, drifts bool) {
	n := &v.options.Neighbour.Value
	every := v.Clock.jiffiesUp(n.Every)
	asks := int64(min(n.Asks, mostAsks))
	slack := v.Clock.jiffies(coarse) + 2
	if v.Clock.modest() {
		slack += v.Clock.widest(f.waited) + asks*v.Clock.widest(every)
	}
	f.first, f.last = max(f.first-slack, 0), f.last+slack
	if !drifts {
		return
	}
	longest := max(f.waited, asks*every)
	if v.orphan { // whose limit may be another once the error is recorded
		f.last += longest
	}
	f.first = min(f.first, max(int64((f.limit-p.elapsed.most())/v.tick), 0))
	// A limit that is exceeded already counts at the next firing, which being given up may put off.
	f.last = max(f.last, max(int64((f.limit-p.elapsed.look[early])/v.tick), f.best)+longest+longest/7+slack)
}

// soonWaiting widens what was found for a socket of which nothing was sent again yet, whose neighbour does not answer: whether the first time-out finds the segment waiting,
// so that the time counts from when that was sent first, and what undoes back-offs later, is not known.
func (v *view) soonWaiting(f fate) fate {
	f.first = max(min(f.first, int64(f.limit/v.tick)-v.sent-2*v.rto), 0)
	f.last += f.waited + slotOf(f.waited)
	return f
}

// modest says whether it is not known in which jiffy the look came.
func (c *Clock) modest() bool { return !c.Known || c.unsure > 0 }

// waitsIn makes one of the lanes: as early as everything can come, as likely, and as late.
func (v *view) waitsIn(p *plan, lane int, base int64) waits {
	n := &v.options.Neighbour.Value
	w := waits{
		view: v, plan: p, lane: lane, undoes: v.overIPv4(),
		retransmits: p.retransmits, backoff: v.backoff, rto: p.rto, base: base, cut: p.cut, told: v.unreachable(), gap: p.armed, look: p.elapsed.look[lane], spread: 1,
	}
	if v.Clock.modest() {
		w.spread += v.Clock.widest(p.armed)
	}
	if lane == early && v.sentByQueue() {
		w.look += time.Duration(2*v.base()) * v.tick // the stamp may be that of the first sending, before a tail loss probe and the first time-out
	}
	unit, armed := v.Clock.jiffies(coarse), p.armed
	begun := -v.Clock.jiffies(n.Since)
	if lane == early {
		begun -= unit
	}
	w.recall(begun)
	switch n.State {
	case NeighbourAsked:
		w.asking, w.queued = true, w.sent >= begun-5*unit // what was sent right before must have made the kernel ask, or it would be answered
		if w.queued && w.sent <= begun+unit {
			begun = w.sent // it was this segment that made the kernel ask
		}
	case NeighbourGivenUp: // what was sent while it was asked for was dropped with the error, which armed the timer anew
		asked := v.Clock.jiffies(time.Duration(n.Asks) * n.Every)
		dropped := w.sent <= begun && w.sent >= begun-asked-asked/8
		w.told = w.told || dropped
		if dropped && w.undoes {
			armed = min(armed, v.expires-begun)
		}
	}
	w.throttled = w.throttled && w.queued
	before := int64(1)
	if p.retransmits > 1 && armed == p.armed {
		before = slotOf(p.rto / 2)
	}
	l := v.firing(armed, before)
	w.fires, w.gives = l.now[lane], w.answerless(begun)
	return w
}

// recall finds out when the segment was sent last, and whether a time-out found it waiting since.
func (w *waits) recall(begun int64) {
	fired := w.view.expires - w.plan.armed // the last time-out
	switch {
	case w.view.payloadSent():
		w.sent = -w.view.sent
		w.throttled = fired > w.sent+1
	case fired-w.plan.rto/2 >= begun: // a FIN alone does not show when it was sent: two time-outs have come since the kernel asks
		w.sent, w.throttled = begun, true
	default:
		w.sent = fired
	}
}

// sentByQueue says whether a time-out found its segment waiting, so that the first may have.
func (v *view) sentByQueue() bool {
	total, ok := v.socket.Info.Uint(tcp.TotalRetrans)
	_, stamped := v.stampedElapsed()
	return ok && !stamped && !v.options.Elapsed.Known && total < uint64(v.retransmits)
}

// late is when a timer armed at a moment goes off.
func (w *waits) late(at, distance int64) int64 {
	c := &w.view.Clock
	if !c.Known || c.HZ == 0 {
		return at + distance + c.lateness(w.lane, distance)
	}
	slot := slotOf(distance)
	if w.lane == late { // served a jiffy late, see lanes.serve
		at, slot = at+1, slotOf(distance+1)
	}
	expiry := at + distance + int64(c.Jiffies&(known-1))
	return at + distance + slot - expiry&(slot-1)
}

// answerless is when a neighbour is given up that nobody answers for, asked since a moment (neigh_timer_handler).
func (w *waits) answerless(begun int64) int64 {
	n := &w.view.options.Neighbour.Value
	for range min(n.Asks, mostAsks) {
		begun = w.late(begun, w.view.Clock.jiffiesUp(n.Every))
	}
	return begun
}

// run goes from event to event until the socket ends.
func (w *waits) run() {
	for w.events = range mostWaits {
		w.mixed = w.mixed || w.asking && max(w.gives-w.fires, w.fires-w.gives) <= w.spread
		if w.asking && w.gives <= w.fires {
			w.now = max(w.gives, 0)
			if w.givenUp() {
				return
			}
			continue
		}
		w.now = w.fires
		if w.timedOut() {
			return
		}
	}
	// The same again and again: what is left of the limit, and half of what lies between two firings.
	w.now = max(int64((w.limit()-w.look)/w.view.tick), w.now)
	switch w.lane {
	case likely:
		w.now += w.gap / 2
	case late:
		w.now += w.gap + slotOf(w.gap)
	}
}

// over compares the elapsed time with the limit (tcp_write_timeout).
func (w *waits) over() bool {
	p := w.plan
	w.capped = w.rto >= w.view.rtoMax
	spent := w.look + time.Duration(w.now)*w.view.tick + p.timeout.grace
	switch w.lane {
	case early:
		spent += p.elapsed.above
	case late:
		spent -= p.elapsed.below
	}
	off := time.Duration(w.spread) * w.view.tick
	switch {
	case w.retransmits == 0:
		return false
	case w.cut:
		return true
	case spent < w.limit():
		if spent+off >= w.limit() && w.near == 0 {
			w.near = max(w.now, 1)
		}
		return false
	}
	if spent-off < w.limit() {
		w.beyond = w.now + max(2*w.rto, w.answerless(0)) + slotOf(2*w.rto)
	}
	return true
}

// limit is what the elapsed time is compared with. A recorded error takes the retries from an orphan whose time-out is as long as it gets (tcp_orphan_retries).
func (w *waits) limit() time.Duration {
	if t := &w.plan.timeout; w.told && w.capped && w.view.orphan && t.user == 0 {
		return modelTimeout(0, rtoMinimum, time.Duration(w.view.rtoMax)*w.view.tick)
	}
	return w.plan.timeout.at(w.capped)
}

// timedOut is tcp_retransmit_timer.
func (w *waits) timedOut() (ended bool) {
	if w.over() {
		return true
	}
	w.retransmits++
	if w.queued {
		w.throttled = true
	} else {
		w.send()
	}
	w.backoff++
	w.rto = min(2*w.rto, w.view.rtoMax)
	distance := w.rto
	if t := &w.plan.timeout; t.user > 0 && t.clamp {
		rest := t.user - w.look - time.Duration(w.now)*w.view.tick
		distance = min(w.rto, max(w.view.Clock.jiffiesUp(rest), 1))
		w.cut = distance < w.rto
	}
	w.arm(distance)
	return false
}

func (w *waits) arm(distance int64) {
	w.gap = distance
	w.spread++ // served a jiffy late
	if w.view.Clock.modest() {
		w.spread += w.view.Clock.widest(distance)
	}
	w.fires = w.late(w.now, distance)
}

// send sends the segment, or has it wait for the neighbour.
func (w *waits) send() {
	w.sent = w.now
	if n := &w.view.options.Neighbour.Value; n.State == NeighbourProbed && w.now < w.gives && !w.told {
		return // packets go out until it is given up
	}
	w.queued, w.throttled = true, false
	if !w.asking {
		w.asking, w.gives = true, w.answerless(w.now)
	}
}

// givenUp is what becomes of the segment when the neighbour is given up (neigh_invalidate, arp_error_report, ndisc_error_report).
func (w *waits) givenUp() (ended bool) {
	w.asking = false
	if !w.queued {
		return false
	}
	w.queued = false
	again := w.throttled
	if w.undoes && w.retransmits > 0 && w.backoff > 0 {
		w.backoff--
		w.rto = min(w.base<<min(w.backoff, 32), w.view.rtoMax)
		w.cut = false
		rest := w.rto - (w.now - w.sent)
		if w.lane != late { // the time since it was sent is rounded up, and the report comes later in its jiffy than the segment left in its own
			rest--
		}
		if rest <= 0 { // before the error is recorded (tcp_v4_err)
			ended = w.timedOut()
			w.told = w.told || !ended
			return ended
		}
		w.arm(rest)
	}
	w.told = true
	if again && w.retransmits > 0 {
		w.send()
		w.cut = false
		w.arm(w.rto)
	}
	return false
}

// synWaiting is the answer for a connection request that waits for a neighbour: the error ends it at once (tcp_v4_err, tcp_v6_err).
func (v *view) synWaiting() Ends {
	n := &v.options.Neighbour.Value
	ends := Ends{Kind: At, Error: v.errorOf(true), Reason: reasonSynNeighbour}
	var at [lanesLength]int64
	for lane := range at {
		w := waits{view: v, lane: lane}
		at[lane] = max(w.answerless(-v.Clock.jiffies(n.Since)), 0)
	}
	v.moments(&ends, fate{first: at[early] - v.Clock.jiffies(coarse), best: at[likely], last: at[late]}, v.into())
	return ends
}
