package diagnose

import (
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// relayWaitingWithin is a connection whose request a program passed on over a unix socket, where no answer has come.
//
// Needs: what the unix sockets of the holder are connected to, who has the other ends and what they do. Claims: the program has read what came and sent nothing since, and for each such connection it has
// made one to a unix socket whose other end certainly has not done with it: nobody has accepted it, or has not read all of it, or looks at it. The kernel keeps no times and counts no bytes of these, so which of them belong
// together is told by their number and the order of their descriptors. Refuted by a thread that waits there itself: that is a handler that asked somebody.
var relayWaitingWithin = rule{
	code: codeRelayWaiting, cause: "relay_waiting",
	claims: func(sc *scene, s *subject) bool {
		if s.age < fresh || !s.held() || !hasRequest(s.socket) || sc.halfClosed(s) {
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
		f.Evidence = append(f.Evidence, fmt.Sprintf("pid %d got a request on each, has sent nothing since, and waits on as many connections within the host: descriptor %d to %s, %s",
			first.blamed(), leg.fd, addressOfUnix(leg.unix), leg.why))
	},
}

// hasRequest reports whether the client has left, and all it sent was read and not answered.
func hasRequest(s *tcp.Socket) bool {
	return s.State == tcp.CloseWait && s.RecvQueue <= 1 && s.SendQueue == 0 && readUnanswered(s)
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
				legs = append(legs, &unixLeg{wait{inode: own.Inode, unix: u}, own.FD, why})
			}
		}
	}
	if len(legs) < max(1, sc.requesting(pid)) || slices.ContainsFunc(d.off, func(w worker) bool { return sc.unix(w.call.Inode) != nil }) {
		return d.unixLegs
	}
	var asking []*subject
	sc.eachRequest(func(s *subject) {
		if s.holder(0).PID == pid {
			asking = append(asking, s)
		}
	})
	slices.SortFunc(asking, func(a, b *subject) int { return a.holder(0).FD - b.holder(0).FD })
	for i, s := range asking {
		d.unixLegs[s.socket] = legs[i] // in the order of descriptors, too
	}
	return d.unixLegs
}

// requesting counts the connections of a process with a request that was read and not answered.
func (sc *scene) requesting(pid int) int {
	if sc.requests == nil {
		sc.requests = map[int]int{}
		last, n := 0, 0
		sc.eachRequest(func(s *subject) {
			if own := s.holder(0).PID; own != last { // as a rule few processes hold many
				sc.requests[last] += n
				last, n = own, 0
			}
			n++
		})
		sc.requests[last] += n
	}
	return sc.requests[pid]
}

func (sc *scene) eachRequest(visit func(*subject)) {
	sc.stuck(func(s *subject) {
		if s.listener != nil && hasRequest(s.socket) && s.held() {
			visit(s)
		}
	})
}

// mayBeLegs returns the sockets of a process that are none of TCP, where there may be as many as requests that wait; what a process holds beside is not looked at.
func (sc *scene) mayBeLegs(d *doing) []look.Descriptor {
	n := sc.requesting(d.process.PID)
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
