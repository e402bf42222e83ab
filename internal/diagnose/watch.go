package diagnose

import (
	"slices"

	"github.com/closewait/closewait/internal/look"
)

// interest is how a process looks at one of its sockets.
type interest struct {
	// set is the epoll instance that contains it, nil when none does.
	set *look.PollSet
	// armed is true when that instance tells of data and of a FIN, constant when it always does, whether anybody wants to know or not.
	armed, constant bool
	// edge is true when it tells of each thing once: who waits there has been told of what is unread.
	edge bool
	// fired is true when it has told of something once and for all: a thread has taken the socket in hand, and has not given it back.
	fired bool
	// waited is true when a thread waits for the socket by any means.
	waited bool
}

// What may hold of an interest that is kept.
const (
	wasSeen marks = 1 << iota // there is an answer at all
	isArmed
	isConstant
	isEdge
	hasFired
	isWaited
)

// watched is a descriptor in an epoll instance.
type watched struct {
	set   *look.PollSet
	watch *look.Watch
}

// sets are the epoll instances of the process.
func (d *doing) sets() []look.PollSet { return d.process.Activity.Epolls }

// interest returns how a process looks at a socket that is its descriptor fd.
func (d *doing) interest(inode uint32, fd int) (i interest) {
	if d.process.Activity == nil {
		return i
	}
	for _, w := range d.watches(fd) {
		if w.watch.Inode != 0 && uint32(w.watch.Inode) != inode {
			continue // a number that was used again
		}
		i.set, i.armed, i.fired = w.set, w.watch.Armed(), w.watch.Fired()
		// Runtimes that ask for everything at once, edge-triggered and for ever, keep to themselves who wants to know.
		i.edge = w.watch.Events&look.PollEdge != 0
		i.constant = i.edge && w.watch.Events&look.PollOut != 0
	}
	i.waited = i.armed && d.polls(i.set) || slices.ContainsFunc(d.waits, func(m *look.Moment) bool { return waitsFor(m, inode, fd) })
	return i
}

// takenInHand reports whether a thread has taken a connection in hand that was accepted, and may be at work on it still.
func (sc *scene) takenInHand(s *subject) bool {
	if s.listener == nil || !s.held() {
		return false
	}
	h := s.holder(0)
	return s.interest(sc.doing(h.PID), h).fired
}

// interest returns how a holder looks at the socket. The answer for the first, as a rule the only one, is kept.
func (s *subject) interest(d *doing, h look.Holder) interest {
	if h != s.holder(0) {
		return d.interest(s.socket.Inode, h.FD)
	}
	if !s.seen.has(wasSeen) {
		i := d.interest(s.socket.Inode, h.FD)
		if i.set != nil {
			s.instance = int16(1 + slices.IndexFunc(d.sets(), func(set look.PollSet) bool { return set.FD == i.set.FD }))
		}
		s.seen.set(wasSeen, true)
		s.seen.set(isArmed, i.armed)
		s.seen.set(isConstant, i.constant)
		s.seen.set(isEdge, i.edge)
		s.seen.set(hasFired, i.fired)
		s.seen.set(isWaited, i.waited)
	}
	i := interest{armed: s.seen.has(isArmed), constant: s.seen.has(isConstant), edge: s.seen.has(isEdge), fired: s.seen.has(hasFired), waited: s.seen.has(isWaited)}
	if s.instance > 0 {
		i.set = &d.sets()[s.instance-1]
	}
	return i
}

// watches returns the epoll entries of a descriptor. They are put in order when the first is asked for.
func (d *doing) watches(fd int) []watched {
	if d.watching == nil {
		d.watching = []watched{}
		for n := range d.process.Activity.Epolls {
			set := &d.process.Activity.Epolls[n]
			for k := range set.Watches {
				d.watching = append(d.watching, watched{set, &set.Watches[k]})
			}
		}
		slices.SortStableFunc(d.watching, func(a, b watched) int { return a.watch.FD - b.watch.FD })
	}
	from, _ := slices.BinarySearchFunc(d.watching, fd, func(w watched, fd int) int { return w.watch.FD - fd })
	to := from
	for to < len(d.watching) && d.watching[to].watch.FD == fd {
		to++
	}
	return d.watching[from:to]
}

// waitsFor reports whether a thread waits for a socket in a call of its own.
func waitsFor(m *look.Moment, inode uint32, fd int) bool {
	switch m.Call.Kind {
	case look.CallRead, look.CallAccept:
		return m.Call.Inode == inode
	case look.CallPoll:
		return slices.ContainsFunc(m.Call.Watches, func(w look.Watch) bool { return w.FD == fd && w.Armed() })
	}
	return false
}

// polls reports whether a thread waits for the events of an epoll instance, directly or through another one that contains it.
func (d *doing) polls(set *look.PollSet) bool {
	polled, known := d.polled[set]
	if !known {
		polled = slices.ContainsFunc(d.waits, func(m *look.Moment) bool {
			if m.Call.Kind != look.CallPoll {
				return false
			}
			return m.Call.FD == set.FD ||
				slices.ContainsFunc(d.watches(set.FD), func(w watched) bool { return w.set.FD == m.Call.FD }) ||
				slices.ContainsFunc(m.Call.Watches, func(w look.Watch) bool { return w.FD == set.FD })
		})
		if d.polled == nil {
			d.polled = map[*look.PollSet]bool{}
		}
		d.polled[set] = polled
	}
	return polled
}

// rings reports whether a thread waits for an io_uring or for asynchronous I/O, whose requests do not show: it may be waiting for anything.
func (d *doing) rings() bool {
	if d.inRing == unasked {
		d.inRing = no
		if d.moments(func(m *look.Moment) bool {
			return m.Call.Name == "io_uring_enter" || m.Call.Name == "io_getevents" || m.Call.Name == "io_pgetevents"
		}) {
			d.inRing = yes
		}
	}
	return d.inRing == yes
}
