package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// load is what waits for one process.
type load struct {
	// drained are connections of which all was read, the FIN with it, whether the program took notice of that or not.
	drained int
	// inHand are connections whose client has closed and of which the program has read something: it may be working for them.
	inHand int
	// untouched are connections that were accepted and of which not a byte has been read, although there is data, and that have no thread of their own.
	untouched int
	// patient are connections whose client still waits: of those all was read, and nothing was sent since. They are counted where untouched ones wait, and none is in hand.
	patient int
	// served counts those that came through a listener, and began are for how long they have existed, in ascending order, while that is asked; short is true where they are more than the threads
	// that may be at work for them.
	served int
	began  []time.Duration
	short  bool
	// own are the threads that began with a connection, or with its request, by connection, and rested those that may have begun with another's.
	own    map[*tcp.Socket]worker
	rested []worker
	// young are the threads that may have begun with a connection, waiting the connections they may have begun with.
	young   []worker
	waiting []*subject
}

// stuckUnread reports whether the peer has closed a while ago and the program has not read to the end.
func (sc *scene) stuckUnread(s *subject) bool {
	return s.socket.State == tcp.CloseWait && s.socket.Inode != 0 && s.socket.RecvQueue > 0 && s.age >= fresh && !s.moved && !sc.drains(s)
}

// unnoticed reports whether the peer has closed a while ago and the program may not know: it has not read to the end, or the FIN came so closely behind the last data
// that one call can have read both.
func (sc *scene) unnoticed(s *subject) bool {
	return sc.stuckUnread(s) || sc.drained(s)
}

func (sc *scene) drained(s *subject) bool {
	in, known := s.socket.Info.Uint(tcp.DataSegsIn)
	_, ok := s.socket.Info.Duration(tcp.LastDataRecv)
	return s.socket.State == tcp.CloseWait && s.socket.Inode != 0 && s.socket.RecvQueue == 0 && s.socket.SendQueue == 0 && s.age >= fresh &&
		known && in > 0 && ok && (endedAtOnce(s) || sc.lateToIt(s))
}

// endedAtOnce reports whether the FIN came closely behind the last data.
func endedAtOnce(s *subject) bool {
	came, known := s.socket.Info.Duration(tcp.LastDataRecv)
	return known && came <= s.age+within
}

// lateToIt reports whether a process that is slow, or behind and whose threads are no fewer than what it has in hand, may have come to a connection when its client had left: it has not answered. One call reads the end with the data then.
func (sc *scene) lateToIt(s *subject) bool {
	if s.listener == nil || !s.held() || !owes(s.socket) {
		return false
	}
	h := s.holder(0)
	d := sc.doing(h.PID)
	in := s.interest(d, h)
	return d.known && d.halted == "" && in.set == nil && !in.waited && (d.single() && len(d.off) > 0 || sc.getsThrough(d) || s.listener.RecvQueue > 0 && sc.oneForEach(d))
}

// oneForEach reports whether as many threads are at work as there are connections whose request was read and not answered.
func (sc *scene) oneForEach(d *doing) bool { return len(sc.outstanding(d)) <= len(d.working) }

// unserved reports whether somebody has asked a while ago, still waits, and nothing was read of it since.
func (sc *scene) unserved(s *subject) bool {
	return s.listener != nil && ignored(s.socket) && !s.moved && !sc.getsOn(s.netns, s.listener) && !s.heldBy(func(h look.Holder) bool { return sc.replies(sc.doing(h.PID)) })
}

// waitsUnread reports whether the connection waits for the program to come to it: its peer has left, or still waits.
func (sc *scene) waitsUnread(s *subject) bool {
	return sc.unnoticed(s) || sc.unserved(s) && untouched(s.socket)
}

// untouched reports whether not a byte has been read; the FIN counts in both numbers.
func untouched(s *tcp.Socket) bool {
	received, ok := s.Info.Uint(tcp.BytesReceived)
	return ok && uint64(s.RecvQueue) >= received
}

// loadOf returns what waits for a process. It is counted for all of them when the first is asked for.
func (sc *scene) loadOf(d *doing) *load {
	if sc.weighed {
		return &d.load
	}
	sc.weighed = true
	sc.eachWaiting(func(d *doing, s *subject) {
		l := &d.load
		if l.served == 0 {
			l.young = d.young()
		}
		if l.served++; sc.mayOwn(l.young, s) { // of the others there may be a million
			l.waiting = append(l.waiting, s)
		}
	})
	for _, d := range sc.doings {
		l := &d.load
		if l.own = sc.attended(l.young, l.waiting); len(l.own) < len(l.waiting) { // a pool: each of its threads began with the first that it serves, of which it has read
			l.own = sc.attended(l.young, slices.DeleteFunc(l.waiting, func(s *subject) bool { return untouched(s.socket) }))
		}
	}
	sc.eachWaiting(sc.resume)
	sc.eachWaiting(func(d *doing, s *subject) { d.load.weigh(s.socket) })
	for _, d := range sc.doings {
		if d.load.untouched > 0 && d.load.inHand == 0 {
			d.load.patient = sc.patient(d)
		}
	}
	return &d.load
}

// patient counts the connections of a process whose clients wait for an answer, or take none of it: who answers them may wait for that without being seen to write.
func (sc *scene) patient(d *doing) (n int) {
	for _, at := range sc.inState(d.process, tcp.Established) {
		s := sc.at(at)
		if s.RecvQueue > 0 || untouched(s) || !owes(s) && (s.SendQueue == 0 || !windowClosed(s)) {
			continue
		}
		if _, connected := sc.origin(at.netns, s); !connected {
			n++
		}
	}
	return n
}

// atWork counts the connections that threads may be at work for.
func (l *load) atWork() int { return l.inHand + l.patient }

// eachWaiting visits the connections that wait for a process, each with that process.
func (sc *scene) eachWaiting(visit func(d *doing, s *subject)) {
	sc.stuck(func(s *subject) {
		if s.listener == nil || !sc.waitsUnread(s) {
			return
		}
		for i := range s.holders() {
			if pid := s.holder(i).PID; i == 0 || s.holder(i-1).PID != pid {
				visit(sc.doing(pid), s)
			}
		}
	})
}

// weigh counts a connection.
func (l *load) weigh(s *tcp.Socket) {
	_, own := l.own[s]
	if s.RecvQueue == 0 {
		l.drained++
	}
	switch {
	case !untouched(s):
		l.inHand++
	case s.RecvQueue > 1 && !own:
		l.untouched++
	}
}

// stuck visits the suspects that are old enough for a verdict.
func (sc *scene) stuck(visit func(*subject)) {
	all := sc.suspects()
	for i := range all {
		if s := &all[i]; s.age >= fresh || waits(s.socket) || ignored(s.socket) {
			visit(s)
		}
	}
}

// suspects are all of them. They are asked for several times, and there may be a million.
func (sc *scene) suspects() []subject {
	if sc.suspected != nil {
		return sc.suspected
	}
	count := 0
	sc.each(func(_, _ int32, s *tcp.Socket) {
		if s.State != tcp.Listen && Suspect(s) {
			count++
		}
	})
	sc.suspected = make([]subject, 0, count)
	sc.each(func(netns, index int32, s *tcp.Socket) {
		if s.State != tcp.Listen && Suspect(s) {
			sc.suspected = append(sc.suspected, sc.subject(netns, index, s))
		}
	})
	return sc.suspected
}
