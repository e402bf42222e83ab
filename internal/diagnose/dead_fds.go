package diagnose

import (
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// deadFDs makes a finding for each process that keeps descriptors of connections that are over. They are no sockets of any table, so the rules
// do not see them: the look has found them by asking the descriptors themselves.
//
// Needs: all descriptors of the process. Claims: the socket was connected once and is closed. Refuted by nothing: the kernel says so.
func deadFDs(sc *scene) []report.Finding {
	byPID := map[int]int{}
	for _, d := range sc.now.Dead {
		byPID[d.PID]++
	}
	pids := make([]int, 0, len(byPID))
	for pid := range byPID {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	var findings []report.Finding
	for _, pid := range pids {
		findings = append(findings, deadFDsOf(sc, pid, byPID[pid]))
	}
	return findings
}

func deadFDsOf(sc *scene, pid, count int) report.Finding {
	g := &group{rule: &rule{code: codeDeadFDs, cause: "dead_fds"}, netns: -1}
	f := g.finding(sc)
	f.Count, f.Severity = count, report.SeverityInfo
	if count >= 10 { // a few may be on their way to be closed
		f.Severity = report.SeverityWarning
	}
	d := sc.doing(pid)
	halted := d.halted
	elsewhere := d.single() && len(d.off) > 0
	var inHand []worker // a thread that waits for another connection may have one of these in hand
	if !d.single() {
		inHand = stuck(d.strong)
	}
	if halted != "" || elsewhere || len(inHand) >= count {
		f.Severity = report.SeverityInfo // it cannot close them, for the time being
	}
	g.describeHolders(sc, &f, []look.Holder{{PID: pid}}, true)
	if f.FDLimit = g.fdLimit(sc, nil); f.FDLimit != nil && f.FDLimit.Used*5 >= f.FDLimit.Limit*4 {
		f.Severity = report.SeverityCritical
	}
	f.Ends = report.Ends{Kind: "never", Reason: "the sockets have ended already; the descriptors stay open until the program closes them"}
	f.Evidence = []string{fmt.Sprintf("%s of pid %d without a connection: it is over (reset, timed out or destroyed): no table of sockets shows them",
		plural(count, "descriptor"), pid)}
	switch {
	case halted != "":
		f.Evidence = append(f.Evidence, fmt.Sprintf("pid %d %s: it may close them when it runs again", pid, haltings[halted]))
	case elsewhere:
		f.Evidence = append(f.Evidence, fmt.Sprintf("the only thread of pid %d is at something else: %s. It may close them when it comes to them", pid, sc.deeds(d.off)))
	case len(inHand) > 0:
		f.Evidence = append(f.Evidence, fmt.Sprintf("threads of pid %d are at something else: %s. They may close what they have in hand when that is done", pid, sc.deeds(inHand)))
	}
	return f
}
