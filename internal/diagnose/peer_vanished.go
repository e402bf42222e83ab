package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// peerVanished is data, or a question whether the peer is still there, that nobody acknowledges.
//
// Needs: the timer, and when the peer was last heard. Claims: at least two retransmission time-outs, two unanswered probes of a closed window or two of keepalive, for a while. Refuted by any
// acknowledgement of something new: it sets the count back to 0. A peer that is heard without acknowledging anything is no refutation: then what we send does not get there.
var peerVanished = rule{
	code: codePeerVanished, cause: "peer_vanished",
	claims: func(sc *scene, s *subject) bool { return unheeded(s.socket) || sc.keptAliveInVain(s) },
	together: func(_ *scene, s *subject) uint64 {
		switch {
		case s.socket.Timer.Kind == tcp.TimerKeepalive:
			return 2
		case heardMeanwhile(s.socket):
			return 1
		}
		return 0
	},
	describe: describePeerVanished,
}

// unheeded reports whether what is sent again has run into nothing for a while.
func unheeded(s *tcp.Socket) bool {
	heard, ok := silent(s)
	return unanswered(s) && ok && max(heard, resending(s)) >= fresh || (probesUnanswered(s) || shrunkUnanswered(s)) && ok && heard >= fresh
}

// resending is how long ago the first of the time-outs was at least that were counted since the peer acknowledged anything new: each waited twice as long as the one before, and a segment that this
// host does not let out is counted without waiting longer (tcp_retransmit_timer).
func resending(s *tcp.Socket) time.Duration {
	rto, _ := s.Info.Duration(tcp.RTO)
	backoff, _ := s.Info.Uint(tcp.Backoff)
	return rto - rto>>min(backoff, uint64(s.Timer.Count), 30)
}

// lastHeard returns how long ago anything came from the peer. Data that acknowledges nothing new does not pass by where acknowledgements are noted (tcp_rcv_established).
func lastHeard(s *tcp.Socket) time.Duration {
	heard, _ := silent(s)
	if data, ok := s.Info.Duration(tcp.LastDataRecv); ok {
		return min(heard, data)
	}
	return heard
}

// heardMeanwhile reports whether the peer was heard since the first of the time-outs: it lives, and what is sent to it does not get there.
func heardMeanwhile(s *tcp.Socket) bool {
	return s.Timer.Kind == tcp.TimerRetransmit && lastHeard(s) < resending(s)
}

// keptAliveInVain reports whether keepalive asks a peer that does not answer. Data that came after the last acknowledgement has not set the count back (see lastHeard): then the peer must have been
// silent for longer than it takes until probing begins.
func (sc *scene) keptAliveInVain(s *subject) bool {
	if s.socket.State != tcp.Established && s.socket.State != tcp.FinWait2 || !probed(s.socket) || lastHeard(s.socket) < fresh {
		return false
	}
	heard, ok := silent(s.socket)
	own, asked := sc.now.Namespaces[s.netns].Options[s.socket.Cookie]
	return ok && (lastHeard(s.socket) == heard || asked && own.KeepaliveTime > 0 && lastHeard(s.socket) >= own.KeepaliveTime)
}

// probed reports whether at least two probes of keepalive have had no answer.
func probed(s *tcp.Socket) bool { return s.Timer.Kind == tcp.TimerKeepalive && s.Timer.Count >= 2 }

// unanswered reports whether retransmissions run into nothing. With a closed window the kernel does not count them (tcp_retransmit_timer, see shrunk).
func unanswered(s *tcp.Socket) bool {
	return s.Timer.Kind == tcp.TimerRetransmit && s.Timer.Count >= 2 && !windowClosed(s)
}

// probesUnanswered reports whether probes of a closed window run into nothing: any answer sets the count back to 0, and with two unanswered the first
// has had a whole interval for its answer. Callers make sure that the peer has been silent for longer than it may be for limiting its answers.
func probesUnanswered(s *tcp.Socket) bool {
	return s.Timer.Kind == tcp.TimerPersist && s.Timer.Count >= 2 && windowClosed(s)
}

// probeInterval is the time between the last zero-window probe and the next: min(max(rto, 200 ms) << backoff, 120 s), see tcp_probe0_when.
func probeInterval(s *tcp.Socket) time.Duration {
	rto, _ := s.Info.Duration(tcp.RTO)
	backoff, _ := s.Info.Uint(tcp.Backoff)
	return min(max(rto, 200*time.Millisecond)<<min(backoff, 10), 120*time.Second)
}

func describePeerVanished(sc *scene, g *group, f *report.Finding) {
	n, first := plural(len(g.members), "socket"), g.members[0].socket
	silence := spoken.Duration(g.minSilence())
	f.Severity = report.SeverityWarning
	f.Culprits = []report.Culprit{{What: "peer", Peer: g.onePeer(), SinceSeconds: report.SecondsOf(g.minSilence())}}
	f.Evidence = g.unsentEvidence(sc)
	switch {
	case probed(first):
		if f.Role == nil || *f.Role != "client" { // clients come and go; who has a server wants it to be there
			f.Severity = report.SeverityInfo
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("keepalive asks the peers of %s and gets no answer, up to %d times in a row; they have been silent for %s or longer; nothing is in flight", n, g.maxCount(), silence))
	case heardMeanwhile(first):
		f.Culprits = []report.Culprit{}
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("no acknowledgement of what %s sent, though something has come from the peers since (last %s ago): they live, and what is sent to them is lost on the way", n, spoken.Duration(g.maxHeard())),
			fmt.Sprintf("%s, %s queued or unacknowledged in all", g.attempts(), spoken.Size(g.sendQueue())))
	default:
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("no acknowledgement of what %s sent; the peers have been silent for %s or longer", n, silence),
			fmt.Sprintf("%s, %s queued or unacknowledged in all", g.attempts(), spoken.Size(g.sendQueue())))
	}
	f.Evidence = append(f.Evidence, sc.rejectedEvidence(g)...)
	f.Evidence = append(f.Evidence, sc.reachedEvidence(g)...)
	arrived, lines := sc.arrivalEvidence(g)
	if large := sc.largeEvidence(g); !arrived && large != nil {
		f.Evidence, f.Oversize = append(f.Evidence, large...), true
	}
	f.Evidence = append(f.Evidence, lines...)
}

// rejections is what the error says that the kernel has noted for a time-out to report (sk_err_soft; icmp_err_convert, tab_unreach): an ICMP message that came, or a route that was not found.
var rejections = map[int]string{
	13:  "forbidden (EACCES): a router or a firewall rejects it",
	101: "no route to it (ENETUNREACH)",
	111: "refused (ECONNREFUSED): its host or a firewall rejects it, by ICMP",
	112: "its host is down (EHOSTDOWN)",
	113: "nobody reaches its address (EHOSTUNREACH): a router or this host finds nobody there, or a firewall rejects it",
}

// rejectedEvidence tells what the network has answered in the peers' place since they acknowledged anything last. Only a BPF program sees it.
func (sc *scene) rejectedEvidence(g *group) (lines []string) {
	count := map[int]int{}
	for _, s := range g.members {
		if own, asked := sc.now.Namespaces[s.netns].Options[s.socket.Cookie]; asked {
			count[own.SoftError]++
		}
	}
	for _, errno := range slices.Sorted(maps.Keys(rejections)) {
		if n := count[errno]; n > 0 {
			lines = append(lines, fmt.Sprintf("the network says of the peers of %d: %s", n, rejections[errno]))
		}
	}
	return lines
}

// maxHeard returns how long ago the peer was heard that has been silent for longest.
func (g *group) maxHeard() (d time.Duration) {
	for i := range g.members {
		d = max(d, lastHeard(g.members[i].socket))
	}
	return d
}

// largeEvidence tells of connections that have never got a segment of full size across, while smaller ones were acknowledged: somewhere on the way packets may have to be smaller than both ends know.
// Refuted by another connection to the same address on which such segments were acknowledged.
func (sc *scene) largeEvidence(g *group) []string {
	n := g.count(func(s *subject) bool {
		acked, known := s.socket.Info.Uint(tcp.BytesAcked)
		mss, _ := s.socket.Info.Uint(tcp.SndMSS)
		return known && mss > 0 && acked < mss && fullSegments(s.socket, mss) && !sc.address(s).large
	})
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("on %d only segments of full size are in flight, and none was ever acknowledged: if small packets still pass, the way drops large ones (an MTU that is too large, ICMP that is filtered)", n)}
}

// fullSegments reports whether all segments in flight are of full size, the last perhaps excepted. What was written in small pieces is sent again in small pieces.
func fullSegments(s *tcp.Socket, mss uint64) bool {
	segments, counted := s.Info.Uint(tcp.Unacked)
	waiting, told := s.Info.Uint(tcp.NotSentBytes)
	if s.Timer.Kind != tcp.TimerRetransmit || !counted || !told || segments == 0 || uint64(s.SendQueue) < waiting {
		return false
	}
	flight := uint64(s.SendQueue) - waiting
	return flight >= mss && flight > (segments-1)*mss
}

// arrivalEvidence says in which direction packets are lost, where the other ends are seen, and whether any arrived.
func (sc *scene) arrivalEvidence(g *group) (got bool, lines []string) {
	var arrived, lost, either, inside int
	for i := range g.members {
		s := g.members[i]
		end, ok := sc.end(s.netns, s.socket)
		if !ok || end.scene != sc || end.socket().Mini() {
			continue
		}
		there, back := lostWhere(s, end.socket())
		switch {
		case there && back:
			either++
		case there:
			lost++
		case back:
			arrived++
		default:
			continue
		}
		if end.netns == s.netns {
			inside++
		}
	}
	if arrived > 0 {
		lines = append(lines, fmt.Sprintf("the other ends of %d are on this host and have got what was sent: the answers are lost on the way back", arrived))
	}
	if either > 0 {
		lines = append(lines, fmt.Sprintf("the other ends of %d are on this host and have got some of what was sent: the answers were lost on the way back, and what is sent again may be lost on the way there as well", either))
	}
	if lost > 0 {
		lines = append(lines, fmt.Sprintf("the other ends of %d are on this host, open, and have not got what was sent: it is lost on the way there", lost))
	}
	if inside > 0 {
		lines = append(lines, fmt.Sprintf("both ends of %d are in this network namespace, which such packets never leave: what drops them is here, as a firewall rule is (nft list ruleset)", inside))
	}
	return arrived+either > 0, lines
}

// lostWhere says whether packets of a connection are lost on the way to its other end or back. Data that has arrived is counted there, also where only its first copy did. A probe carries none, and
// of data for which there is no room nothing is kept: of these the segments tell that each end has counted, where only one direction lacks as many as went unanswered. Neither is said where that
// cannot be told.
func lostWhere(s *subject, end *tcp.Socket) (there, back bool) {
	missed := int64(max(s.socket.Timer.Count, 2))
	there = lacking(s.socket, end, !s.connected()) >= missed
	if s.socket.Timer.Kind == tcp.TimerKeepalive || windowClosed(s.socket) {
		back = lacking(end, s.socket, s.connected()) >= missed
		return there && !back, back && !there
	}
	acked, known := s.socket.Info.Uint(tcp.BytesAcked)
	received, counted := end.Info.Uint(tcp.BytesReceived) // a FIN counts as well
	if !known || !counted || s.socket.SendQueue == 0 {
		return false, false
	}
	if s.connected() && acked > 0 {
		acked-- // our SYN
	}
	if received <= acked {
		return true, false
	}
	return there, true
}

// lacking returns how many of the segments that one end has sent the other has not got. The one that accepted has not counted its SYN-ACK (tcp_make_synack).
func lacking(from, to *tcp.Socket, accepted bool) int64 {
	sent, told := from.Info.Uint(tcp.SegsOut)
	got, counted := to.Info.Uint(tcp.SegsIn)
	if !told || !counted {
		return 0
	}
	if accepted {
		sent++
	}
	return int64(sent) - int64(got)
}

// unsentEvidence says that segments sent again did not leave this host, which looks from here as if the peer had vanished. The kernel counts them for the whole namespace only, so
// they may be those of other sockets: a share below a tenth is not worth a word.
func (g *group) unsentEvidence(sc *scene) []string {
	if g.netns < 0 {
		return nil
	}
	n := &sc.now.Namespaces[g.netns]
	if n.Resent == nil || n.Unsent == nil || *n.Unsent <= *n.Resent/10 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d segments sent again in this network namespace never left this host (TcpExtTCPRetransFail, TcpRetransSegs): "+
		"look for a firewall, a full queue or a missing route here", *n.Unsent, *n.Resent)}
}
