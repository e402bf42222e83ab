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

// relayWaiting is a leg of a proxied connection whose other leg is still open.
//
// Needs: all sockets of the holder, with what each has carried and when. Claims: the program has read all data, and holds one other socket in the opposite role that belongs to it: it
// passed the FIN on to it at that moment, carried the same bytes, or passed the latest request on and waits for the answer; only in the last case it may not have looked at the FIN. Refuted by a leg that is closed as well,
// and by a client that only shut down its sending side.
var relayWaiting = rule{
	code: codeRelayWaiting, cause: "relay_waiting",
	claims: func(sc *scene, s *subject) bool {
		if s.socket.State != tcp.CloseWait || s.socket.RecvQueue > 1 || s.socket.SendQueue > 0 || s.age < fresh || !s.held() || sc.halfClosed(s) {
			return false
		}
		leg := sc.leg(s.holder(0).PID, s.socket)
		if leg == nil || leg.asked(sc) && sc.doing(s.holder(0).PID).asks(s.socket, sc.at(leg.place)) {
			return false // a handler that asked somebody
		}
		s.blame(s.holder(0).PID)
		return true
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Role = new("relay")
		g.blame(sc, f)
		for i := range g.members[:min(len(g.members), maxCulprits)] {
			s := g.members[i]
			leg := sc.leg(s.blamed(), s.socket)
			other := sc.at(leg.place)
			peer := endpoint(other.Peer)
			c := report.Culprit{PID: new(s.blamed()), What: "other_leg", FD: &leg.fd, Peer: &peer}
			if leg.behind != 0 {
				c.PID = &leg.behind
			}
			if since, ok := stalled(other); ok {
				c.SinceSeconds = report.SecondsOf(since)
			}
			if p := sc.now.Processes[*c.PID]; p != nil {
				c.Comm = &p.Comm
			}
			f.Culprits = append(f.Culprits, c)
		}
		first := sc.leg(g.members[0].blamed(), g.members[0].socket)
		read := "has read the end of these connections"
		if g.members[0].socket.RecvQueue > 0 {
			read = "does not look at these connections"
		}
		who := "still holds their other legs"
		if first.behind != 0 {
			who = fmt.Sprintf("passes them on through descriptor %d, behind which %s (pid %d) still holds their other legs", first.through, sc.doing(first.behind).process.Comm, first.behind)
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("pid %d %s and %s: descriptor %d to %s is in %s, %s",
			g.members[0].blamed(), read, who, first.fd, text(sc.at(first.place).Peer), sc.at(first.place).State.SS(), first.why))
		var kept, awaited int
		for _, s := range g.members {
			if leg := sc.leg(s.blamed(), s.socket); s.socket.RecvQueue == 0 && sc.at(leg.place).State == tcp.Established {
				kept++
				if sc.wantsMore(leg) {
					awaited++
				}
			}
		}
		if kept > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("on %d the end was read and not passed on: the other side has not been told that nothing more will come", kept))
		}
		if awaited > 0 && awaited == len(g.members) { // then both wait for each other
			f.Evidence = append(f.Evidence, fmt.Sprintf("and it waits for more on %d", awaited))
			for _, p := range g.processes {
				f.Culprits = append(f.Culprits, report.Culprit{PID: &p.PID, Comm: &p.Comm, What: "not_closing"})
			}
		}
	},
}

// wantsMore reports whether a thread of this host is blocked in reading at the far end of a leg. Of an event loop nobody knows what it does for the connection meanwhile.
func (sc *scene) wantsMore(l *leg) bool {
	end, ok := sc.end(l.netns, sc.at(l.place))
	if !ok || end.socket().RecvQueue > 0 {
		return false
	}
	holders, _ := end.holders(end.socket())
	return slices.ContainsFunc(holders, func(h look.Holder) bool {
		return end.doing(h.PID).moments(func(m *look.Moment) bool { return m.Call.Kind == look.CallRead && m.Call.Inode == end.socket().Inode })
	})
}

// leg is the other leg of a relayed connection.
type leg struct {
	place
	fd  int
	why string
	// behind is the process that has it, where it is another than that of the closed leg, which reaches it through a descriptor of its own; 0 for none.
	behind, through int
}

// asked reports whether a leg was not told that the client has left: it is open in both directions, or was shut down by itself after the request, as a question is that ends so.
func (l *leg) asked(sc *scene) bool {
	return sc.at(l.place).State == tcp.Established || l.why == sameRequest.why
}

// otherLeg is on what a relay waits for a member of a group.
func (sc *scene) otherLeg(s *subject) wait {
	if l := sc.unixLegs(s.blamed())[s.socket]; l != nil && sc.leg(s.blamed(), s.socket) == nil {
		return l.wait
	}
	return wait{place: sc.leg(s.blamed(), s.socket).place}
}

// within is how far apart the moments may be at which one event passes both legs.
const within = 150 * time.Millisecond

// tick is the longest jiffy, in which the kernel counts when data passed (CONFIG_HZ=100).
const tick = 10 * time.Millisecond

// leg returns the open leg that belongs to a socket in CLOSE_WAIT whose end was read, nil for none. The legs of a process are paired once, each with one other.
func (sc *scene) leg(pid int, s *tcp.Socket) *leg {
	if l := sc.pairing(pid).open[s]; l != nil || s.RecvQueue > 0 {
		return l
	}
	return sc.tunnels().open[s]
}

// closedLeg returns the closed leg that belongs to an open one, nil for none.
func (sc *scene) closedLeg(pid int, s *tcp.Socket) *tcp.Socket {
	if c := sc.pairing(pid).closed[s]; c != nil || s.State != tcp.FinWait2 {
		return c
	}
	return sc.tunnels().closed[s]
}

// pairing is which sockets of a process are the two legs of one connection.
type pairing struct {
	open   map[*tcp.Socket]*leg        // the open leg of a closed one
	closed map[*tcp.Socket]*tcp.Socket // the closed leg of an open one
	legs   []*leg                      // the open ones
}

func newPairing() *pairing {
	return &pairing{open: map[*tcp.Socket]*leg{}, closed: map[*tcp.Socket]*tcp.Socket{}}
}

func (sc *scene) pairing(pid int) *pairing {
	if p := sc.pairings[pid]; p != nil {
		return p
	}
	p := newPairing()
	if process := sc.now.Processes[pid]; process != nil && process.Activity != nil {
		sc.pairLegs(process, p)
		sc.pairings[pid] = p
	}
	return p
}

// end is one socket of a relay with its role, and what is compared of it.
type end struct {
	place
	fd                           int
	socket                       *tcp.Socket
	server                       bool
	heard                        time.Duration
	received, sent               uint64 // payload
	came, went                   time.Duration
	segmentsIn, segmentsOut      uint64
	cameKnown, inKnown, outKnown bool
}

func newEnd(at place, fd int, s *tcp.Socket, server bool, heard time.Duration) end {
	e := end{place: at, fd: fd, socket: s, server: server, heard: heard}
	e.received, e.sent = payload(s)
	e.came, e.cameKnown = s.Info.Duration(tcp.LastDataRecv)
	e.went, _ = s.Info.Duration(tcp.LastDataSent)
	e.segmentsIn, e.inKnown = s.Info.Uint(tcp.DataSegsIn)
	e.segmentsOut, e.outKnown = s.Info.Uint(tcp.DataSegsOut)
	return e
}

// pairLegs finds the legs that belong together, the surest signs first. Only sockets of opposite roles can, so that nothing is compared in a process that has but one kind.
func (sc *scene) pairLegs(p *look.Process, to *pairing) {
	var open, closed []place
	for _, at := range sc.inState(p, tcp.FinWait2, tcp.Established, tcp.FinWait1) {
		open = append(open, at)
	}
	if len(open) == 0 {
		return // a server whose clients have all gone, say
	}
	for _, at := range sc.inState(p, tcp.CloseWait) {
		if sc.at(at).RecvQueue <= 1 {
			closed = append(closed, at)
		}
	}
	if len(closed) == 0 {
		return
	}
	held := make(map[uint32]int, len(p.Activity.Sockets)) // descriptors
	for _, d := range p.Activity.Sockets {
		held[d.Inode] = int(d.FD)
	}
	ends, others := sc.legs(closed, held), sc.legs(open, held)
	skew := time.Duration(0) // times are of the moments at which each socket was read
	for _, at := range closed {
		skew = max(skew, min(sc.now.Namespaces[at.netns].ReadFor, time.Second))
	}
	for _, m := range [...]matching{sameMoment, sameBytes, sameRequest} {
		if m.distance > 0 {
			m.distance += uint64(skew)
		}
		to.match(ends, others, m)
	}
}

// legs makes ends of those sockets whose other ends the process has not as well.
func (sc *scene) legs(places []place, held map[uint32]int) (ends []end) {
	for _, at := range places {
		s := sc.at(at)
		heard, known := silent(s)
		if !known {
			continue
		}
		if other, ok := sc.other(at.netns, s); ok {
			if _, own := held[sc.at(other).Inode]; own {
				continue
			}
		}
		_, connected := sc.origin(at.netns, s)
		ends = append(ends, newEnd(at, held[s.Inode], s, !connected, heard))
	}
	return ends
}

// matching is one sign by which a closed leg and an open one are known to belong together. Only ends whose keys are within a distance of each other are compared.
type matching struct {
	why               string
	unread            bool // it counts where the FIN has not been read, too
	closedKey, ofOpen func(*end) uint64
	distance          uint64
	ordered           bool // what the open leg tells of came after what the closed one tells of, but for the tick of the kernel's clock
	is                func(closed, open *end) bool
}

// sameMoment: the FIN was passed on when it came, and acknowledged. sameBytes: what one leg received the other sent, in both directions; a FIN counts where the kernel counts it.
// sameRequest: the last request that came on one leg went out on the other at that moment, and no answer has come.
var (
	sameMoment = matching{
		why: "shut down when the FIN came", distance: uint64(within),
		closedKey: func(e *end) uint64 { return uint64(e.heard) }, ofOpen: func(e *end) uint64 { return uint64(e.heard) },
		is: func(_, b *end) bool { return b.socket.State == tcp.FinWait2 },
	}
	sameBytes = matching{
		why:       "which has carried the same bytes",
		closedKey: func(e *end) uint64 { return e.received }, ofOpen: func(e *end) uint64 { return e.sent },
		is: func(a, b *end) bool { return a.received+a.sent > 0 && a.sent == b.received },
	}
	sameRequest = matching{
		why: "which got the request and has not answered it", unread: true, distance: uint64(within), ordered: true,
		closedKey: func(e *end) uint64 { return uint64(e.came) }, ofOpen: func(e *end) uint64 { return uint64(e.went) },
		is: func(a, b *end) bool {
			none := b.inKnown && b.segmentsIn == 0 || b.came > b.went
			return b.cameKnown && b.outKnown && a.segmentsIn > 0 && b.segmentsOut > 0 && none
		},
	}
)

// match pairs each closed leg that is still alone with the open one of the nearest descriptor.
func (p *pairing) match(closed, open []end, m matching) {
	slices.SortFunc(open, func(a, b end) int { return cmp.Compare(m.ofOpen(&a), m.ofOpen(&b)) })
	for i := range closed {
		a := &closed[i]
		if _, done := p.open[a.socket]; done || a.socket.RecvQueue > 0 && !m.unread {
			continue
		}
		key := m.closedKey(a)
		from, _ := slices.BinarySearchFunc(open, key-min(key, m.distance), func(e end, key uint64) int { return cmp.Compare(m.ofOpen(&e), key) })
		upTo := key + m.distance
		if m.ordered {
			upTo -= uint64(within - tick)
		}
		var best *end
		for j := from; j < len(open) && m.ofOpen(&open[j]) <= upTo; j++ {
			b := &open[j]
			if p.closed[b.socket] == nil && a.server != b.server && m.is(a, b) && (best == nil || near(a, b) < near(a, best)) {
				best = b
			}
		}
		if best != nil {
			p.closed[best.socket] = a.socket
			l := &leg{place: best.place, fd: best.fd, why: m.why}
			p.open[a.socket], p.legs = l, append(p.legs, l)
		}
	}
}

// near prefers descriptors that were made one after the other.
func near(a, b *end) int { return max(a.fd-b.fd, b.fd-a.fd) }

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
