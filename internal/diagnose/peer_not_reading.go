package diagnose

import (
	"fmt"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// peerNotReading is a peer that lives and keeps its window at zero.
//
// Needs: the window, the timer and when the peer was last heard. Claims: the window is closed, we have had nothing to send into for a while, and the
// peer answered the latest probe. Refuted by unanswered probes (then it has vanished), by data that moves, and by a reader on this host that takes some of it between the two looks: it opens its window again
// only when there is room for a good deal more (__tcp_select_window).
var peerNotReading = rule{
	code: codePeerNotReading, cause: "peer_not_reading",
	claims: func(sc *scene, s *subject) bool {
		since, ok := windowless(s.socket)
		return ok && since >= fresh && windowClosed(s.socket) && (answersProbes(s.socket) || shrunk(s.socket)) && !sc.readSlowly(s)
	},
	describe: describePeerNotReading,
}

// readSlowly reports whether the other end is on this host, and something was read of it between the two looks.
func (sc *scene) readSlowly(s *subject) bool {
	end, ok := sc.end(s.netns, s.socket)
	return ok && end.scene == sc && full(end.socket()) && sc.moved(end.socket())
}

// windowless is for how long the peer has taken nothing at least. What is sent again counts as sent (tcp_event_data_sent), but each time the timer is twice as long as before.
func windowless(s *tcp.Socket) (since time.Duration, ok bool) {
	since, ok = s.Info.Duration(tcp.LastDataSent)
	if rto, known := s.Info.Duration(tcp.RTO); known && s.Timer.Kind == tcp.TimerRetransmit {
		backoff, _ := s.Info.Uint(tcp.Backoff)
		since = max(since, rto-rto>>min(backoff, 30)+max(rto-s.Timer.Expires, 0))
	}
	return since, ok
}

// answersProbes: the count falls to 0 with every answer. One probe may be unanswered because peers limit the rate of such answers to two a second
// (tcp_invalid_ratelimit).
func answersProbes(s *tcp.Socket) bool {
	heard, ok := silent(s)
	return s.Timer.Kind == tcp.TimerPersist && s.Timer.Count <= 1 && ok && heard <= 2*probeInterval(s)
}

// shrunk: the window was closed with data in flight, so retransmissions act as probes and are not counted (tcp_retransmit_timer). Refuted by two of them in a row without an answer.
func shrunk(s *tcp.Socket) bool {
	backoff, _ := s.Info.Uint(tcp.Backoff)
	_, ok := silent(s)
	return s.Timer.Kind == tcp.TimerRetransmit && s.Timer.Count == 0 && backoff > 0 && ok && !shrunkUnanswered(s)
}

// shrunkUnanswered reports whether the peer was not heard since the last retransmission but one into a closed window. When each was made follows from the timer, whose length they double; a peer may leave
// one unanswered that comes within half a second of another (tcp_invalid_ratelimit).
func shrunkUnanswered(s *tcp.Socket) bool {
	const limit, least = 500 * time.Millisecond, 200 * time.Millisecond // TCP_RTO_MIN
	rto, known := s.Info.Duration(tcp.RTO)
	heard, ok := silent(s)
	if s.Timer.Kind != tcp.TimerRetransmit || s.Timer.Count != 0 || !windowClosed(s) || !known || !ok {
		return false
	}
	interval := rto / 2
	if backoff, _ := s.Info.Uint(tcp.Backoff); least<<min(backoff, 30) > rto { // it is as long as it gets (tcp_rto_max_ms)
		interval = rto
	}
	return heard > max(rto-s.Timer.Expires, 0)+interval+limit
}

// longStall is the time without any progress that no reader takes that reads at all.
const longStall = 30 * time.Second

func describePeerNotReading(sc *scene, g *group, f *report.Finding) {
	// A slow reader that opens its window every now and then looks the same in between.
	f.Severity = report.SeverityInfo
	if g.minStall() >= longStall {
		f.Severity = report.SeverityWarning
	}
	if f.Culprits = sc.readers(g); len(f.Culprits) == 0 {
		f.Culprits = []report.Culprit{{What: "peer", Peer: g.onePeer()}}
	}
	f.Evidence = append(f.Evidence,
		fmt.Sprintf("the window is 0 and the peers answer our probes: last heard %s ago; they are alive and have taken nothing for %s or longer",
			spoken.Duration(g.maxSilence()), spoken.Duration(g.minStall())),
		fmt.Sprintf("%s queued on %s", spoken.Size(g.sendQueue()), plural(len(g.members), "socket")))
}

// readers are the programs that have the other ends, if all of these are on this host, at most as many as are named of culprits.
func (sc *scene) readers(g *group) (list []report.Culprit) {
	at := map[int]int{}
	for _, s := range g.members {
		end, ok := sc.end(s.netns, s.socket)
		if !ok || end.scene != sc {
			return nil
		}
		holders, _ := end.holders(end.socket())
		if len(holders) == 0 {
			return nil
		}
		peer := endpoint(s.socket.Peer)
		i, known := at[holders[0].PID]
		switch {
		case known && (list[i].Peer == nil || *list[i].Peer != peer):
			list[i].Peer = nil // it has several
		case !known && len(list) < maxCulprits:
			at[holders[0].PID] = len(list)
			p := &end.doing(holders[0].PID).process
			list = append(list, report.Culprit{PID: &(*p).PID, Comm: &(*p).Comm, What: "peer", Peer: &peer})
		}
	}
	return list
}
