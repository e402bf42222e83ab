package diagnose

import (
	"math"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// What tells a program that is slow from one that is stuck. A slow one is at work whenever it is looked at, and connections wait for it until their clients give up.

// watchful is for how long a program is watched at most that may be slow: what a screen may take. One that comes to no connection in that time is not called slow.
const watchful = 4 * time.Second

// slowest is how long something takes at most of which a program that answers meanwhile is called slow, and queueing how old a connection is at most that waits for such a program: who has waited for longer may have been forgotten.
const (
	slowest  = 2 * fresh
	queueing = time.Minute
	forever  = time.Duration(math.MaxInt64 / 2)
)

// since returns how long ago a thread began with what it does, 0 when not known: of a thread that is busy the kernel does not tell. A thread that waits for a connection may run now and then without
// anything passing that.
func (sc *scene) since(w worker) time.Duration {
	if w.what == busy {
		return 0
	}
	if s := sc.socketOf(w.call.Inode); s != nil {
		if still, ok := stalled(s); ok {
			return max(w.thread.Resting, still)
		}
	}
	return w.thread.Resting
}

// began is since where that tells that a thread is slow: however long what it does takes, as long as it is less than makes a connection old nothing shows that it is stuck. A wait with a short time limit may be one of
// many for the same thing, as those of a resolver are.
func (sc *scene) began(w worker) time.Duration {
	if w.call.Left > 0 && w.call.Left < slowest && sc.socketOf(w.call.Inode) == nil {
		return 0
	}
	return sc.since(w)
}

// watched returns how much time there was between the two looks, 0 without a second: by so much older was the last acknowledgement of a connection on which nothing has happened meanwhile. A program that goes from one
// short wait to the next, and to none of its connections in all that time, is not slow.
func (sc *scene) watched() time.Duration {
	if sc.interval == nil {
		sc.interval = new(time.Duration)
		for i := 0; i < len(sc.suspected) && len(sc.later) > 0 && *sc.interval == 0; i++ {
			s := sc.suspected[i].socket
			before, known := s.Info.Duration(tcp.LastAckRecv)
			if after := sc.later[s.Cookie]; after != nil && known {
				then, _ := after.Info.Duration(tcp.LastAckRecv)
				*sc.interval = max(then-before, 0)
			}
		}
	}
	return *sc.interval
}

// replied returns how long ago a process has last sent something on a connection that it accepted, forever where it has not.
func (sc *scene) replied(d *doing) time.Duration {
	if d.replied != nil {
		return *d.replied
	}
	d.replied = new(forever)
	for own, at := range sc.inState(d.process, tcp.Established) {
		s := sc.at(at)
		sent, known := s.Info.Duration(tcp.LastDataSent)
		out, _ := s.Info.Uint(tcp.DataSegsOut)
		if s.SendQueue == 0 && known && out > 0 && sent < *d.replied && sc.accepted(own.Inode) { // what the kernel sends again by itself is none of its doing
			*d.replied = sent
		}
	}
	return *d.replied
}

// replies reports whether a process has answered somebody a moment ago: it gets on, however slowly.
func (sc *scene) replies(d *doing) bool { return sc.replied(d) < fresh }

// paced reports whether a process is slow by what it gets done: it has answered somebody a moment ago, or come to a connection between the two looks, the threads that may be at work have been at one thing for no longer than
// a slow answer takes, and who came first is served first: clients that keep their connections may have all threads for themselves.
func (sc *scene) paced(d *doing) bool {
	if d.paced == unasked {
		d.paced = no
		if (sc.replied(d)+sc.watched() < fresh+belated || sc.takes(d)) && sc.turns(d) && sc.inOrder(d) {
			d.paced = yes
		}
	}
	return d.paced == yes
}

// getsThrough reports whether a process comes to its connections, however slowly, whatever its threads were seen at.
func (sc *scene) getsThrough(d *doing) bool { return sc.takes(d) || len(d.working) > 0 && sc.paced(d) }

// takes reports whether a process came between the two looks to a connection of which it had not read anything.
func (sc *scene) takes(d *doing) bool {
	if sc.taking == nil {
		sc.taking = map[int]bool{}
		sc.stuck(func(s *subject) {
			if s.moved && s.listener != nil && s.socket.RecvQueue > 1 && untouched(s.socket) {
				for i := range s.holders() {
					h := s.holder(i)
					sc.taking[h.PID] = true
				}
			}
		})
	}
	return sc.taking[d.process.PID]
}

// inOrder reports whether nobody waits for a process, accepted or not, who has asked before one that it has in hand.
func (sc *scene) inOrder(d *doing) bool {
	inHand, waiting := forever, time.Duration(0) // the last of those, the first of these
	for _, own := range d.process.Activity.Sockets {
		at, ok := sc.placeOf(own.Inode)
		if !ok {
			continue
		}
		s := sc.at(at)
		if waiting = max(waiting, sc.queuedFor(s)); !sc.accepted(own.Inode) || !owes(s) {
			continue
		}
		came, _ := s.Info.Duration(tcp.LastDataRecv)
		in, _ := s.Info.Uint(tcp.DataSegsIn)
		switch {
		case unread(s) || s.State == tcp.CloseWait && s.RecvQueue > 1:
			waiting = max(waiting, came)
		case in > 0:
			inHand = min(inHand, came)
		}
	}
	return waiting <= inHand+belated
}

// queuedFor returns for how long a client waits in the queue of a listener that has asked for something, 0 where there is none.
func (sc *scene) queuedFor(listener *tcp.Socket) time.Duration {
	if sc.queued == nil {
		sc.queued = map[*tcp.Socket]time.Duration{}
		sc.stuck(func(s *subject) {
			if came, known := s.socket.Info.Duration(tcp.LastDataRecv); known && s.socket.Unaccepted() && s.socket.RecvQueue > 1 {
				sc.queued[s.listener] = max(sc.queued[s.listener], came)
			}
		})
	}
	return sc.queued[listener]
}

// turns reports whether all threads that may be at work have been at one thing for less than a slow answer takes. Where they all wait for other threads, idle ones do as well, so that only as many count as there are
// connections in hand.
func (sc *scene) turns(d *doing) bool {
	told := slices.ContainsFunc(d.process.Activity.Threads, func(t look.Thread) bool { return t.Resting > 0 }) // then 0 is a moment
	young := func(w worker) bool {
		since := sc.since(w)
		return w.ran || w.what != busy && (told || since > 0) && since+sc.watched() < slowest
	}
	if len(d.working) > 0 {
		return len(without(d.working, young)) == 0
	}
	n := sc.loadOf(d).atWork()
	return n > 0 && len(d.locked)-len(without(d.locked, young)) >= n
}

// lately reports whether all of some threads have begun what they do a moment ago, or get on with it.
func lately(list []worker) bool {
	return len(stuck(list)) == 0 && slices.ContainsFunc(list, func(w worker) bool { return w.lately })
}

// lags reports whether the threads that keep a process from its connections are slow: they have begun what they do a moment ago, or what waits in the same set as a socket became less between the two looks.
func (sc *scene) lags(d *doing, in interest) bool {
	if d.slow == unasked {
		list := d.strong
		if len(list) == 0 {
			list = d.working
		}
		if d.single() {
			list = d.off
		}
		d.slow = no
		if lately(list) {
			d.slow = yes
		}
	}
	return d.slow == yes || sc.advances(d, in.set)
}

// advances reports whether something of a connection that waited for a process was read between the two looks, or the connection closed: one of those that its loop watches in a set, or, of the only thread, any.
func (sc *scene) advances(d *doing, set *look.PollSet) bool {
	if sc.advanced == nil {
		sc.advanced = map[waitingSet]bool{}
		sc.stuck(func(s *subject) {
			if !s.moved || s.socket.State != tcp.CloseWait && !ignored(s.socket) {
				return
			}
			for i := range s.holders() {
				h := s.holder(i)
				sc.advanced[waitingSetOf(h.PID, s.interest(sc.doing(h.PID), h).set)] = true
			}
		})
	}
	return sc.advanced[waitingSetOf(d.process.PID, set)] && (set != nil || d.single())
}

// waitingSet is an epoll instance of a process, or none of them.
type waitingSet struct{ pid, fd int }

func waitingSetOf(pid int, set *look.PollSet) waitingSet {
	if set == nil {
		return waitingSet{pid, -1}
	}
	return waitingSet{pid, set.FD}
}

// inTurn reports whether a slow program has yet to come to a connection, or is at work on it at this moment: its client left while it waited.
func (sc *scene) inTurn(s *subject) bool {
	if s.turn == unasked {
		s.turn = no
		if s.listener != nil && (sc.unnoticed(s) || sc.unserved(s)) && sc.willCome(s) {
			s.turn = yes
		}
	}
	return s.turn == yes
}

func (sc *scene) willCome(s *subject) bool {
	l := s.listener
	behind := l.RecvQueue > 0 && (sc.accepting[l] || sc.getsOn(s.netns, l) || s.queue(sc).code == "") || sc.taken(s.netns, l)
	if !s.held() {
		return behind && owes(s.socket)
	}
	return s.heldBy(func(h look.Holder) bool { return sc.comesTo(s, h, behind) })
}

// comesTo reports whether a holder is slow, behind telling that connections wait to be accepted of which one after the other is. One thread may have read any number of requests before it comes to
// answer them; of several each has one in hand, and they come to those of which nothing was read.
func (sc *scene) comesTo(s *subject, h look.Holder, behind bool) bool {
	d := sc.doing(h.PID)
	if d.known && d.halted == "" && s.age < queueing && sc.getsThrough(d) {
		return owes(s.socket)
	}
	if d.halted != "" || len(d.off) == 0 {
		return false
	}
	in := s.interest(d, h)
	f := sc.flockOf(s)
	drains := f != nil && f.drains
	if !behind && !drains && !sc.lags(d, in) {
		return false
	}
	load := sc.loadOf(d)
	handled := load.inHand <= len(d.off)
	switch {
	case behind && d.single():
		return owes(s.socket)
	case untouched(s.socket):
		return in.set != nil && in.armed && !in.waited && !in.constant || handled && load.inHand > 0
	}
	return handled && (behind || load.untouched > 0 || drains)
}

// getsOn reports whether a listener's program is slow rather than stuck: it has ended connections at intervals, and the next end is not overdue. Each end leaves a socket in TIME_WAIT where it was begun, for
// everybody to see: on this side, or on that of a client in the same network. Who has several listeners on one address cannot be told by that.
func (sc *scene) getsOn(netns int32, l *tcp.Socket) bool {
	const several = 3
	if sc.ended == nil {
		sc.ended = map[*tcp.Socket][]time.Duration{}
		sc.each(func(netns, _ int32, s *tcp.Socket) {
			if s.State != tcp.TimeWait || s.Timer.Kind != tcp.TimerTimeWait {
				return
			}
			for _, server := range [...]tcp.Endpoint{s.Local, s.Peer} {
				if shared := sc.sharing(netns, server); len(shared) == 1 {
					sc.ended[shared[0]] = append(sc.ended[shared[0]], timeWaitLength-s.Timer.Expires)
				}
			}
		})
	}
	ended := sc.ended[l]
	if len(ended) < several || len(sc.sharing(netns, l.Local)) != 1 {
		return false
	}
	first, last := slices.Max(ended), slices.Min(ended)
	interval := (first - last) / time.Duration(len(ended)-1)
	return last <= 2*interval+time.Second
}
