package diagnose

import (
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// Some servers accept in one process and pass the connections on to workers over unix sockets (SCM_RIGHTS): the cluster of Node, and dispatchers of all kinds. While the
// workers are elsewhere the connections wait at who accepted them, who does not look at them, or in the unix sockets, where nobody has them.

// crew says why the workers do not come to what was accepted through the listener of a connection that waits for them, or that one of them has: what queueKeeper says of a queue.
func (sc *scene) crew(s *subject) queueKeeper {
	travels := unheld(s)
	key := crewKey{s.listener, travels}
	k, known := sc.crews[key]
	if !known {
		k = sc.judgeCrew(s.netns, s.listener, travels)
		if k.code == "" && !travels && sc.behindCrew(s.listener) <= sc.descriptors(s.netns, s.listener) { // they were handed on as well
			k = sc.judgeCrew(s.netns, s.listener, true)
		}
		if sc.crews == nil {
			sc.crews = map[crewKey]queueKeeper{}
		}
		sc.crews[key] = k
	}
	return k
}

// descriptors counts what waits for the workers of a listener to receive it.
func (sc *scene) descriptors(netns int32, l *tcp.Socket) (n int) {
	for _, w := range sc.arriving(netns, l) {
		n += w.Descriptors
	}
	return n
}

// crewKey is a listener, and whether it is about those connections that nobody has: their receivers are known.
type crewKey struct {
	listener *tcp.Socket
	travels  bool
}

func (sc *scene) judgeCrew(netns int32, l *tcp.Socket, travels bool) (k queueKeeper) {
	workers := sc.workers(netns, l)
	if travels {
		workers = slices.DeleteFunc(workers, func(d *doing) bool { return !sc.receives(d) })
	}
	var halted, elsewhere []int
	serving := false
	for _, d := range workers {
		switch {
		case sc.keeps(d.process.PID, l):
			return k // it accepts for itself
		case d.halted != "":
			halted = append(halted, d.process.PID)
		case len(sc.elsewhere(d)) > 0 && !sc.replies(d) && !sc.told(d, l):
			elsewhere = append(elsewhere, d.process.PID)
		default:
			return k // it could take them
		}
		serving = serving || d.process.Activity != nil && sc.serves(netns, d, l)
	}
	switch {
	case !travels && sc.getsOn(netns, l):
	case len(elsewhere) > 0 && (serving || travels):
		return queueKeeper{codeWorkersBlocked, elsewhere}
	case len(halted) > 0:
		return queueKeeper{codeProcessStopped, halted}
	}
	return k
}

// workers returns who may serve what is accepted through a listener by those who wait for its connections: children of theirs that execute the same program, and who is at the other end of a unix socket of theirs
// and has a connection of the listener, or is about to receive something.
func (sc *scene) workers(netns int32, l *tcp.Socket) (list []*doing) {
	holders, _ := sc.holders(l)
	for i, h := range holders {
		d := sc.doing(h.PID)
		if i > 0 && holders[i-1].PID == h.PID || d.process.Activity == nil || !d.interest(l.Inode, h.FD).waited {
			continue
		}
		for _, child := range d.process.Activity.Children {
			if c := sc.doing(child); c.process.Activity != nil && c.process.Activity.Executable == d.process.Activity.Executable {
				list = append(list, c)
			}
		}
		for _, own := range sc.channels(d) {
			u := sc.unix(own.Inode)
			if u == nil {
				continue
			}
			for _, end := range sc.now.Holders.Of(u.End()) {
				if c := sc.doing(end.PID); c != d && c.process.Activity != nil && !slices.Contains(list, c) && (sc.receives(c) || sc.serves(netns, c, l)) {
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// channels returns the sockets of a process over which it may pass on what it accepts: who has many that are none of TCP serves those.
func (sc *scene) channels(d *doing) []look.Descriptor {
	const many = 64
	if list := sc.belongingsOf(d.process).strangers; len(list) <= many {
		return list
	}
	return nil
}

// told reports whether the main thread of a worker waits for those who accept to tell it of a connection.
func (sc *scene) told(d *doing, l *tcp.Socket) bool {
	return slices.ContainsFunc(d.off, func(w worker) bool {
		u := sc.unix(w.call.Inode)
		return u != nil && w.what == inRead && w.thread.TID == d.process.PID && sc.now.Holders.Any(u.End(), func(h look.Holder) bool { return sc.keeps(h.PID, l) })
	})
}

// taken reports whether one of the workers for whom something waits that was accepted through a listener gets on: it comes to that.
func (sc *scene) taken(netns int32, l *tcp.Socket) bool {
	on, known := sc.crewsOn[l]
	if !known {
		on = len(sc.now.Transit.Waiting) > 0 && slices.ContainsFunc(sc.workers(netns, l), func(d *doing) bool {
			return sc.receives(d) && d.halted == "" && len(stuck(d.off)) < len(d.off)
		})
		if sc.crewsOn == nil {
			sc.crewsOn = map[*tcp.Socket]bool{}
		}
		sc.crewsOn[l] = on
	}
	return on
}

// handedTo returns which of two holders of a connection is at work for it, 0 for neither: one that was there before and is elsewhere, to whom the other, which waits for further ones, has passed it on and kept it.
func (sc *scene) handedTo(s *subject) int {
	const both = 2
	if s.listener == nil || s.holders() != both {
		return 0
	}
	one, two := sc.doing(s.holder(0).PID), sc.doing(s.holder(1).PID)
	if sc.accepts(two, s.listener) {
		one, two = two, one
	}
	if !sc.accepts(one, s.listener) || sc.accepts(two, s.listener) || two.process.Activity == nil || two.process.Activity.Running == 0 || sc.startedAfter(two.process.PID, s.place) ||
		len(sc.elsewhere(two)) == 0 {
		return 0
	}
	return two.process.PID
}

// receives reports whether descriptors wait in a unix socket for a process to receive them.
func (sc *scene) receives(d *doing) bool {
	return slices.ContainsFunc(sc.now.Transit.Waiting, func(w look.Waiting) bool { return w.Receiver.PID == d.process.PID })
}

// arriving returns the unix sockets with descriptors in them that workers have to whom the connections of a listener are passed on.
func (sc *scene) arriving(netns int32, l *tcp.Socket) (own []look.Waiting) {
	if l == nil {
		return nil
	}
	for _, d := range sc.workers(netns, l) {
		for _, w := range sc.now.Transit.Waiting {
			if w.Receiver.PID == d.process.PID {
				own = append(own, w)
			}
		}
	}
	return own
}

// elsewhere returns the main thread of a worker if it is at something else than waiting for what it is given: who reads from a pipe, or from a unix socket that it has not connected itself, waits for that, unless a child of
// its own writes there. Who waits for another of its threads leaves the work to those.
func (sc *scene) elsewhere(d *doing) []worker {
	if !d.known {
		return nil
	}
	return without(stuck(d.off), func(w worker) bool {
		u := sc.unix(w.call.Inode)
		switch given := w.call.Pipe != 0 || w.call.Inode != 0 && sc.socketOf(w.call.Inode) == nil && (u == nil || !u.Connected); {
		case w.thread.TID != d.process.PID:
			return true
		case w.what == busy || len(sc.awaitedChildren(d, w.call)) > 0:
			return false
		default:
			return given || !d.single() && (w.parked || w.what == sleeping)
		}
	})
}

// awaitsCrew reports whether a connection waits for workers that it is passed on to, or is in the hands of one of them while others wait.
func (sc *scene) awaitsCrew(s *subject, code string) bool {
	if s.listener == nil || s.socket.Unaccepted() || s.age < fresh && !ignored(s.socket) || !sc.unnoticed(s) && !sc.unserved(s) {
		return false
	}
	k := sc.crew(s)
	if k.code != code || sc.behindCrew(s.listener) == 0 {
		return false
	}
	for i := range s.holders() {
		h := s.holder(i)
		if slices.Contains(k.pids, h.PID) {
			s.blame(h.PID)
			return true
		}
	}
	return sc.passedBy(s) && k.blames(s, code)
}

// passedBy reports whether nobody has looked at a connection, or does: nobody has it, or who waits for further ones of its listener and passes them on.
func (sc *scene) passedBy(s *subject) bool {
	return sc.unseen(s) && !s.heldBy(func(h look.Holder) bool { return !sc.accepts(sc.doing(h.PID), s.listener) })
}

// unseen is what can be said of that before it is known who has the listener.
func (sc *scene) unseen(s *subject) bool {
	if s.listener == nil || s.socket.Unaccepted() || !untouched(s.socket) || !sc.waitsUnread(s) {
		return false
	}
	return !s.heldBy(func(h look.Holder) bool {
		in := s.interest(sc.doing(h.PID), h)
		return in.armed || in.waited
	})
}

// behindCrew counts the connections of a listener that wait to be passed on, or taken.
func (sc *scene) behindCrew(l *tcp.Socket) int {
	if sc.atCrews == nil {
		sc.atCrews = map[*tcp.Socket]int{}
		sc.stuck(func(s *subject) {
			if sc.passedBy(s) {
				sc.atCrews[s.listener]++
			}
		})
	}
	return sc.atCrews[l]
}

// waitsForCrew reports whether a member waits for workers to come to it.
func (g *group) waitsForCrew(sc *scene, s *subject) bool {
	return s.listener != nil && sc.crew(s).code == g.rule.code && sc.passedBy(s)
}

// crewEvidence says where the members of a group wait for workers, and returns how many others have time, to whom none of them was handed.
func (g *group) crewEvidence(sc *scene, f *report.Finding) (spare int) {
	if travels := g.count(unheld); travels > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s in unix sockets over which these are given what was accepted: nobody has received them", plural(travels, "connection")))
	}
	with := func(s *subject) bool { return s.held() && g.waitsForCrew(sc, s) }
	if i := slices.IndexFunc(g.members, with); i >= 0 {
		p := sc.doing(g.members[i].holder(0).PID).process
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s with %s (pid %d), which has accepted them, reads nothing of them, and passes what it accepts on to these",
			plural(g.count(with), "connection"), p.Comm, p.PID))
	}
	if i := slices.IndexFunc(g.members, func(s *subject) bool { return g.waitsForCrew(sc, s) }); i >= 0 {
		s := g.members[i]
		spare = len(slices.DeleteFunc(sc.workers(s.netns, s.listener), func(d *doing) bool { return d.halted != "" || len(sc.elsewhere(d)) > 0 }))
	}
	if spare > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s not held up: each of these connections waits for the one that it was handed to", plural(spare, "other worker")))
	}
	return spare
}
