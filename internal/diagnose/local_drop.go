package diagnose

import (
	"fmt"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// localDrop is data that does not leave this host.
//
// Needs: the persist timer, the window and the queue. Claims: the kernel probes although the peer's window has room for what is queued, and nothing
// is in flight. That happens only when handing the segment down failed (tcp_write_xmit, tcp_send_probe0): a firewall, a queueing discipline, no
// route. Refuted by anything in flight.
var localDrop = rule{
	code: codeLocalDrop, cause: "local_drop",
	claims: func(_ *scene, s *subject) bool {
		inFlight, known := s.socket.Info.Uint(tcp.Unacked)
		heard, ok := silent(s.socket)
		return s.socket.Timer.Kind == tcp.TimerPersist && s.socket.Timer.Count >= 2 && known && inFlight == 0 &&
			windowOpen(s.socket) && ok && heard >= fresh
	},
	describe: func(_ *scene, g *group, f *report.Finding) {
		f.Severity = report.SeverityCritical
		f.Culprits = []report.Culprit{{What: "local_drop", Peer: g.onePeer()}}
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("%s queued and nothing in flight although the peers' windows are open: our packets do not leave this host", spoken.Size(g.sendQueue())))
	},
}
