package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) labRunCommand() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "run NAME... | all", Short: "play scenes, hold answers against what happens",
		Example: `closewait lab run leak
closewait lab run leak --act destroy
closewait lab run remedies    # tune, limit, close against all that is stuck
closewait lab run vanished-close-wait --retries2 6 --plot death.svg
closewait lab run retries2 --sweep 3..6`,
		Long: `One scene is told as it happens, of several the outcome; -v tells all. Exit
code 5 says that a verdict, a prediction or the promise of a plan was wrong.`,
		ValidArgsFunction: labNames,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.labRun(cmd.Context(), args, &f) },
	}
	f.register(cmd)
	cmd.Flags().Var(oneOf(&f.settings.Act, "", lab.Actions()...), "act", "tune, limit, shutdown or destroy what is stuck")
	cmd.Flags().StringVar(&f.sweep, "sweep", "", "play once for each tcp_retries2 in FROM..TO")
	cmd.Flags().StringVar(&f.plot, "plot", "", "draw the first scene into a file (SVG)")
	cmd.Flags().IntVar(&f.atOnce, "at-once", 8, "how many scenes at the same time")
	return cmd
}

func (a *app) labRun(ctx context.Context, names []string, f *labFlags) error {
	tasks, err := f.tasks(names)
	if err != nil {
		return err
	}
	if f.plot != "" { // now, not after the last scene
		if err := canPlot(f.plot); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a terminal that goes away takes the scenes with it, and their journals
	defer stop()
	results := lab.Run(ctx, tasks, f.atOnce, a.teller(tasks, f))
	if err := a.labResult(results, f); err != nil {
		return err
	}
	is := func(status string) func(report.LabScene) bool {
		return func(s report.LabScene) bool { return s.Status == status }
	}
	switch {
	case slices.ContainsFunc(results, is(report.LabFailed)):
		a.code = RolledBack // the number of "verification failed"
	case !slices.ContainsFunc(results, is(report.LabPassed)):
		a.code = Unsupported // nothing could be played
	}
	return ctx.Err()
}

// teller shows what happens while it does: one scene by its story, several by their outcomes, after their stories with -v.
func (a *app) teller(tasks []lab.Task, f *labFlags) lab.Teller {
	if a.flags.json() {
		return lab.Teller{Event: func(string, report.LabEvent) {}, Done: func(report.LabScene) {}}
	}
	style := a.style()
	board := &labBoard{app: a, left: map[string]int{}, done: map[string][]report.LabScene{}}
	for _, task := range tasks {
		board.left[task.Name]++
	}
	live := len(tasks) == 1
	if live {
		a.labTitle(tasks[0].Name, tasks[0].Title, tasks[0].Teaches)
	}
	return lab.Teller{
		Event: func(_ string, e report.LabEvent) {
			if live {
				_ = render.LabEvent(a.out, &e, style)
				_ = a.out.Flush()
			}
		},
		Done: func(s report.LabScene) {
			if !live && a.flags.verbose > 0 {
				a.labTitle(s.Name, s.Title, "")
				for i := range s.Story {
					_ = render.LabEvent(a.out, &s.Story[i], style)
				}
			}
			if !live && f.sweep == "" {
				board.show(s)
			}
			_ = a.out.Flush()
		},
	}
}

func (a *app) labTitle(name, title, teaches string) {
	fmt.Fprintf(a.out, "%s: %s\n\n", name, title)
	if teaches != "" {
		fmt.Fprintf(a.out, "%s\n\n", strings.TrimSpace(teaches))
	}
	_ = a.out.Flush()
}

// labBoard shows outcomes: of a scene at once, of what was done about one together.
type labBoard struct {
	*app
	left map[string]int
	done map[string][]report.LabScene
}

func (b *labBoard) show(s report.LabScene) {
	b.left[s.Name]--
	if s.Settings["act"] == nil {
		_ = render.LabScene(b.out, &s, b.style())
	} else {
		b.done[s.Name] = append(b.done[s.Name], s)
	}
	if acted := b.done[s.Name]; b.left[s.Name] == 0 && len(acted) > 0 {
		slices.SortFunc(acted, func(x, y report.LabScene) int { return cmp.Compare(actIndex(&x), actIndex(&y)) })
		_ = render.LabRemedies(b.out, acted, b.style())
	}
}

func actIndex(s *report.LabScene) int {
	name, _ := s.Settings["act"].(string)
	return slices.Index(lab.Actions(), name)
}

// labResult writes what there is to say when all scenes are over.
func (a *app) labResult(results []report.LabScene, f *labFlags) error {
	if f.plot != "" {
		if err := writePlot(f.plot, &results[0]); err != nil {
			return err
		}
	}
	sum := lab.Summarize(results)
	switch {
	case a.flags.output == formatJSON:
		return writeDocument(a.out, report.Lab{Header: a.header("Lab"), Scenes: results, Summary: sum})
	case a.flags.output == formatNDJSON:
		lines := newLineWriter(a.out)
		for i := range results {
			if err := lines.write(labLine{Kind: "LabScene", LabScene: results[i]}); err != nil {
				return err
			}
		}
		return nil
	case f.sweep != "":
		return a.sweepTable(results)
	case len(results) == 1 && results[0].Remedy != nil:
		return render.LabRemedies(a.out, results, a.style())
	case len(results) == 1:
		return render.LabScene(a.out, &results[0], a.style())
	}
	return render.LabSummary(a.out, &sum)
}

// labLine is a scene as a line of ndjson.
type labLine struct {
	Kind string `json:"kind"`
	report.LabScene
}

// sweepTable sets predictions beside measurements, a line for each value.
func (a *app) sweepTable(results []report.LabScene) error {
	titles := []string{"scene", "retries2", "limit", "foretold", "ended after", "off by", "outcome"}
	var rows [][]string
	text := func(s *report.Seconds) string {
		if s == nil {
			return "-"
		}
		return fmt.Sprintf("%.3f s", time.Duration(*s).Seconds())
	}
	for i := range results {
		s := &results[i]
		row := []string{s.Name, fmt.Sprint(s.Settings["tcp_retries2"]), "-", "-", "-", "-", s.Status}
		if len(s.Predictions) > 0 {
			p := &s.Predictions[0]
			if p.Ends.Limit != nil {
				row[2] = text(&p.Ends.Limit.Seconds)
			}
			row[3], row[4], row[5] = text(p.Ends.Seconds), text(p.EndedSeconds), text(p.ErrorSeconds)
		}
		if s.Reason != nil {
			row[6] += ": " + *s.Reason
		}
		rows = append(rows, row)
	}
	if a.tabular() {
		return render.Text(a.out, titles, rows, !a.flags.noHeaders, a.style())
	}
	return render.TextTSV(a.out, titles, rows, a.flags.headers)
}

// canPlot makes sure that a file can be written to, and leaves what is in it.
func canPlot(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return usageError("", "--plot: %v", err)
	}
	return file.Close()
}

func writePlot(path string, s *report.LabScene) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	err = render.LabPlot(file, s)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
