package diagnose

import (
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// processStopped is what a process holds that does not run at all.
//
// Needs: the state of its threads, of its cgroup's freezer. Claims: all holders are stopped, frozen, or with every thread in uninterruptible sleep in both looks, and the peer has left or has sent what is not
// read; or so are all that could accept what waits in a listener's queue. Refuted by one thread that may run, but for those of processes that serve a connection together with one that does not, and by a timer: what the kernel will end
// by itself is told as such.
var processStopped = rule{
	code: codeProcessStopped, cause: "process_stopped",
	claims: func(sc *scene, s *subject) bool {
		unserved := sc.unserved(s) || s.listener == nil && ignored(s.socket) || piledUp(s.socket) // what a server has sent waits no less than what it is asked
		if s.age < fresh && !unserved {
			return false
		}
		if s.socket.Unaccepted() {
			return s.listener != nil && !sc.accepting[s.listener] && sc.keeper(s.netns, s.listener).blames(s, codeProcessStopped)
		}
		if sc.awaitsCrew(s, codeProcessStopped) {
			return true
		}
		if s.socket.State != tcp.CloseWait && !unserved || !s.held() || s.socket.SendQueue > 0 || s.moved {
			return false
		}
		pid := s.holder(0).PID
		if s.heldBy(func(h look.Holder) bool { return sc.doing(h.PID).halted == "" }) {
			if pid = sc.atSession(s); pid == 0 || sc.doing(pid).halted == "" {
				return false
			}
		}
		if sc.doing(pid).halted == uninterruptible && piledUp(s.socket) && !ignored(s.socket) {
			return false // it may have run between the looks: who writes what it receives to a disk sleeps so again and again
		}
		s.blame(pid)
		return true
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Severity = report.SeverityCritical
		g.blame(sc, f)
		var lines []string
		for _, p := range g.processes {
			d := sc.doing(p.PID)
			if d.halted == "" {
				continue
			}
			f.Culprits = append(f.Culprits, report.Culprit{PID: &p.PID, Comm: &p.Comm, What: d.halted})
			lines = append(lines, fmt.Sprintf("pid %d %s", p.PID, d.halting()))
		}
		f.Evidence = append(f.Evidence, few(lines)...)
		slices.SortFunc(f.Culprits, func(a, b report.Culprit) int { return *a.PID - *b.PID })
		if f.Victims.Count = len(g.members); f.Count > 0 {
			g.queueEvidence(f)
			g.crewEvidence(sc, f)
		}
	},
}

// halting says why no thread of a process can run. A debugger's hold is not ended by a signal.
func (d *doing) halting() string {
	if d.halted == "stopped" && d.process.Traced() {
		return "is held by a debugger or a tracer (state t)"
	}
	return haltings[d.halted]
}

var haltings = map[string]string{
	"stopped": "is stopped by a signal (state T)", "frozen": "is frozen: its cgroup's freezer is on",
	uninterruptible: "is in uninterruptible sleep with all its threads, in two looks (state D)",
}
