package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// restart proposes to restart the owner in the way that fits it. A restart closes all descriptors, whatever the cause.
func (g *group) restart() []report.Remedy {
	if len(g.processes) == 0 {
		return []report.Remedy{}
	}
	w := g.processes[0].Workload
	remedy := report.Remedy{Effect: "gives all its descriptors back", FreesFDs: true, Risk: "interrupts the service"}
	switch {
	case w.Pod != "" && strings.Contains(w.Pod, "/"):
		namespace, name, _ := strings.Cut(w.Pod, "/")
		remedy.Command = fmt.Sprintf("kubectl -n %s delete pod %s", shellWord(namespace), shellWord(name))
	case w.Kind == look.KindContainer && (w.Runtime == "docker" || w.Runtime == "podman"):
		remedy.Command = w.Runtime + " restart " + shellWord(cmp.Or(w.Name, w.ContainerID))
	case w.Kind == look.KindUnit && strings.HasSuffix(w.Unit, ".service") && !strings.Contains(w.Cgroup, "/user@"):
		remedy.Command = "systemctl restart " + shellWord(w.Unit)
	case len(g.processes) > 1:
		var pids []string
		for _, p := range g.processes {
			pids = append(pids, strconv.Itoa(p.PID))
		}
		remedy.Command = fmt.Sprintf("restart %s (pids %s)", g.processes[0].Comm, strings.Join(pids[:min(len(pids), 10)], ", "))
		remedy.Effect = "gives the descriptors back once none of these processes has them any more"
	default:
		remedy.Command = fmt.Sprintf("restart %s (pid %d)", g.processes[0].Comm, g.processes[0].PID)
	}
	return []report.Remedy{remedy}
}

// shellWord quotes a name that other people chose so that a pasted command does with it what it shows.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@:/", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
