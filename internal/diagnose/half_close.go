package diagnose

import (
	"cmp"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// halfClosed reports whether the peer has shut down its sending side only and waits for our answer, which RFC 9293 allows for any length of time: its end is in this look or that of another host, and
// open, and its holder looks at it. A program that is its own peer has nobody to wait for, and a relay only waits on behalf of its other leg.
//
// What is open in a look at another host was so before, as long as this side has had the FIN; whether it stays so nobody knows. So of an end that was looked at some time before this one the answer is
// perhaps, which is no refutation of anything else.
func (sc *scene) halfClosed(s *subject) bool {
	if s.half == unasked {
		s.half = sc.halfClosedBehind(s, 0)
	}
	return s.half == yes
}

// awaited reports whether the peer waits for an answer that may come. It waits in vain where the program, which can be watched, has not looked at the question.
func (sc *scene) awaited(s *subject) bool {
	if !sc.halfClosed(s) {
		return false
	}
	ignored := s.socket.RecvQueue > 1 && untouched(s.socket)
	return !ignored || !s.held() || !sc.doing(s.holder(0).PID).known
}

// maxDepth is how many relays are followed.
const maxDepth = 8

func (sc *scene) halfClosedBehind(s *subject, depth int) answer {
	end, ok := sc.end(s.netns, s.socket)
	if !ok {
		return no
	}
	socket := end.socket()
	if socket.State != tcp.FinWait2 || socket.Inode == 0 {
		return no
	}
	waits := yes
	if later, known := end.later(&sc.now.Namespaces[s.netns]); end.scene != sc && (!known || later < -fresh) {
		waits = perhaps
	}
	if end.now.Holders.Any(socket.Inode, func(h look.Holder) bool {
		own := end.scene == sc && s.heldBy(func(own look.Holder) bool { return own.PID == h.PID })
		if own || !end.watches(h, socket) {
			return true
		}
		behind := end.behindRelay(h.PID, socket, depth)
		waits = min(waits, behind)
		return behind == no
	}) {
		return no
	}
	return waits
}

// watches reports whether a holder of a socket waits for it, as far as that is known.
func (sc *scene) watches(h look.Holder, s *tcp.Socket) bool {
	d := sc.doing(h.PID)
	in := d.interest(s.Inode, h.FD)
	return !d.known || d.halted != "" || d.rings() || in.waited || in.armed || in.set == nil && sc.takesTurns(d)
}

// takesTurns reports whether a thread waits to read another connection that was shut down likewise: it may read one after the other.
func (sc *scene) takesTurns(d *doing) bool {
	return d.moments(func(m *look.Moment) bool {
		other := sc.socketOf(m.Call.Inode)
		return m.Call.Kind == look.CallRead && other != nil && other.State == tcp.FinWait2
	})
}

// behindRelay reports whether somebody waits for what comes through the open leg of a relay, as far as is known: a process whose other leg is closed holds a socket for nothing.
func (sc *scene) behindRelay(pid int, open *tcp.Socket, depth int) answer {
	closed := sc.closedLeg(pid, open)
	if closed == nil || depth >= maxDepth {
		return yes
	}
	at, ok := sc.placeOf(closed.Inode)
	if !ok {
		return yes
	}
	subj := sc.subject(at.netns, at.index, closed)
	return sc.halfClosedBehind(&subj, depth+1)
}

// perhapsWaited lowers what a finding claims whose connections may be half-closed on purpose.
func (g *group) perhapsWaited(sc *scene, f *report.Finding) {
	if len(g.members) == 0 || g.members[0].half != perhaps {
		return
	}
	f.Severity = report.SeverityInfo
	seen := ", seen at another time than this"
	if end, ok := sc.end(g.members[0].netns, g.members[0].socket); ok {
		seen = cmp.Or(end.when(&sc.now.Namespaces[g.netns]), seen)
	}
	f.Evidence = append(f.Evidence, "the other ends were open and waited for data"+seen+": if they still do, these connections are half-closed on purpose, and nothing is wrong")
}
