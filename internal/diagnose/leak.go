package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// leak is CLOSE_WAIT sockets that the program does not close.
//
// Needs: the age, the queues, the peer's end where it is on this host. Claims: the FIN came a while ago, nothing of ours is in flight or queued, and
// nothing moves. Refuted by data that moves, and by a peer on this host that shut down one side only and still waits for our data (a half-close).
var leak = rule{
	code: codeLeak, cause: "leak",
	claims: func(sc *scene, s *subject) bool {
		return s.socket.State == tcp.CloseWait && s.socket.Inode != 0 && s.ageKind != 0 && s.age >= fresh &&
			s.socket.SendQueue == 0 && !s.moved && !sc.drains(s) && !sc.awaited(s) && !sc.inTurn(s)
	},
	together: func(_ *scene, s *subject) uint64 {
		if s.listener != nil {
			return uint64(s.socket.Local.Port())
		}
		return 0
	},
	describe: describeLeak,
}

func describeLeak(sc *scene, g *group, f *report.Finding) {
	f.Growth = cmp.Or(g.counted(sc), g.growth())
	f.FDLimit = g.fdLimit(sc, f.Growth)
	f.Severity = leakSeverity(sc, g, f)
	f.Evidence = append(f.Evidence, fmt.Sprintf("the peers of %s sent FIN a while ago; nobody has closed them here since", plural(len(g.members), "socket")))
	f.Evidence = append(f.Evidence, readEvidence(g)...)
	unanswered := sc.countUnanswered(g, f)
	f.Evidence = append(f.Evidence, unanswered...)
	if len(unanswered) < 2 { // it names no connection yet
		f.Evidence = append(f.Evidence, sc.passedOn(g)...)
	}
	if blind := g.count(func(s *subject) bool {
		return s.socket.RecvQueue > 0 && (!s.held() || !sc.doing(s.holder(0).PID).known)
	}); blind > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("what the holders of %d are doing could not be seen: whether something keeps them from looking is not known", blind))
	}
	if g.unseen() {
		f.Evidence = append(f.Evidence, "whose they are could not be seen: so many programs with one connection each would look the same")
	}
	if f.Ends.Kind == "never" {
		f.Evidence = append(f.Evidence, "no kernel timer runs on them")
	}
}

// countUnanswered counts the sockets whose data was read and not answered. Programs that let many tasks share few threads keep to themselves what a handler waits for: nothing that the kernel shows
// tells one that waits from one that has ended and forgotten its socket.
func (sc *scene) countUnanswered(g *group, f *report.Finding) []string {
	if f.Role == nil || *f.Role != "server" {
		return nil
	}
	silent := g.count(func(s *subject) bool { return readUnanswered(s.socket) })
	taken := g.count(func(s *subject) bool { return s.socket.RecvQueue > 0 && sc.takenInHand(s) })
	n := max(silent, taken)
	f.Unanswered = &n
	if n == 0 {
		return nil
	}
	line := fmt.Sprintf("nothing was sent on %d since their last data came: if they were requests, handlers may still be at work on them", silent)
	if taken > silent {
		line = fmt.Sprintf("the one-shot interest in %d has fired and was not renewed: threads have taken them in hand, and may still be at work on them", taken)
	}
	return append([]string{line}, sc.askingEvidence(g)...)
}

// passedOn names a connection that may carry these ones on: several can share one, as in a tunnel, and then no leg belongs to one of them alone. It sent something when the last end came.
func (sc *scene) passedOn(g *group) []string {
	heard := g.minSilence()
	last := slices.IndexFunc(g.members, func(s *subject) bool {
		since, ok := silent(s.socket)
		return ok && since == heard && s.listener != nil && s.socket.RecvQueue == 0 && s.held()
	})
	if last < 0 {
		return nil
	}
	p := sc.now.Processes[g.members[last].holder(0).PID]
	for own, at := range sc.inState(p, tcp.Established) {
		sent, known := sc.at(at).Info.Duration(tcp.LastDataSent)
		if _, connected := sc.origin(at.netns, sc.at(at)); connected && known && (sent-heard).Abs() <= within {
			return []string{fmt.Sprintf("descriptor %d of pid %d, to %s, sent something when the last of these ends came: if they are passed on over that connection, as in a tunnel, the program waits for what is behind it",
				own.FD, p.PID, text(sc.at(at).Peer))}
		}
	}
	return nil
}

// unseen reports whether the sockets are of clients that could not be seen.
func (g *group) unseen() bool { return len(g.processes) == 0 && g.members[0].listener == nil }

// readEvidence tells the sockets apart by what is unread: a received FIN counts as one byte of the receive queue until the program has read to the end.
func readEvidence(g *group) []string {
	read := g.count(func(s *subject) bool { return s.socket.RecvQueue == 0 })
	unseen := g.count(func(s *subject) bool { return s.socket.RecvQueue == 1 })
	data := len(g.members) - read - unseen
	var lines []string
	add := func(n int, what string) {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("Recv-Q %s", fmt.Sprintf(what, n)))
		}
	}
	if g.rule.code == codeHandlerBusy { // it does not know that the client has left, see drained
		together := g.count(func(s *subject) bool { return s.socket.RecvQueue == 0 && endedAtOnce(s) })
		add(together, "0 on %d: the end came so closely behind the last data that it was read in one call with it")
		read -= together
	}
	add(read, "0 on %d: the program has read all there was, the end with it")
	add(unseen, "1 on %d: only the FIN is unread, the program has not looked")
	add(data, "above 1 on %d: data is unread as well")
	return lines
}

// leakSeverity follows the harm: near the descriptor limit it is critical; a few sockets that do not grow in number are worth a note.
//
// Growth is estimated from ages, which members of a bounded pool that are closed one after another show as well. So it only counts where there are more of
// them than a small pool has, and the limit is only foreseen where they are a good part of what is open.
func leakSeverity(sc *scene, g *group, f *report.Finding) string {
	const several, many = 10, 20
	growing := f.Growth != nil && f.Growth.PerMinute > 0
	if l := f.FDLimit; l != nil {
		foreseen := growing && len(g.members) >= many && 4*len(g.members) >= l.Used
		if !foreseen {
			l.ReachedAt = nil
		}
		if l.Used*5 >= l.Limit*4 || foreseen && l.ReachedAt != nil && l.ReachedAt.Sub(sc.now.TakenAt) <= limitSoon {
			return report.SeverityCritical
		}
	}
	if g.unseen() && len(g.members) < crowd {
		return report.SeverityInfo
	}
	if len(g.members) >= several || growing && g.members[0].listener != nil {
		return report.SeverityWarning
	}
	return report.SeverityInfo
}
