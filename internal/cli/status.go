package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "the one-screen answer (the same as closewait alone)",
		Example: `sudo closewait status              # every process visible
closewait status -w                # again every two seconds
closewait status --netns blue      # one network namespace
closewait status -o json           # see "closewait schema Report"`,
		Long: `Says what is stuck, who holds it, why, when the kernel ends it and what helps;
the most urgent first. In a pipe the screen is the same without colours and
with all findings.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
}

// status answers "what is wrong here?".
func (a *app) status(ctx context.Context) error {
	return a.repeat(ctx, func(ctx context.Context, w io.Writer) error {
		answer, err := a.look(ctx, Query{Findings: true})
		if err != nil {
			return err
		}
		a.judge(answer, !a.flags.json() && a.flags.output != formatName) // the screen shows its notes itself
		switch a.flags.output {
		case formatJSON:
			return writeDocument(w, normalized(answer.Report))
		case formatNDJSON:
			return writeReportLines(w, answer.Report)
		case formatName:
			return writeCodes(w, answer.Report)
		}
		return render.Status(w, answer.Report, sidelights(answer), a.screenStyle())
	})
}

// screenStyle is the style of a screen: it needs a width even where tables have none.
func (a *app) screenStyle() render.Style {
	s := a.style()
	switch a.flags.output {
	case formatPlain:
		s.Color, s.Width, s.Height = false, 0, 0
	case formatWide:
	default:
		if s.Width == 0 {
			s.Width = defaultWidth
		}
	}
	return s
}

// writeCodes writes the codes of the findings, one a line.
func writeCodes(w io.Writer, r *report.Report) error {
	var b []byte
	for i := range r.Findings {
		b = append(render.AppendClean(b, r.Findings[i].Code), '\n')
	}
	_, err := w.Write(b)
	return err
}

// sidelights takes from the look what the report has no field for.
func sidelights(answer *Answer) render.Sidelights {
	side := render.Sidelights{LongestCloseWait: longestCloseWait(answer)}
	if s := answer.Snapshot; s != nil {
		side.Elapsed = s.Elapsed
		side.Nearest = nearestLimit(s)
	}
	return side
}

// longestCloseWait returns the greatest age in CLOSE_WAIT, nil unless the rows have all these sockets with their ages.
func longestCloseWait(answer *Answer) *time.Duration {
	var longest time.Duration
	count := 0
	for i := range answer.Rows {
		r := &answer.Rows[i]
		if r.Socket.State != tcp.CloseWait {
			continue
		}
		if r.Age.Kind == look.AgeUnknown || r.Age.Kind == look.AgeAtLeast {
			return nil
		}
		count++
		longest = max(longest, r.Age.Time)
	}
	if count == 0 || count != answer.Report.Totals.ByState["close_wait"] {
		return nil
	}
	return &longest
}

// nearestLimit returns the process closest to its descriptor limit, nil when processes were not all readable.
func nearestLimit(s *look.Snapshot) *render.DescriptorUse {
	if !s.HoldersComplete {
		return nil
	}
	var nearest *look.Process
	for _, p := range s.Processes {
		if p.FDs < 0 || p.FDLimit <= 0 || p.Child {
			continue
		}
		if nearest == nil || nearer(p, nearest) {
			nearest = p
		}
	}
	if nearest == nil {
		return nil
	}
	name := nearest.Workload.Name
	if nearest.Workload.Unit != "" {
		name = nearest.Workload.Unit
	}
	if name == "" {
		name = nearest.Comm
	}
	return &render.DescriptorUse{Name: name, Used: nearest.FDs, Limit: nearest.FDLimit}
}

// nearer reports whether p uses a greater share of its limit than q; the lower pid wins a tie, for the order of a map is not one.
func nearer(p, q *look.Process) bool {
	a, b := int64(p.FDs)*int64(q.FDLimit), int64(q.FDs)*int64(p.FDLimit)
	return a > b || a == b && p.PID < q.PID
}
