package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// handlerBusy is a handler that still works for a client that has left.
//
// Needs: the threads at two moments, how much of the connection was read, the listener. Claims: the FIN is unread, and a thread is busy or blocked in another call in both looks that can be
// the one at work for it: there are not more such connections than such threads, or each thread was started when its connection was made; or an event loop waits for the output of a program that it started when the request
// came. A process with a single connection and a single thread works for that, whatever it waits
// for, unless it is a loop that waits for further connections. Refuted by connections that wait behind it (then the workers are blocked), and by a client that
// shut down one side only.
var handlerBusy = rule{
	code: codeHandlerBusy, cause: "handler_busy",
	claims: func(sc *scene, s *subject) bool {
		if sc.script(s) != 0 {
			s.blame(s.holder(0).PID)
			return true
		}
		if s.listener != nil && s.socket.Unaccepted() {
			return s.age >= fresh && !sc.accepting[s.listener] && s.queue(sc).blames(s, codeHandlerBusy)
		}
		if s.listener == nil || !sc.unnoticed(s) || !s.held() || sc.accepting[s.listener] || sc.halfClosed(s) || sc.inTurn(s) {
			return false
		}
		session := cmp.Or(sc.atSession(s), sc.onBehalf(s), sc.handedTo(s))
		for i := range s.holders() {
			h := s.holder(i)
			d := sc.doing(h.PID)
			if !d.known || d.halted != "" || session != 0 && session != h.PID {
				continue
			}
			l := sc.loadOf(d)
			_, own := l.own[s.socket]
			if n := sc.serving(d, s); n > 0 && (l.served <= n || sc.manned(d)) || own && len(l.own) == l.served || l.served == 1 && sc.dedicated(d, s, h) {
				s.blame(h.PID)
				return true
			}
		}
		return false
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		g.blame(sc, f)
		var lines []string
		scripts := map[int][]int{}
		for _, s := range g.members {
			if child := sc.script(s); child != 0 {
				scripts[s.blamed()] = append(scripts[s.blamed()], child)
			}
		}
		for _, pid := range g.blamedPIDs() {
			d := sc.doing(pid)
			if children := scripts[pid]; len(children) > 0 {
				f.Culprits = append(f.Culprits, sc.atScripts(children)...)
				lines = append(lines, sc.scriptEvidence(pid, children))
				continue
			}
			at := sc.atWork(g, d)
			f.Culprits = append(f.Culprits, sc.culprits(d, at)...)
			what := sc.deeds(at)
			if len(at) == 0 {
				what = "it waits for something else than this connection"
			}
			lines = append(lines, fmt.Sprintf("pid %d has not noticed that its client is gone: %s", pid, what))
		}
		keepersFirst(f.Culprits)
		f.Evidence = append(append(f.Evidence, few(lines)...), readEvidence(g)...)
	},
}

// atWork returns the threads that work for the members of a group: those that were started for them where each has one, or else those that certainly do something where they are enough, or else
// all that may.
func (sc *scene) atWork(g *group, d *doing) (list []worker) {
	own := sc.loadOf(d).own
	oldest, members := time.Duration(0), 0
	for i := range g.members {
		if g.members[i].blamed() != d.process.PID {
			continue
		}
		members++
		began, _ := sc.existed(g.members[i].place)
		oldest = max(oldest, began)
		if w, ok := own[g.members[i].socket]; ok {
			list = append(list, w)
		}
	}
	if members > 0 && len(list) == members {
		return list
	}
	list = slices.DeleteFunc(slices.Clone(d.working), func(w worker) bool { return w.restsSince(oldest) || sc.readsAnother(d, w, g.members[0].socket) })
	if strong := without(list, func(w worker) bool { return !w.strong }); len(strong) >= max(members, 1) {
		return strong
	}
	return list
}

// serving counts the threads that may be at work for a connection: one that waits for an answer must have asked since the last of its data came.
func (sc *scene) serving(d *doing, s *subject) (n int) {
	came, known := s.socket.Info.Duration(tcp.LastDataRecv)
	began, _ := sc.existed(s.place)
	for _, w := range d.working {
		if (!known || w.what == busy || !sc.askedBefore(w, came)) && !w.restsSince(began) && !sc.readsAnother(d, w, s.socket) {
			n++
		}
	}
	return n
}

// readsAnother reports whether a thread waits for what another client of the same service will ask: whose connection it reads, for that it works.
func (sc *scene) readsAnother(d *doing, w worker, s *tcp.Socket) bool {
	return sc.readsNext(d, w) && w.call.Inode != s.Inode && sc.socketOf(w.call.Inode).Local.Port() == s.Local.Port()
}

// manned reports whether each connection that waits for a process can have a thread at work for it: for those that came no sooner than any of them there are as many. Where there are fewer, a
// busy thread may be at work for none, and beside a leak it is that of the latest only by its age.
func (sc *scene) manned(d *doing) bool {
	if !sc.matched {
		sc.matched = true
		served := 0
		for _, d := range sc.doings {
			served += d.load.served
		}
		if cap(sc.times) < served {
			sc.times = make([]time.Duration, 0, served)
		}
		room := sc.times[:served]
		sc.eachWaiting(func(d *doing, s *subject) {
			if l := &d.load; len(d.working) > 0 {
				if l.began == nil {
					l.began, room = room[:0:l.served], room[l.served:]
				}
				began, _ := sc.existed(s.place)
				l.began = append(l.began, began)
			}
		})
		for _, d := range sc.doings {
			slices.Sort(d.load.began)
		}
		sc.eachWaiting(func(d *doing, s *subject) {
			if l := &d.load; len(l.began) > 0 && !l.short {
				began, _ := sc.existed(s.place)
				since, _ := slices.BinarySearch(l.began, began+1)
				l.short = since > sc.serving(d, s)
			}
		})
		for _, d := range sc.doings {
			d.load.began = nil // the room is for others now
		}
	}
	return !d.load.short
}

// askedBefore reports whether a thread waits for the answer to a question that was asked longer ago than some time.
func (sc *scene) askedBefore(w worker, ago time.Duration) bool {
	other := sc.socketOf(w.call.Inode)
	if other == nil {
		return false
	}
	asked, ok := other.Info.Duration(tcp.LastDataSent)
	return ok && asked > ago+within
}

// dedicated reports whether a process of one thread serves this one connection and does not look at it.
func (sc *scene) dedicated(d *doing, s *subject, h look.Holder) bool {
	if !d.single() || s.interest(d, h).waited || d.rings() {
		return false
	}
	for _, own := range d.process.Activity.Sockets {
		p, ok := sc.placeOf(own.Inode)
		if !ok || p.netns != s.netns {
			continue
		}
		if sc.at(p) == s.listener && d.interest(own.Inode, int(own.FD)).waited {
			return false
		}
		if own.Inode != s.socket.Inode && sc.cameThrough(p.netns, sc.at(p), s.listener) {
			return false
		}
	}
	return !slices.ContainsFunc(d.off, func(w worker) bool { return w.what == inLock })
}
