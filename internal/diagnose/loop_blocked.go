package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// loopBlocked is sockets that an event loop would see to if its thread came back to it.
//
// Needs: the epoll instances with what they watch, and the threads at two moments. Claims: the socket, or the listener in whose queue it waits, is armed in an instance
// that no thread waits for in either look, while a thread is busy or blocked in another call. Refuted by a thread that waits for that instance, and by an instance with a single socket: that is a worker's. Where a
// runtime keeps all its sockets armed for ever, only a single thread can be the loop: several may look at the instance without waiting for it.
var loopBlocked = rule{
	code: codeLoopBlocked, cause: "loop_blocked",
	claims: func(sc *scene, s *subject) bool {
		if s.socket.Unaccepted() {
			return s.listener != nil && s.age >= fresh && !sc.accepting[s.listener] && sc.keeper(s.netns, s.listener).blames(s, codeLoopBlocked)
		}
		if !sc.unnoticed(s) && !sc.unserved(s) || sc.inTurn(s) {
			return false
		}
		for i := range s.holders() {
			h := s.holder(i)
			d := sc.doing(h.PID)
			in := s.interest(d, h)
			if d.halted == "" && (sc.keptFrom(d, s, in) || !in.waited && sc.keepsQueue(d, s)) {
				s.blame(h.PID)
				return true
			}
		}
		return false
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		g.blameThreads(sc, f, sc.loopsElsewhere, "pid %d has these sockets in an epoll set that no thread waits for: %s")
		f.Victims.Count = len(g.members)
		g.queueEvidence(f)
	},
}

// keepsQueue reports whether connections wait to be accepted for the loop of the process that has this one in hand.
func (sc *scene) keepsQueue(d *doing, s *subject) bool {
	if s.listener == nil || s.listener.RecvQueue == 0 || sc.accepting[s.listener] || sc.getsOn(s.netns, s.listener) {
		return false
	}
	k := s.queue(sc)
	return k.code == codeLoopBlocked && slices.Contains(k.pids, d.process.PID)
}

// loopOff reports whether the thread that should look at a set is elsewhere.
func (sc *scene) loopOff(d *doing, in interest) bool {
	if in.set == nil || !in.armed || in.waited || !d.known || len(d.off) == 0 || !sc.manifold(d, in.set) {
		return false
	}
	if lately(sc.loopThreads(d)) || sc.advances(d, in.set) || sc.replies(d) {
		return false // it is slow
	}
	return d.single() || !in.constant && len(sc.loopThreads(d)) > 0
}

// keptFrom reports whether the loop that should look at a socket is elsewhere. One that has not been put into a set yet waits for the only loop there is, when others in its set do; and of several
// threads for the one whose set has the listener, or for one that has connections in its set and is elsewhere, as long as nobody has read a byte of it.
func (sc *scene) keptFrom(d *doing, s *subject, in interest) bool {
	switch {
	case in.set != nil || in.waited:
		return sc.loopOff(d, in) || s.listener != nil && sc.onlyOneOf(d, in)
	case d.process.Activity == nil:
		return false
	case !d.single():
		return untouched(s.socket) && s.listener != nil && (sc.leaves(d, s.listener.Inode) || sc.loopAway(d))
	}
	if d.behind == nil {
		d.behind = new(slices.ContainsFunc(d.process.Activity.Sockets, func(own look.Descriptor) bool { return sc.waitsForLoop(d, own) }))
	}
	return *d.behind
}

// onlyOneOf reports whether a set has nothing but one connection, as a worker's has, where others of the process are those of loops: then it is one of these, and no thread waits for it.
func (sc *scene) onlyOneOf(d *doing, in interest) bool {
	return !d.single() && in.armed && !in.waited && !in.constant && !sc.manifold(d, in.set) && sc.loopAway(d)
}

// loopAway reports whether a loop of a process is elsewhere that has connections in its set: what was accepted a while ago and is in no set yet waits for that, for the others would have put it into theirs.
func (sc *scene) loopAway(d *doing) bool {
	if d.behind == nil {
		d.behind = new(slices.ContainsFunc(d.sets(), func(set look.PollSet) bool {
			i := slices.IndexFunc(set.Watches, func(w look.Watch) bool {
				own, ok := d.process.Activity.Descriptor(w.FD)
				return ok && sc.accepted(own.Inode)
			})
			if i < 0 {
				return false
			}
			own, _ := d.process.Activity.Descriptor(set.Watches[i].FD)
			return sc.loopOff(d, d.interest(own.Inode, int(own.FD)))
		}))
	}
	return *d.behind
}

// leaves reports whether the loop of a process that should look at its listener is elsewhere.
func (sc *scene) leaves(d *doing, listener uint32) bool {
	left, asked := d.left[listener]
	if !asked {
		left = slices.ContainsFunc(d.process.Activity.Sockets, func(own look.Descriptor) bool {
			return own.Inode == listener && sc.loopOff(d, d.interest(own.Inode, int(own.FD)))
		})
		if d.left == nil {
			d.left = map[uint32]bool{}
		}
		d.left[listener] = left
	}
	return left
}

// waitsForLoop reports whether the socket of a descriptor is in a set of a loop that is elsewhere, and has waited there for a while.
func (sc *scene) waitsForLoop(d *doing, own look.Descriptor) bool {
	at, ok := sc.placeOf(own.Inode)
	in := d.interest(own.Inode, int(own.FD))
	if !ok || in.set == nil || !sc.loopOff(d, in) {
		return false
	}
	s := sc.subject(at.netns, at.index, sc.at(at))
	return sc.stuckUnread(&s)
}

// manifold reports whether a set is a loop's: it has more than one socket of TCP in it. One with nothing but a listener is how a worker waits for its next connection, one with nothing but a
// connection how a process waits that has only that to serve. So it is how a single thread waits that serves what it has accepted outside of the set, which has other listeners or idle connections to other servers as well.
func (sc *scene) manifold(d *doing, set *look.PollSet) bool {
	many, known := d.manifold[set]
	if !known {
		many = sc.hasMany(d, set)
		if d.manifold == nil {
			d.manifold = map[*look.PollSet]bool{}
		}
		d.manifold[set] = many
	}
	return many
}

func (sc *scene) hasMany(d *doing, set *look.PollSet) bool {
	n, accepted := 0, false
	for i := 0; i < len(set.Watches) && (n < 2 || !accepted); i++ { // every socket in it asks
		if own, ok := d.process.Activity.Descriptor(set.Watches[i].FD); ok && sc.socketOf(own.Inode) != nil {
			n++
			accepted = accepted || sc.accepted(own.Inode)
		}
	}
	if n < 2 || accepted || !d.single() {
		return n > 1
	}
	return !slices.ContainsFunc(d.process.Activity.Sockets, func(own look.Descriptor) bool {
		return d.interest(own.Inode, int(own.FD)).set == nil && sc.accepted(own.Inode)
	})
}

// accepted reports whether a socket is a connection that came through a listener.
func (sc *scene) accepted(inode uint32) bool {
	at, ok := sc.placeOf(inode)
	if !ok || sc.at(at).State == tcp.Listen {
		return false
	}
	listener, _ := sc.origin(at.netns, sc.at(at))
	return listener != nil
}

// notLater leaves out of the threads that certainly cannot take work those that were started when connections had been in each set that nobody waits for: who put them there is another, and the loop. Where that
// leaves none it tells nothing.
func (sc *scene) notLater(d *doing) []worker {
	if d.loop == nil {
		first := forever
		for i := range d.sets() {
			if set := &d.sets()[i]; !d.polls(set) && sc.manifold(d, set) {
				first = min(first, sc.inUse(d, set))
			}
		}
		d.loop = without(d.strong, func(w worker) bool {
			return first < forever && w.thread.Running > 0 && w.thread.Running+belated < first
		})
		if len(d.loop) == 0 {
			d.loop = d.strong
		}
	}
	return d.loop
}

// inUse returns for how long the oldest connection in a set has certainly existed.
func (sc *scene) inUse(d *doing, set *look.PollSet) (oldest time.Duration) {
	for i := range set.Watches {
		own, _ := d.process.Activity.Descriptor(set.Watches[i].FD)
		if at, ok := sc.placeOf(own.Inode); ok && sc.at(at).State != tcp.Listen {
			began, doubt := sc.existed(at)
			oldest = max(oldest, began-doubt)
		}
	}
	return oldest
}

// loopThreads returns the threads that can be the loop: the one that works, or else the main one, for members of a pool wait in a lock as well. Of those only who has waited there since a request was read that is unanswered.
func (sc *scene) loopThreads(d *doing) []worker {
	if len(d.strong) > 0 {
		return sc.notLater(d)
	}
	main := slices.IndexFunc(d.off, func(w worker) bool { return w.thread.TID == d.process.PID })
	switch {
	case main >= 0:
		return d.off[main : main+1]
	case len(d.working) > 0:
		return d.working
	}
	if d.called == nil {
		d.called = new(without(d.locked, func(w worker) bool { return w.ran || w.thread.Resting == 0 || !sc.occasion(d, w.thread.Resting) }))
	}
	return *d.called
}

// loopsElsewhere returns all threads of which a loop may be one that several share: where the main thread sleeps, those as well that sleep since a request was read that is unanswered.
func (sc *scene) loopsElsewhere(d *doing) []worker {
	list := sc.loopThreads(d)
	if len(d.strong) > 0 || len(list) != 1 || list[0].what != sleeping {
		return list
	}
	list = slices.Clone(list)
	for _, w := range stuck(d.working) {
		if w.thread != list[0].thread && w.what == sleeping && sc.occasion(d, sc.since(w)) {
			list = append(list, w)
		}
	}
	return list
}
