package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// workersBlocked is connections that wait for workers which are all at something else.
//
// Needs: the threads at two moments, the queue of the listener or what was read of the connections. Claims: the threads that could take them are busy, or blocked in a call
// on another descriptor, in both looks, and connections wait: in the listener's queue, accepted and not read by a byte, or read and more than there are threads. A socket that one of those threads is
// blocked in writing to belongs to it as well: its silent reader is the culprit. Refuted by a holder of the listener that waits for connections, by threads of which one does
// nothing, by threads that move from one descriptor to the next, and by connections of the listener that have ended one after another until now.
var workersBlocked = rule{
	code: codeWorkersBlocked, cause: "workers_blocked",
	claims: claimsWorkersBlocked, describe: describeWorkersBlocked,
}

func claimsWorkersBlocked(sc *scene, s *subject) bool {
	if s.listener == nil {
		return false
	}
	if s.socket.Unaccepted() {
		return s.age >= fresh && !sc.accepting[s.listener] && !sc.getsOn(s.netns, s.listener) && s.queue(sc).blames(s, codeWorkersBlocked)
	}
	if sc.awaitsCrew(s, codeWorkersBlocked) {
		return true
	}
	for i := range s.holders() {
		h := s.holder(i)
		d := sc.doing(h.PID)
		if sc.away(d) && (sc.unnoticed(s) || sc.unserved(s)) && s.interest(d, h).set == nil {
			s.blame(h.PID)
			return true
		}
		if d.halted != "" || !sc.waitsUnread(s) && !d.stuckOn(s.socket) || s.socket.RecvQueue == 0 && sc.loadOf(d).drained > len(d.blocked()) {
			continue
		}
		if d.single() && sc.alone(d, s.socket) && (sc.unserved(s) || s.listener.RecvQueue == 0 || !sc.keeps(d.process.PID, s.listener)) {
			continue // whatever it waits for, it does so for this client
		}
		if s.listener.RecvQueue > 0 && !sc.accepting[s.listener] && !sc.getsOn(s.netns, s.listener) {
			if k := s.queue(sc); k.code == codeWorkersBlocked && slices.Contains(k.pids, h.PID) {
				return k.blames(s, codeWorkersBlocked)
			}
		}
		in := s.interest(d, h)
		if sc.waiting(d) || (in.set == nil || in.armed && !in.waited && !in.constant) && sc.waitingForLocks(d) || (in.edge && sc.handed(d) || !in.armed && !in.waited) && owes(s.socket) && (sc.overrun(d) || sc.outnumbered(d)) {
			s.blame(h.PID)
			return true
		}
	}
	return false
}

// away reports whether the only thread of a process that looks at its connections without an epoll instance, by poll or select, is at something else, and not for all who wait: a request was read when it began, and another
// connection waits as well.
func (sc *scene) away(d *doing) bool {
	if d.away != unasked {
		return d.away == yes
	}
	d.away = no
	if !d.known || d.halted != "" || !d.single() || len(stuck(d.off)) == 0 || d.off[0].what != busy && !sc.occasion(d, sc.since(d.off[0])) || d.mayNotAccept() || sc.replies(d) || sc.paced(d) {
		return false
	}
	waiting, last := 0, uint32(0)
	for _, own := range d.process.Activity.Sockets {
		if s := sc.socketOf(own.Inode); s != nil && own.Inode != last && sc.accepted(own.Inode) && (unread(s) || s.State == tcp.CloseWait && s.RecvQueue > 0 || readUnanswered(s)) {
			waiting, last = waiting+1, own.Inode // which may be its input and its output
		}
	}
	if waiting > 1 {
		d.away = yes
	}
	return d.away == yes
}

// alone reports whether a process has accepted nothing but one connection.
func (sc *scene) alone(d *doing, s *tcp.Socket) bool {
	if d.only == nil {
		d.only = new(uint32)
		for _, own := range d.process.Activity.Sockets {
			if own.Inode == *d.only || !sc.accepted(own.Inode) {
				continue
			}
			if *d.only != 0 {
				*d.only = 0
				break
			}
			*d.only = own.Inode
		}
	}
	return *d.only == s.Inode
}

// waiting reports whether connections that were accepted wait inside the program for threads that are at something else.
func (sc *scene) waiting(d *doing) bool {
	l := sc.loadOf(d)
	if l.untouched == 0 || !d.known {
		return false
	}
	if d.mayNotAccept() || sc.paced(d) {
		return false
	}
	return len(stuck(d.strong)) > 0 || l.atWork() > 0 && len(stuck(d.working)) > 0 && l.atWork() <= len(d.working)+d.woken
}

// overrun reports whether more connections are in hand than threads at work, and no thread is left that may be idle: what was read of the others waits inside the program. A thread that has slept since before all of them
// asked is at work for none, and a connection of which an event loop has asked another waits for that.
func (sc *scene) overrun(d *doing) bool {
	if d.overrun == unasked {
		d.overrun = no
		if sc.outgrown(d) {
			d.overrun = yes
		}
	}
	return d.overrun == yes
}

func (sc *scene) outgrown(d *doing) bool {
	if !d.known || d.single() || len(d.locked) > 0 {
		return false
	}
	working := stuck(d.working)
	if asked := sc.outstanding(d); len(asked) > 0 {
		working = without(working, func(w worker) bool { return !w.strong && w.restsSince(asked[len(asked)-1]) })
	}
	if len(working) == 0 || sc.loadOf(d).inHand <= len(working) || sc.paced(d) {
		return false
	}
	asking := 0
	for _, at := range sc.questions(d.process.PID) {
		if !slices.ContainsFunc(d.off, func(w worker) bool { return w.call.Inode == sc.at(at).Inode }) {
			asking++
		}
	}
	return sc.loadOf(d).inHand-asking > len(working)
}

// outnumbered reports whether something was read of a connection when all threads of a process were at work already, or waiting for one that is, each for a connection that came before and still waits for its answer.
func (sc *scene) outnumbered(d *doing) bool {
	if d.outnumbered != unasked {
		return d.outnumbered == yes
	}
	d.outnumbered = no
	if !d.known || d.single() || d.woken > 0 || len(stuck(d.working)) == 0 || sc.paced(d) {
		return false
	}
	last := forever // of them to begin
	for _, w := range slices.Concat(d.working, d.locked) {
		since := sc.since(w)
		if !sc.occasion(d, since) {
			return false
		}
		last = min(last, since)
	}
	if asked := sc.outstanding(d); len(asked) > 0 && asked[0]+within < last {
		d.outnumbered = yes
	}
	return d.outnumbered == yes
}

// handed reports whether each of the threads at work began when a request came that is unanswered: a loop hands requests to them. Others may have to do with something else.
func (sc *scene) handed(d *doing) bool {
	if d.handed == unasked {
		d.handed = yes
		for _, w := range stuck(d.working) {
			if !sc.occasion(d, sc.since(w)) {
				d.handed = no
				break
			}
		}
	}
	return d.handed == yes
}

// occasion reports whether a process has got the data of a connection, and not answered, when a thread began with something.
func (sc *scene) occasion(d *doing, since time.Duration) bool {
	asked := sc.outstanding(d)
	i, _ := slices.BinarySearch(asked, since-within)
	return i < len(asked) && asked[i] <= since+belated
}

// waitingForLocks reports whether connections wait inside the program while each of those in hand may be in the hands of a thread that is at work or waits for another. That the idle members of a
// pool do as well, but they would have taken what waits.
func (sc *scene) waitingForLocks(d *doing) bool {
	l := sc.loadOf(d)
	locked := len(d.locked) + d.unclear
	return d.known && l.untouched > 0 && l.atWork() > 0 && locked > 0 && l.atWork() <= len(d.working)+locked && !sc.paced(d)
}

// stuckOn reports whether a thread is blocked in writing to the socket.
func (d *doing) stuckOn(s *tcp.Socket) bool {
	return slices.ContainsFunc(d.off, func(w worker) bool { return w.what == inWrite && w.call.Inode == s.Inode })
}

// asks reports whether a handler asks somebody: a thread is blocked in writing the question or in reading the answer, and has not looked at its own client since where it may do so in an event loop of its own, as a relay does.
// The only thread of a process is no relay's while it is blocked in reading from anybody else: whom it has asked may have been given the leg to ask there.
func (d *doing) asks(client, s *tcp.Socket) bool {
	return slices.ContainsFunc(d.off, func(w worker) bool {
		leg := (w.what == inRead || w.what == inWrite) && w.call.Inode == s.Inode && (!w.parked || client.RecvQueue > 0)
		return leg || d.single() && w.what == inRead && w.strong && w.call.Inode != client.Inode && client.RecvQueue > 0
	})
}

// parked returns the threads that wait for another, and the main one as well: it may be one of those that serve.
func (d *doing) parked() []worker {
	return slices.DeleteFunc(slices.Clone(d.off), func(w worker) bool { return !w.parked })
}

// held returns the threads that have been in a lock since a connection came.
func (d *doing) held() []worker {
	return without(d.locked, func(w worker) bool {
		if w.held {
			return false
		}
		for _, own := range d.load.own {
			if own.thread == w.thread {
				return false
			}
		}
		return true
	})
}

// queue returns who keeps the queue of the listener the socket came through.
func (s *subject) queue(sc *scene) queueKeeper { return sc.keeper(s.netns, s.listener) }

// blames notes who is to blame, so that what waits in the queue and what waits in the program become one finding.
func (k queueKeeper) blames(s *subject, code string) bool {
	if k.code != code || len(k.pids) == 0 {
		return false
	}
	s.blame(k.pids[0])
	return true
}

func describeWorkersBlocked(sc *scene, g *group, f *report.Finding) {
	g.blameThreads(sc, f, func(d *doing) []worker {
		if list := d.blocked(); len(list) > 0 {
			return list
		}
		return sc.elsewhere(d)
	}, "pid %d: %s, in two looks")
	stuckOn := g.count(func(s *subject) bool {
		return s.heldBy(func(h look.Holder) bool { return sc.doing(h.PID).stuckOn(s.socket) })
	})
	f.Victims.Count = len(g.members) - stuckOn
	g.queueEvidence(f)
	if g.crewEvidence(sc, f) > 0 {
		f.Severity = report.SeverityWarning
	}
	if n := g.count(func(s *subject) bool {
		return s.socket.Inode != 0 && s.socket.RecvQueue > 1 && untouched(s.socket) && !g.waitsForCrew(sc, s)
	}); n > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s accepted and not read by a byte", plural(n, "connection")))
	}
	if n := g.count(func(s *subject) bool {
		return s.socket.RecvQueue > 0 && !untouched(s.socket) && s.blamed() != 0 && sc.doing(s.blamed()).away == yes
	}); n > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s with something unread: only that thread looks at them", plural(n, "connection")))
	}
}

// blocked returns the threads to blame when others wait: those that certainly cannot take work, or else those that may be at work, or else those in a lock.
func (d *doing) blocked() []worker {
	if strong := stuck(d.strong); len(strong) > 0 {
		return strong
	}
	working := stuck(d.working)
	if slices.ContainsFunc(working, func(w worker) bool { return w.thread.TID != d.process.PID || d.single() }) {
		return working
	}
	if held := d.held(); d.load.inHand > 0 && len(held) >= d.load.inHand {
		return held // they account for all that was read: the others may be idle
	}
	if d.unclear > 0 && d.unclear >= len(d.locked) {
		return nil // of those that wait for one monitor only one wakes: were these behind it, they would be more
	}
	locked := d.locked
	if max(d.load.inHand, len(d.outstanding)) > len(locked) {
		locked = d.parked() // the main one may have one of those, too
	}
	working = append(working, locked...) // a main thread that waits for nobody is one of several that may have to do with it
	if slices.ContainsFunc(locked, func(w worker) bool { return w.what == inLock }) {
		return working
	}
	return append(working, d.dozing...) // nor is a thread that waits to be told of something more likely to be the one
}
