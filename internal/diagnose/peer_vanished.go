package diagnose

import (
	"fmt"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// peerVanished is data that nobody acknowledges.
//
// Needs: the timer, and when the peer was last heard. Claims: at least two retransmission time-outs, or two unanswered probes of a closed
// window, with no sign of life since. Refuted by any acknowledgement: it sets the count back to 0.
var peerVanished = rule{
	code: codePeerVanished, cause: "peer_vanished",
	claims: func(_ *scene, s *subject) bool {
		heard, ok := silent(s.socket)
		return ok && heard >= fresh && (unanswered(s.socket) || probesUnanswered(s.socket))
	},
	describe: describePeerVanished,
}

// unanswered reports whether retransmissions run into nothing. With a closed window the kernel does not count them (tcp_retransmit_timer), and the peer lives.
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
	f.Severity = report.SeverityWarning
	f.Culprits = []report.Culprit{{What: "peer", Peer: g.onePeer(), SinceSeconds: report.SecondsOf(g.minSilence())}}
	f.Evidence = append(g.unsentEvidence(sc),
		fmt.Sprintf("no acknowledgement of what %s sent; the peers have been silent for %s or longer", plural(len(g.members), "socket"), spoken.Duration(g.minSilence())),
		fmt.Sprintf("%s, %s queued or unacknowledged in all", g.attempts(), spoken.Size(g.sendQueue())))
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
