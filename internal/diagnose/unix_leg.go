package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// relayWaitingWithin is a connection whose request a program passed on over a unix socket, where no answer has come, or which it hands on there itself.
//
// Needs: what the unix sockets of the holder are connected to, who has the other ends and what they do. Claims: the program has read what came and sent nothing since, and for each such connection it has
// made one to a unix socket whose other end certainly has not done with it: nobody has accepted it, or has not read all of it, or looks at it; or the program has read nothing, does not look, and for each such
// connection there is one more that nobody has accepted. The kernel keeps no times and counts no bytes of these, so which of them belong
// together is told by their number and the order of their descriptors. Refuted by a thread that waits there itself: that is a handler that asked somebody.
var relayWaitingWithin = rule{
	code: codeRelayWaiting, cause: "relay_waiting",
	claims: func(sc *scene, s *subject) bool {
		if s.age < fresh || !s.held() || !hasRequest(s.socket) && !sc.handsOn(s) || sc.halfClosed(s) {
			return false
		}
		pid := s.holder(0).PID
		if sc.unixLegs(pid)[s.socket] == nil {
			return false
		}
		s.blame(pid)
		return true
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Role = new("relay")
		g.blame(sc, f)
		named := map[int]bool{}
		for _, s := range g.members {
			for _, h := range sc.answering(sc.unixLegs(s.blamed())[s.socket].unix) {
				if p := sc.now.Processes[h.PID]; p != nil && !named[h.PID] && len(named) < maxCulprits {
					named[h.PID] = true
					f.Culprits = append(f.Culprits, report.Culprit{PID: &p.PID, Comm: &p.Comm, What: "other_leg"})
				}
			}
		}
		first := g.members[0]
		leg := sc.unixLegs(first.blamed())[first.socket]
		what := "got a request on each, has sent nothing since,"
		if !hasRequest(first.socket) {
			what = "has read nothing of these connections, does not look at them,"
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("pid %d %s and waits on as many connections within the host: descriptor %d to %s, %s",
			first.blamed(), what, leg.fd, addressOfUnix(leg.unix), leg.why))
	},
}

// hasRequest reports whether the client has left, and all it sent was read and not answered.
func hasRequest(s *tcp.Socket) bool {
	return s.State == tcp.CloseWait && s.RecvQueue <= 1 && s.SendQueue == 0 && readUnanswered(s)
}

// handsOn reports whether a program may hold a connection only until somebody takes it over, who then reads it: the client has left, and nothing was read, or nothing came.
func (sc *scene) handsOn(s *subject) bool {
	in, known := s.socket.Info.Uint(tcp.DataSegsIn)
	if s.socket.State != tcp.CloseWait || s.socket.SendQueue > 0 || !untouched(s.socket) && (!known || in > 0) {
		return false
	}
	d := sc.doing(s.holder(0).PID)
	i := s.interest(d, s.holder(0))
	return d.watchable() && d.halted == "" && !i.armed && !i.waited
}

// unixLeg is a connection to a unix socket on which an answer is waited for.
type unixLeg struct {
	wait
	fd  int
	why string
}

// unixLegs pairs the connections of a process that ask for something with those to unix sockets on which it waits for an answer; empty where these are fewer.
func (sc *scene) unixLegs(pid int) map[*tcp.Socket]*unixLeg {
	d := sc.doing(pid)
	if d.unixLegs != nil {
		return d.unixLegs
	}
	d.unixLegs = map[*tcp.Socket]*unixLeg{}
	var legs []*unixLeg
	for _, own := range sc.mayBeLegs(d) {
		if u := sc.unix(own.Inode); u != nil && u.Connected && !sc.has(d, u.End()) {
			if why := sc.pending(u); why != "" {
				legs = append(legs, &unixLeg{wait{inode: own.Inode, unix: u}, int(own.FD), why})
			}
		}
	}
	if slices.ContainsFunc(d.off, func(w worker) bool { return sc.unix(w.call.Inode) != nil }) {
		return d.unixLegs
	}
	n := sc.waitingWithin(pid)
	if n.requests > 0 && n.requests <= len(legs) {
		sc.pairWithin(d, legs, func(s *subject) bool { return hasRequest(s.socket) })
		legs = legs[n.requests:]
	}
	legs = slices.DeleteFunc(legs, func(l *unixLeg) bool { return !l.unix.Queued })
	if n.handedOn > 0 && n.handedOn <= len(legs) {
		sc.pairWithin(d, legs, sc.handsOn)
	}
	return d.unixLegs
}

// pairWithin gives each connection of a process that is as asked one of the legs, in the order of descriptors.
func (sc *scene) pairWithin(d *doing, legs []*unixLeg, is func(*subject) bool) {
	var asking []*subject
	sc.eachServed(func(s *subject) {
		if s.holder(0).PID == d.process.PID && is(s) {
			asking = append(asking, s)
		}
	})
	slices.SortFunc(asking, func(a, b *subject) int { return a.holder(0).FD - b.holder(0).FD })
	for i, s := range asking {
		d.unixLegs[s.socket] = legs[i]
	}
}

// waitingWithin counts the connections of a process that may wait for somebody within the host: those with a request that was read and not answered, and those that it may hand on.
type waitingWithin struct{ requests, handedOn int }

func (sc *scene) waitingWithin(pid int) waitingWithin {
	if sc.requests == nil {
		sc.requests = map[int]*waitingWithin{}
		last, n := 0, new(waitingWithin)
		sc.eachServed(func(s *subject) {
			if own := s.holder(0).PID; own != last { // as a rule few processes hold many
				if last, n = own, sc.requests[own]; n == nil {
					n = new(waitingWithin)
					sc.requests[own] = n
				}
			}
			switch {
			case hasRequest(s.socket):
				n.requests++
			case sc.handsOn(s):
				n.handedOn++
			}
		})
	}
	if n := sc.requests[pid]; n != nil {
		return *n
	}
	return waitingWithin{}
}

// eachServed visits the connections that somebody has accepted and has.
func (sc *scene) eachServed(visit func(*subject)) {
	sc.stuck(func(s *subject) {
		if s.listener != nil && s.held() {
			visit(s)
		}
	})
}

// requesting counts the connections of a process with a request that was read and not answered.
func (sc *scene) requesting(pid int) int { return sc.waitingWithin(pid).requests }

// mayBeLegs returns the sockets of a process that are none of TCP, where there may be as many as requests that wait; what a process holds beside is not looked at.
func (sc *scene) mayBeLegs(d *doing) []look.Descriptor {
	waiting := sc.waitingWithin(d.process.PID)
	n := cmp.Or(waiting.requests, waiting.handedOn)
	if n == 0 || d.process.Activity == nil || len(d.process.Activity.Sockets) < 2*n {
		return nil
	}
	if strangers := sc.belongingsOf(d.process).strangers; len(strangers) >= n {
		return strangers
	}
	return nil
}

// pending says why the other end has certainly not done with what it was asked, "" where it may have.
func (sc *scene) pending(u *look.Unix) string {
	switch {
	case u.Queued:
		return "which nobody has accepted"
	case u.Unread > 0:
		return "where " + plural(int(u.Unread), "byte") + " are unread"
	}
	for _, h := range sc.now.Holders.Of(u.Peer) {
		d := sc.doing(h.PID)
		if d.halted != "" {
			return fmt.Sprintf("where %s (pid %d) does not run", d.process.Comm, h.PID)
		}
		if in := d.interest(u.Peer, h.FD); d.known && !in.waited && in.set == nil {
			return fmt.Sprintf("which %s (pid %d) has read, and does not look at", d.process.Comm, h.PID)
		}
	}
	return ""
}
