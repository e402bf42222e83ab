package diagnose

import (
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// notAccepted is connections that wait in a listener's accept queue while nobody accepts.
//
// Needs: the inode (0 before accept, see sock_graft) and the listener. Claims: the listener's queue is not empty and the connection has been in it for
// a while, and nobody left the queue between two looks. Refuted by an inode, and by connections of the same port that have ended one after another until now, and by
// threads that have begun what they do a moment ago.
var notAccepted = rule{
	code: codeNotAccepted, cause: "not_accepted",
	claims: func(sc *scene, s *subject) bool {
		return s.socket.Unaccepted() && s.listener != nil && s.listener.RecvQueue > 0 && s.age >= fresh && !sc.accepting[s.listener] && !sc.getsOn(s.netns, s.listener) &&
			s.queue(sc).code == codeNotAccepted
	},
	together: func(_ *scene, s *subject) uint64 { return uint64(s.listener.Cookie) },
	describe: describeNotAccepted,
}

func describeNotAccepted(sc *scene, g *group, f *report.Finding) {
	l := g.members[0].listener
	full := l.RecvQueue > l.SendQueue // sk_acceptq_is_full
	f.Severity = report.SeverityWarning
	if full {
		f.Severity = report.SeverityCritical
	}
	listener := endpoint(l.Local)
	f.Role, f.Local = new("listener"), &listener
	f.Victims = report.Victims{Count: len(g.members), Listener: &listener}
	f.Evidence = append(f.Evidence, fmt.Sprintf("%s waiting to be accepted on %s, whose backlog is %d", plural(int(l.RecvQueue), "connection"), text(l.Local), l.SendQueue))
	if full {
		f.Evidence = append(f.Evidence, "the queue is full: the kernel drops what else arrives")
	}
	if gone := g.count(func(s *subject) bool { return s.socket.State == tcp.CloseWait }); gone > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%d of them are in CLOSE_WAIT: the clients have given up meanwhile", gone))
	}
	all, known := sc.holders(l)
	holders := slices.DeleteFunc(slices.Clone(all), func(h look.Holder) bool { return sc.gave(l, h, all) })
	if !known || slices.ContainsFunc(holders, func(h look.Holder) bool { return !sc.doing(h.PID).known }) {
		f.Evidence = append(f.Evidence, "who should accept could not be watched: whether that is stuck or slow does not show")
	}
	for _, h := range holders {
		if sc.declines(l, h) {
			f.Evidence = append(f.Evidence, fmt.Sprintf("the event loop of pid %d runs and does not ask for connections here: a limit of its own may be reached (maxconn and the like), or nobody inside it accepts", h.PID))
			break
		}
	}
	for _, p := range g.describeHolders(sc, f, holders, known) {
		f.Culprits = append(f.Culprits, report.Culprit{PID: &p.PID, Comm: &p.Comm, What: "not_accepting", Listener: &listener})
	}
}

// declines reports whether a holder of a listener has an event loop that waits for other things, and not for connections on that.
func (sc *scene) declines(l *tcp.Socket, h look.Holder) bool {
	d := sc.doing(h.PID)
	if !d.known || d.halted != "" || d.rings() || len(stuck(d.strong)) > 0 {
		return false
	}
	if in := d.interest(l.Inode, h.FD); in.set != nil || in.waited {
		return in.set != nil && !in.armed && d.polls(in.set)
	}
	for i := range d.sets() {
		if set := &d.sets()[i]; d.polls(set) && sc.manifold(d, set) {
			return true
		}
	}
	return false
}
