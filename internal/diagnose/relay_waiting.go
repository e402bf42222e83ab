package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// relayWaiting is a leg of a proxied connection whose other leg is still open.
//
// Needs: all sockets of the holder, with what each has carried and when. Claims: the program has read all data, and holds one other socket in the opposite role that belongs to it: it
// passed the FIN on to it at that moment, carried the same bytes, or passed the latest request on and waits for the answer; only in the last case it may not have looked at the FIN. Refuted by a leg that is closed as well,
// and by a client that only shut down its sending side.
var relayWaiting = rule{
	code: codeRelayWaiting, cause: "relay_waiting",
	claims: func(sc *scene, s *subject) bool {
		if s.socket.State != tcp.CloseWait || s.socket.RecvQueue > 1 || s.socket.SendQueue > 0 || s.age.Time < fresh || len(s.holders) == 0 || sc.halfClosed(s) {
			return false
		}
		leg, ok := sc.leg(s.holders[0].PID, s.socket)
		if !ok || sc.at(leg.place).State == tcp.Established && sc.doing(s.holders[0].PID).reads(sc.at(leg.place)) {
			return false // a handler that asked somebody
		}
		s.blamed, s.leg = s.holders[0].PID, &leg
		return true
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Role = new("relay")
		g.blame(sc, f)
		for i := range g.members[:min(len(g.members), maxCulprits)] {
			s := &g.members[i]
			leg := sc.at(s.leg.place)
			peer := endpoint(leg.Peer)
			c := report.Culprit{PID: &s.blamed, What: "other_leg", FD: &s.leg.fd, Peer: &peer}
			if since, ok := stalled(leg); ok {
				c.SinceSeconds = report.SecondsOf(since)
			}
			if p := sc.now.Processes[s.blamed]; p != nil {
				c.Comm = &p.Comm
			}
			f.Culprits = append(f.Culprits, c)
		}
		first := g.members[0].leg
		read := "has read the end of these connections"
		if g.members[0].socket.RecvQueue > 0 {
			read = "does not look at these connections"
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("pid %d %s and still holds their other legs: descriptor %d to %s is in %s, %s",
			g.members[0].blamed, read, first.fd, text(sc.at(first.place).Peer), sc.at(first.place).State.SS(), first.why))
	},
}

// leg is the other leg of a relayed connection.
type leg struct {
	place
	fd  int
	why string
}

// within is how far apart the moments may be at which one event passes both legs.
const within = 150 * time.Millisecond

// leg returns the open leg that belongs to a socket in CLOSE_WAIT whose end was read. The legs of a process are paired once, each with one other.
func (sc *scene) leg(pid int, s *tcp.Socket) (leg, bool) {
	l, ok := sc.pairing(pid).open[s]
	return l, ok
}

// pairing is which sockets of a process are the two legs of one connection.
type pairing struct {
	open   map[*tcp.Socket]leg         // the open leg of a closed one
	closed map[*tcp.Socket]*tcp.Socket // the closed leg of an open one
}

func (sc *scene) pairing(pid int) pairing {
	p, ok := sc.pairings[pid]
	if !ok {
		p = pairing{map[*tcp.Socket]leg{}, map[*tcp.Socket]*tcp.Socket{}}
		sc.pairLegs(pid, p)
		sc.pairings[pid] = p
	}
	return p
}

// end is one socket of a relay with its role.
type end struct {
	place
	fd     int
	socket *tcp.Socket
	server bool
	heard  time.Duration
}

func (sc *scene) pairLegs(pid int, to pairing) {
	p := sc.now.Processes[pid]
	if p == nil || p.Activity == nil {
		return
	}
	var closed, open []end
	for _, d := range p.Activity.Sockets {
		at, ok := sc.placeOf(d.Inode)
		if !ok {
			continue
		}
		s := sc.at(at)
		heard, known := silent(s)
		_, connected := sc.origin(at.netns, s)
		e := end{at, d.FD, s, !connected, heard}
		switch {
		case !known, sc.ownPeer(p.Activity, at):
		case s.State == tcp.CloseWait && s.RecvQueue <= 1:
			closed = append(closed, e)
		case s.State == tcp.FinWait2, s.State == tcp.Established, s.State == tcp.FinWait1:
			open = append(open, e)
		}
	}
	slices.SortFunc(open, func(a, b end) int { return int(a.heard - b.heard) })
	const waitsForAnswer = 2
	for m, match := range [...]func(a, b *end) string{sameMoment, sameBytes, waitsForAnswer: sameRequest} {
		for i := range closed {
			if _, done := to.open[closed[i].socket]; !done && (m == waitsForAnswer || closed[i].socket.RecvQueue == 0) {
				to.pair(&closed[i], open, match)
			}
		}
	}
}

// ownPeer reports whether a process has the other end of a connection as well.
func (sc *scene) ownPeer(a *look.Activity, at place) bool {
	other, ok := sc.other(at.netns, sc.at(at))
	return ok && sc.at(other).Inode != 0 && slices.ContainsFunc(a.Sockets, func(d look.Descriptor) bool { return d.Inode == sc.at(other).Inode })
}

// pair looks for the leg among the sockets whose clocks can fit.
func (p pairing) pair(a *end, open []end, match func(a, b *end) string) {
	best := -1
	for i := range open {
		b := &open[i]
		if p.closed[b.socket] != nil || a.server == b.server || match(a, b) == "" {
			continue
		}
		if best < 0 || near(a, b) < near(a, &open[best]) {
			best = i
		}
	}
	if best >= 0 {
		p.closed[open[best].socket] = a.socket
		p.open[a.socket] = leg{open[best].place, open[best].fd, match(a, &open[best])}
	}
}

// near prefers descriptors that were made one after the other.
func near(a, b *end) int { return max(a.fd-b.fd, b.fd-a.fd) }

// sameMoment: the FIN was passed on when it came, and acknowledged.
func sameMoment(a, b *end) string {
	if b.socket.State == tcp.FinWait2 && (a.heard-b.heard).Abs() <= within {
		return "shut down when the FIN came"
	}
	return ""
}

// sameBytes: what one leg received the other sent, in both directions. A FIN counts where the kernel counts it.
func sameBytes(a, b *end) string {
	received, sent := payload(a.socket)
	otherReceived, otherSent := payload(b.socket)
	if received+sent > 0 && received == otherSent && sent == otherReceived {
		return "which has carried the same bytes"
	}
	return ""
}

// payload returns the bytes received and the bytes sent, without SYN and FIN.
func payload(s *tcp.Socket) (received, sent uint64) {
	received, _ = s.Info.Uint(tcp.BytesReceived)
	if s.State == tcp.CloseWait && received > 0 {
		received--
	}
	if sent, known := sentBytes(s); known {
		return received, sent
	}
	sent, _ = s.Info.Uint(tcp.BytesAcked)
	if sent > 0 {
		sent--
	}
	if s.State == tcp.FinWait2 && sent > 0 {
		sent--
	}
	return received, sent
}

// sameRequest: the last request that came on one leg went out on the other at that moment, and no answer has come.
func sameRequest(a, b *end) string {
	came, _ := a.socket.Info.Duration(tcp.LastDataRecv)
	went, _ := b.socket.Info.Duration(tcp.LastDataSent)
	answered, ok := b.socket.Info.Duration(tcp.LastDataRecv)
	in, _ := a.socket.Info.Uint(tcp.DataSegsIn)
	out, known := b.socket.Info.Uint(tcp.DataSegsOut)
	answers, counted := b.socket.Info.Uint(tcp.DataSegsIn)
	none := counted && answers == 0 || answered > went
	if ok && known && in > 0 && out > 0 && (came-went).Abs() <= within && none {
		return "which got the request and has not answered it"
	}
	return ""
}
