package diagnose

import (
	"fmt"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// closingUnanswered is our FIN (and what is queued before it) without an answer.
//
// Needs: the state, the timer and when the peer was last heard. Claims what peerVanished claims, in the states after our close. Refuted by any acknowledgement.
var closingUnanswered = rule{
	code: codeClosing, cause: "closing_unanswered",
	claims: func(_ *scene, s *subject) bool {
		return tcp.SetOf(tcp.FinWait1, tcp.Closing, tcp.LastAck).Has(s.socket.State) && unheeded(s.socket)
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		f.Evidence = append(g.unsentEvidence(sc), fmt.Sprintf("our FIN, and what is queued before it, is not acknowledged: %s; the peers have been silent for %s or longer",
			g.attempts(), spoken.Duration(g.minSilence())))
		if orphans := g.count(func(s *subject) bool { return s.socket.Orphan() }); orphans > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s among them: closed by their program, only the kernel keeps them", plural(orphans, "orphan")))
		}
		_, lines := sc.arrivalEvidence(g)
		f.Evidence = append(f.Evidence, lines...)
	},
}
