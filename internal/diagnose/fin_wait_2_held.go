package diagnose

import (
	"fmt"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// finWait2Held is connections that a program has shut down on its side and keeps, and whose peers do not close.
//
// Needs: an inode, so that tcp_fin_timeout does not apply, and the age. Claims: nothing more will be sent, and the peer's FIN has not come. Refuted by the other end in this look or that of another host, whose own
// finding tells why, and by another leg of a relay that waits.
var finWait2Held = rule{
	code: codeFinWait2, cause: "fin_wait_2_held",
	claims: func(sc *scene, s *subject) bool {
		if s.socket.State != tcp.FinWait2 || s.socket.Inode == 0 || s.age < fresh {
			return false
		}
		_, seen := sc.end(s.netns, s.socket)
		return !seen && !sc.isOtherLeg(s)
	},
	describe: func(_ *scene, g *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		f.Role = new("closing")
		f.Culprits = []report.Culprit{{What: "peer", Peer: g.onePeer()}}
		f.Evidence = append(f.Evidence, fmt.Sprintf("the program shut down its side of %s and keeps the descriptors; the peers acknowledged and have not closed theirs",
			plural(len(g.members), "connection")))
	},
}

// isOtherLeg reports whether a socket is the open leg of a relayed connection, which is told with the closed one.
func (sc *scene) isOtherLeg(s *subject) bool {
	for i := range s.holders() {
		h := s.holder(i)
		if sc.closedLeg(h.PID, s.socket) != nil {
			return true
		}
	}
	return false
}
