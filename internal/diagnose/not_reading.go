package diagnose

import (
	"fmt"

	"github.com/closewait/closewait/internal/report"
)

// notReading is connections that a healthy program does not look at.
//
// Needs: the threads, poll sets and what is unread. Claims: the end of the data is unread, no thread waits for the socket, and nothing keeps the program from looking. Refuted by sockets
// that accumulate, which are leaked, by those that threads have taken in hand, and by a program that is busy, blocked or stopped. Where that cannot be seen it stays with the leaks.
var notReading = rule{
	code: codeNotReading, cause: "not_reading",
	claims: func(sc *scene, s *subject) bool {
		return !(s.connected() && s.socket.RecvQueue <= farewell) && sc.stuckUnread(s) && !sc.awaited(s) && !sc.inTurn(s) &&
			s.held() && sc.doing(s.holder(0).PID).watchable() && !sc.accumulates(s) && !sc.takenInHand(s)
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		if len(g.members) == 1 {
			f.Severity = report.SeverityInfo
		}
		f.FDLimit = g.fdLimit(sc, nil)
		f.Evidence = append(f.Evidence, readEvidence(g)...)
		f.Evidence = append(f.Evidence, sc.countUnanswered(g, f)...)
		f.Evidence = append(f.Evidence, sc.interestEvidence(g)...)
		for _, p := range g.processes {
			f.Culprits = append(f.Culprits, report.Culprit{PID: &p.PID, Comm: &p.Comm, What: "not_closing"})
		}
	},
}

// watchable reports whether it shows what a process looks at: not where it may have asked a ring for it.
func (d *doing) watchable() bool { return d.known && !d.rings() }

// interestEvidence says how the programs look at their sockets.
func (sc *scene) interestEvidence(g *group) (lines []string) {
	var dropped, outside, constant int
	for i := range g.members {
		s := g.members[i]
		switch in := s.interest(sc.doing(s.holder(0).PID), s.holder(0)); {
		case in.set == nil && !in.waited:
			outside++
		case in.set != nil && !in.armed:
			dropped++
		case in.constant:
			constant++
		}
	}
	if outside > 0 {
		lines = append(lines, fmt.Sprintf("%s in no poll set, and no thread waits for them", plural(outside, "descriptor")))
	}
	if dropped > 0 {
		lines = append(lines, fmt.Sprintf("%s in an epoll set that does not ask for data any more", plural(dropped, "descriptor")))
	}
	if constant > 0 {
		lines = append(lines, fmt.Sprintf("%s registered for everything by the runtime: who should read does not show", plural(constant, "descriptor")))
	}
	return lines
}
