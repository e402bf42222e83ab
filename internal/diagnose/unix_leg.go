package diagnose

import (
	"cmp"
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
// together is told by their number and the nearest descriptors. Refuted by a thread that waits there itself: that is a handler that asked somebody.
var relayWaitingWithin = rule{
	code: codeRelayWaiting, cause: "relay_waiting",
	claims: func(sc *scene, s *subject) bool {
		if s.age.Time < fresh || len(s.holders()) == 0 || !hasRequest(s.socket) || sc.halfClosed(s) {
			return false
		}
		pid := s.holders()[0].PID
		if sc.unixLegs(pid)[s.socket] == nil {
			return false
		}
		s.blamed = pid
		return true
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Role = new("relay")
		g.blame(sc, f)
		named := map[int]bool{}
		for _, s := range g.members {
			for _, h := range sc.answering(sc.unixLegs(s.blamed)[s.socket].unix) {
				if p := sc.now.Processes[h.PID]; p != nil && !named[h.PID] && len(named) < maxCulprits {
					named[h.PID] = true
					f.Culprits = append(f.Culprits, report.Culprit{PID: &p.PID, Comm: &p.Comm, What: "other_leg"})
				}
			}
		}
		first := g.members[0]
		leg := sc.unixLegs(first.blamed)[first.socket]
		f.Evidence = append(f.Evidence, fmt.Sprintf("pid %d got a request on each, has sent nothing since, and waits on as many connections within the host: descriptor %d to %s, %s",
			first.blamed, leg.fd, addressOfUnix(leg.unix), leg.why))
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

// stderr is the last of the descriptors that a program is given for its messages: behind them is who collects those.
const stderr = 2

// requests is which connections of a process have brought one that was not answered, and which of its sockets are none of TCP.
type requests struct{ unanswered, others []look.Descriptor }

// requestsOf is looked for once: neither changes when more becomes known of the processes.
func (sc *scene) requestsOf(d *doing) *requests {
	if p := sc.requests[d.process.PID]; p != nil || d.process.Activity == nil {
		return cmp.Or(p, &requests{})
	}
	p := &requests{}
	seen := map[uint32]bool{}
	for _, own := range d.process.Activity.Sockets {
		switch s := sc.socketOf(own.Inode); {
		case s == nil:
			if own.FD > stderr && !seen[own.Inode] {
				seen[own.Inode] = true
				p.others = append(p.others, own)
			}
		case hasRequest(s) && sc.accepted(own.Inode):
			p.unanswered = append(p.unanswered, own)
		}
	}
	sc.requests[d.process.PID] = p
	return p
}

// unixLegs pairs the connections of a process that ask for something with those to unix sockets on which it waits for an answer; empty where these are fewer.
func (sc *scene) unixLegs(pid int) map[*tcp.Socket]*unixLeg {
	d := sc.doing(pid)
	if d.unixLegs != nil {
		return d.unixLegs
	}
	d.unixLegs = map[*tcp.Socket]*unixLeg{}
	p := sc.requestsOf(d)
	var legs []*unixLeg
	for _, own := range p.others {
		if u := sc.unix(own.Inode); u != nil && u.Connected && !sc.has(d, u.End()) {
			if why := sc.pending(u); why != "" {
				legs = append(legs, &unixLeg{wait{inode: own.Inode, unix: u}, own.FD, why})
			}
		}
	}
	if len(legs) < len(p.unanswered) || slices.ContainsFunc(d.off, func(w worker) bool { return sc.unix(w.call.Inode) != nil }) {
		return d.unixLegs
	}
	for _, own := range p.unanswered {
		near := 0
		for i := range legs {
			if distance(legs[i].fd, own.FD) < distance(legs[near].fd, own.FD) {
				near = i
			}
		}
		d.unixLegs[sc.socketOf(own.Inode)] = legs[near]
		legs = slices.Delete(legs, near, near+1)
	}
	return d.unixLegs
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
