package diagnose

import (
	"fmt"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// farewell is the most that servers say before they close an idle connection, with the FIN: an alert of TLS, an error of a database, a status of HTTP.
const farewell = 512

// poolIdle is connections to servers that closed them while they were idle, kept for the next use.
//
// Needs: the role (no listener has the port, and the kernel chose it), what is unread, when each connection was used. Claims: the program has not looked since the FIN came, and they do not become more. Refuted by an end that was
// read, by an answer that was not, and by sockets that accumulate: then nobody will look.
var poolIdle = rule{
	code: codePoolIdle, cause: "pool_idle",
	claims: func(sc *scene, s *subject) bool {
		return s.connected() && s.socket.RecvQueue <= farewell && sc.stuckUnread(s) && !sc.halfClosed(s) && (s.held() || !s.known()) && !sc.accumulates(s)
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		f.FDLimit = g.fdLimit(sc, nil)
		f.Evidence = append(f.Evidence, fmt.Sprintf("the servers closed %s; the program looks only when it uses them again", plural(len(g.members), "connection")))
		ages, _ := g.ages()
		together := len(ages) > 0 && ages[len(ages)-1]-ages[0] <= time.Second
		gap, alike := idleGap(g.members)
		if alike && gap >= time.Second {
			line := fmt.Sprintf("they were closed %s after their last use: a limit of the servers", spoken.Duration(gap))
			if together { // whoever was used together is as old when the server ends
				line += ", or they were restarted"
			}
			f.Evidence = append(f.Evidence, line)
		}
		if line := sc.oneEachEvidence(g); line != "" {
			f.Evidence = append(f.Evidence, line)
		}
		if n := g.count(silentFrom); n > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("nothing was ever sent or received on %d of them: the servers closed them unused, as they do at a limit of connections", n))
		}
		if together && !alike && len(ages) >= needless {
			f.Evidence = append(f.Evidence, "all were closed within a second: the server was restarted, or closed them together")
		}
		f.Evidence = append(f.Evidence, readEvidence(g)...)
	},
}

// silentFrom reports whether no payload has passed a connection in either direction.
func silentFrom(s *subject) bool {
	in, known := s.socket.Info.Uint(tcp.DataSegsIn)
	out, counted := s.socket.Info.Uint(tcp.DataSegsOut)
	return known && counted && in == 0 && out == 0
}

// oneEachEvidence says why connections that look as if nobody shared them are no leak, "" where they do not look so.
func (sc *scene) oneEachEvidence(g *group) string {
	for i := range g.members {
		f := sc.flockOf(g.members[i])
		if f != nil && f.unshared >= needless && sc.oneEach(f) {
			return fmt.Sprintf("pid %d made one after the other while earlier ones were idle, and has %s that may have made one for %s: each thread may keep its own",
				f.key.pid, plural(sc.ownersOf(f), "thread"), plural(f.count, "connection"))
		}
	}
	return ""
}
