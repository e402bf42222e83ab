package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// nearLimit reports whether 80 % of the descriptors a process may have are open, tableFull whether it can open no more.
func nearLimit(p *look.Process) bool { return p != nil && p.FDLimit > 0 && p.FDs*5 >= p.FDLimit*4 }
func tableFull(p *look.Process) bool { return p != nil && p.FDLimit > 0 && p.FDs >= p.FDLimit }

// mayNotAccept reports whether a process has no descriptor left to accept with, and no thread is seen blocked in anything else that would keep it from accepting: a busy one may be trying.
func (d *doing) mayNotAccept() bool {
	return tableFull(d.process) && !slices.ContainsFunc(d.strong, func(w worker) bool { return w.what != busy })
}

// fdLimits makes a finding for each process that is near its descriptor limit for another reason than what the findings made so far tell: a leak shows the limit
// it leads to itself.
//
// Needs: the number of descriptors and the limit of the processes that were looked at. Claims: 80 % are in use. Refuted by nothing: the kernel counts them.
func fdLimits(sc *scene, made []draft) []report.Finding {
	told := map[int]bool{}
	for i := range made {
		f := &made[i].finding
		if f.FDLimit != nil && f.Severity == report.SeverityCritical {
			for _, p := range f.Processes {
				told[p.PID] = true
			}
		}
	}
	var near []*look.Process
	for _, p := range sc.now.Processes {
		if nearLimit(p) && !told[p.PID] && !p.Child {
			near = append(near, p)
		}
	}
	slices.SortFunc(near, func(a, b *look.Process) int { return cmp.Compare(a.PID, b.PID) })
	findings := make([]report.Finding, 0, len(near))
	for _, p := range near {
		g := &group{rule: &rule{code: codeFDLimit, cause: "fd_limit"}, netns: -1}
		f := g.finding(sc)
		g.describeHolders(sc, &f, []look.Holder{{PID: p.PID}}, true)
		f.Count, f.Severity, f.FDLimit = p.FDs, report.SeverityCritical, g.fdLimit(sc, nil)
		f.Ends = report.Ends{Kind: "never", Reason: "descriptors stay open until the program closes them"}
		f.Evidence = []string{fmt.Sprintf("pid %d has %d of %d descriptors open (/proc/%d/limits, /proc/%d/fd)", p.PID, p.FDs, p.FDLimit, p.PID, p.PID)}
		if tableFull(p) {
			f.Evidence = append(f.Evidence, "accept and connect fail with EMFILE")
		}
		findings = append(findings, f)
	}
	return findings
}
