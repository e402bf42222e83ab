package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// limitSoon is the time within which a descriptor limit that will be reached is near.
const limitSoon = 4 * time.Hour

// describeHolders writes who holds the sockets into the finding and returns the processes. Unless known is true, no holder does not mean nobody.
func (g *group) describeHolders(sc *scene, f *report.Finding, holders []look.Holder, known bool) []*look.Process {
	for _, h := range holders {
		p := sc.now.Processes[h.PID]
		if p == nil || slices.Contains(g.processes, p) {
			continue
		}
		g.processes = append(g.processes, p)
	}
	slices.SortFunc(g.processes, func(a, b *look.Process) int { return a.PID - b.PID })
	f.Processes = nil
	if known {
		f.Processes = []report.Process{}
	}
	for _, p := range g.processes {
		f.Processes = append(f.Processes, process(p))
	}
	if len(g.processes) > 0 {
		f.Workload = ReportWorkload(&g.processes[0].Workload)
	}
	return g.processes
}

func process(p *look.Process) report.Process {
	rp := report.Process{PID: p.PID, Comm: p.Comm}
	if p.Cmdline != "" {
		rp.Cmdline = &p.Cmdline
	}
	if !p.StartTime.IsZero() {
		start := p.StartTime.UTC()
		rp.StartTime = &start
	}
	return rp
}

// fdLimit returns the use of the descriptor limit of the process that is nearest to its own.
func (g *group) fdLimit(sc *scene, growth *report.Growth) *report.FDLimit {
	var worst *look.Process
	for _, p := range g.processes {
		if p.FDs < 0 || p.FDLimit <= 0 {
			continue
		}
		if worst == nil || p.FDs*worst.FDLimit > worst.FDs*p.FDLimit {
			worst = p
		}
	}
	if worst == nil {
		return nil
	}
	limit := &report.FDLimit{Used: worst.FDs, Limit: worst.FDLimit}
	if growth != nil && growth.PerMinute > 0 && len(g.processes) == 1 {
		left := float64(max(0, worst.FDLimit-worst.FDs)) / growth.PerMinute
		at := sc.now.TakenAt.Add(time.Duration(left * float64(time.Minute))).UTC().Truncate(time.Second)
		limit.ReachedAt = &at
	}
	return limit
}
