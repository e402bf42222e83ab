package forecast

import "time"

// plan is what the firings of a retransmission timer depend on.
type plan struct {
	retransmits int64
	rto         int64              // icsk_rto; doubled at each firing
	armed       int64              // how far ahead the running timer was armed
	interval    int64              // fixed distance between firings instead of rto, 0 when there is none
	thin        int64              // rto of the firings that do not double, 0 for none
	stamped     bool               // the elapsed time runs already before the first firing
	cut         bool               // the running timer was cut short: it ends the socket
	cuts        [lanesLength]int64 // how far ahead it was armed then, where that is not certain
	waiting     bool               // for a neighbour that does not answer
	told        bool               // which will have been recorded as an error by then
	untold      bool               // or not
	elapsed     elapsed
	timeout     timeout
}

// timeout is when to give up (tcp_write_timeout): the limits of retransmits_timed_out.
type timeout struct {
	user    time.Duration // TCP_USER_TIMEOUT, 0 when off
	clamp   bool          // and the time-out is cut short to what is left of it
	growing time.Duration // while the time-out still grows
	capped  time.Duration // once it is as long as it gets; differs for orphans
	grace   time.Duration // a jiffy with timestamps in microseconds
	count   int64         // number of retransmissions that end it as well (SYN_SENT), -1 for none
	sysctl  int64         // value of the deciding sysctl
}

func (t *timeout) at(capped bool) time.Duration {
	switch {
	case t.user > 0:
		return t.user
	case capped:
		return t.capped
	}
	return t.growing
}

// fate is what a walk along the firings found, in jiffies since the look.
type fate struct {
	known             bool
	noted             bool // first and last are meant
	first, best, last int64
	also              int64 // 0 for none
	count             int64 // retransmissions before it
	capped            bool  // the time-out was as long as it gets
	limit             time.Duration
	waited            int64 // the time-out that the last firing ended
}

// or is what is known when either may happen, of which this is the likelier: of all moments, the one farthest from it is the second.
func (f fate) or(o fate) fate {
	if !f.known || !o.known {
		return f
	}
	far := func(moment int64) int64 { return max(moment-f.best, f.best-moment) }
	for _, moment := range [...]int64{o.best, o.also} {
		if moment > 0 && moment != f.best && (f.also == 0 || far(moment) > far(f.also)) {
			f.also = moment
		}
	}
	f.first, f.last = min(f.first, o.first), max(f.last, o.last)
	return f
}

// enough firings for 255 retries of any length; more are beyond forecasting.
const mostFirings = 4096

// walk goes from firing to firing until the socket cannot have survived (tcp_retransmit_timer).
func (p *plan) walk(l *lanes, rtoMax int64) (f fate) {
	e := p.elapsed
	retransmits, rto, cut := p.retransmits, p.rto, p.cut
	far := p.far(l, &e, rto >= rtoMax)
	for range mostFirings {
		switch {
		case retransmits == 0 && !p.stamped:
			e.begin(l) // tcp_retransmit_skb sets retrans_stamp; the first firing never kills (retransmits_timed_out)
			far = p.far(l, &e, rto >= rtoMax)
		case !cut && time.Duration(l.last())*l.tick < far:
		case retransmits > 0 && p.fires(&f, l, &e, retransmits, rto >= rtoMax, cut):
			f.waited = rto
			p.loosen(&f, l, &e)
			return f
		}
		growing := rto < rtoMax
		retransmits, rto, cut = p.on(l, &e, far, retransmits, rto, rtoMax)
		if growing && rto >= rtoMax {
			far = p.far(l, &e, true)
		}
	}
	return fate{}
}

// loosen widens what the lanes enclose where TCP_USER_TIMEOUT cuts the last timer short and moments are not known to the jiffy: it is armed up to the option's end, wherever between the
// lanes that is, and its slot may be as wide as that of any length between them.
func (p *plan) loosen(f *fate, l *lanes, e *elapsed) {
	if p.timeout.user == 0 || !p.timeout.clamp || e.look[early] == e.look[late] || l.modulus == known && e.source <= Exact {
		return
	}
	f.first = min(f.first, max(int64((p.timeout.user-e.look[late]-e.above)/l.tick), 0))
	f.last = max(f.last, l.clock.jiffiesUp(p.timeout.user-e.look[early]+e.below)+l.clock.widest(f.waited+outside))
}

// on goes to the next firing, and on from there while firings cannot end the socket, under the limit that counts while the time-out grows or the one after.
func (p *plan) on(l *lanes, e *elapsed, far time.Duration, retransmits, rto, rtoMax int64) (retransmitted, nextRTO int64, cut bool) {
	growing, simple := rto < rtoMax, p.interval == 0 && !(p.timeout.user > 0 && p.timeout.clamp)
	for range mostFirings {
		next := p.next(retransmits+1, rto, rtoMax)
		if simple && l.together() {
			now, phase := l.now[early], l.phase[early]
			for range mostFirings {
				ahead, same := togetherAhead(phase, next)
				if !same {
					break
				}
				now, phase, retransmits, rto = now+ahead, phase+ahead, retransmits+1, next
				if each, same := togetherAhead(phase, next); same && !growing { // as far apart are all that follow: each comes at a slot
					n := min(max(int64(far/l.tick)-now, 0)/each, mostFirings)
					now, phase, retransmits = now+n*each, phase+n*each, retransmits+n
				}
				if time.Duration(now)*l.tick >= far || growing && rto >= rtoMax {
					l.stand(now, phase)
					return retransmits, rto, false
				}
				next = p.next(retransmits+1, rto, rtoMax)
			}
			l.stand(now, phase)
		}
		retransmits, rto = retransmits+1, next
		if cut = p.arm(l, e, rto); cut || time.Duration(l.last())*l.tick >= far || growing && rto >= rtoMax {
			break
		}
	}
	return retransmits, rto, cut
}

// far is up to which time since the look no firing can end the socket, without a look at each lane.
func (p *plan) far(l *lanes, e *elapsed, capped bool) time.Duration {
	if p.timeout.count >= 0 {
		return 0
	}
	return p.timeout.at(capped) - p.timeout.grace - l.tick - e.above - max(e.look[early], e.look[likely], e.look[late])
}

// fires compares the elapsed time with the limit at a firing, and says whether the socket ends there at the latest.
func (p *plan) fires(f *fate, l *lanes, e *elapsed, retransmits int64, capped, cut bool) bool {
	limit := p.timeout.at(capped)
	counted := cut || p.timeout.count >= 0 && retransmits >= p.timeout.count
	grace := p.timeout.grace
	// This firing may be served a jiffy late.
	if !counted && e.atMost(l)+grace+l.tick < limit {
		return false
	}
	least, middle := e.at(l)
	least, middle = least+grace, middle+grace
	if counted {
		least, middle = limit, limit
	}
	f.possible(l, middle >= limit, retransmits, capped, limit)
	return least >= limit
}

// possible notes a firing at which the socket may end, and whether that is likely.
func (f *fate) possible(l *lanes, likelyHere bool, retransmits int64, capped bool, limit time.Duration) {
	if !f.noted {
		f.noted, f.first = true, l.first()
	}
	f.last = max(f.last, l.last())
	switch {
	case likelyHere && !f.known:
		f.known, f.best, f.count, f.capped, f.limit = true, l.now[likely], retransmits, capped, limit
		if f.also == 0 {
			f.also = l.elsewhere()
		}
	case f.also == 0:
		f.also = max(l.now[likely], 1) // what is due in this very jiffy is served late, or it would have been
	}
}

// next is the time-out after a firing.
func (p *plan) next(retransmits, rto, rtoMax int64) int64 {
	switch {
	case p.interval > 0:
		return rto
	case p.thin > 0 && retransmits <= thinRetries:
		return p.thin
	}
	return min(2*rto, rtoMax)
}

// arm arms the timer again and says whether it was cut short for good.
func (p *plan) arm(l *lanes, e *elapsed, rto int64) (cut bool) {
	switch {
	case p.interval > 0:
		l.arm(p.interval)
	case p.timeout.user > 0 && p.timeout.clamp:
		var each [lanesLength]int64
		l.serve()
		each, cut = e.clamp(l, p.timeout.user, rto)
		if least := min(each[early], each[likely], each[late]); least < rto {
			l.armCut(each)
		} else {
			l.advance(rto, rto)
		}
	default:
		l.arm(rto)
	}
	return cut
}
