package forecast

import "github.com/closewait/closewait/tcp"

// orphanRetries is tcp_orphan_retries: the retries left to a socket that nobody holds any more. While its time-out still grows it is taken for
// alive, and 0 then means 8; once the time-out is as long as it gets, 0 means none, and a recorded soft error means none whatever the sysctl says.
func (v *view) orphanRetries(alive bool) int64 {
	retries := v.Limits.OrphanRetries.Value
	if !alive && v.unreachable() {
		return 0
	}
	if alive && retries == 0 {
		return orphanDefault
	}
	return retries
}

// Resources are what TCP uses of what the whole host allows it: where that is exceeded, sockets that nobody holds are reset when their timer fires (tcp_out_of_resources). With
// MaxOrphans 0 they are not known.
type Resources struct {
	Orphans, MaxOrphans int64 // sockets that nobody holds; tcp_max_orphans
	Pages, MaxPages     int64 // of memory in the queues of TCP; tcp_mem
}

// exhausted compares them with their limits (tcp_check_oom). A socket counts double, or four times, when the network reported an error or the peer has been silent for
// twice the longest time-out; only those with something in their queues suffer for memory.
func (v *view) exhausted() (certainly, perhaps bool) {
	const least = 4608 // SOCK_MIN_SNDBUF, in bytes of memory rather than of data
	r := &v.Resources
	if r.MaxOrphans == 0 {
		return false, false
	}
	shift := 0
	if v.options.SoftError.Value != 0 {
		shift = 1
	}
	memory := r.Pages > r.MaxPages
	return r.Orphans<<shift > r.MaxOrphans || memory && v.socket.SendQueue > least, r.Orphans<<2 > r.MaxOrphans || memory
}

// reset is what becomes of the answer for an orphan where the host is at its limits: the next firing ends it, unless others have ended by then.
func (v *view) reset(e Ends) Ends {
	certainly, perhaps := v.exhausted()
	if !perhaps || e.Kind == Unknown && !certainly {
		return e
	}
	armed := v.shortened()
	if v.socket.Timer.Kind == tcp.TimerPersist {
		armed = v.probeInterval(v.backoff)
	}
	l := v.firing(max(armed, v.expires), 1)
	next := Ends{Kind: At}
	v.moments(&next, l.moment(), v.into())
	switch {
	case certainly:
	case e.Kind == Never:
		return Ends{By: ByOrphan, Earliest: next.Best, Reason: reasonPersistOrphan}
	default:
		e.Earliest = min(e.Earliest, next.Earliest)
		return e
	}
	if e.Kind == At {
		next.Latest = max(next.Latest, e.Latest)
	}
	next.By, next.Reason = ByOrphan, reasonExhausted
	if v.Resources.Orphans > v.Resources.MaxOrphans {
		next.Limit = Limit{Name: "tcp_max_orphans", Value: v.Resources.MaxOrphans}
	} else {
		next.Limit = Limit{Name: "tcp_mem", Value: v.Resources.MaxPages}
	}
	return next
}
