package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

// labFlags are the flags of lab run and lab shell.
type labFlags struct {
	settings lab.Settings
	family   string
	sweep    string
	plot     string
	atOnce   int
}

func (a *app) labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "reproduce stuck sockets in private networks",
		Example: `closewait lab list
closewait lab run leak             # watch one scene
closewait lab run all              # every scene, prediction against clock
closewait lab run retries2 --sweep 3..6
sudo closewait lab shell zero-window`,
		Long: `Each scene is built in a network namespace of its own, of which nothing is
left afterwards. Nothing outside is touched, and no root is needed where the
kernel allows user namespaces.`,
		Args: a.noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { a.help(cmd); return nil },
	}
	cmd.AddCommand(a.labListCommand(), a.labRunCommand(), a.labShellCommand(), a.labCleanCommand(), a.labStageCommand(), a.labProgramCommand())
	return cmd
}

func (a *app) labListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the scenes, one a line", Example: "closewait lab list", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			var rows [][]string
			for _, s := range lab.Scenes() {
				rows = append(rows, []string{s.Name, s.Title})
			}
			if a.tabular() {
				return render.Text(a.out, []string{"scene", "what it shows"}, rows, !a.flags.noHeaders, a.style())
			}
			return render.TextTSV(a.out, []string{"scene", "what it shows"}, rows, a.flags.headers)
		},
	}
}

func (f *labFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.settings.Retries2, "retries2", 0, "tcp_retries2 in the scene's network")
	flags.DurationVar(&f.settings.RTOMax, "rto-max", 0, "the longest time-out there (Linux 6.15)")
	flags.DurationVar(&f.settings.UserTimeout, "user-timeout", 0, "TCP_USER_TIMEOUT, where a scene sets it")
	flags.IntVar(&f.settings.Sockets, "sockets", 0, "how many, where a scene makes several")
	flags.DurationVar(&f.settings.Hold, "hold", 0, "keep the scene for so long at the end")
	flags.StringVar(&f.family, "family", "ipv4", "ipv4, ipv6 or mapped")
}

// check makes settings of the flags.
func (f *labFlags) check() error {
	for _, fam := range stage.Families() {
		if fam.String() == f.family {
			f.settings.Family = fam
			switch {
			case f.settings.Retries2 < 0 || f.settings.Retries2 > 255:
				return usageError("", "flag --retries2: %d is not from 1 to 255", f.settings.Retries2)
			case f.settings.Sockets < 0 || f.settings.Sockets > 10000:
				return usageError("", "flag --sockets: %d is not from 1 to 10000", f.settings.Sockets)
			case f.settings.RTOMax != 0 && (f.settings.RTOMax < time.Second || f.settings.RTOMax > 120*time.Second):
				return usageError("", "flag --rto-max: %v is not from 1s to 120s, which is what the kernel takes", f.settings.RTOMax)
			case f.settings.UserTimeout < 0 || f.settings.Hold < 0:
				return usageError("", "a time cannot be negative")
			}
			return nil
		}
	}
	return usageError("", "flag --family: %q is none of ipv4, ipv6, mapped", f.family)
}

func (a *app) labRunCommand() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "run NAME... | all", Short: "play scenes and hold what closewait says against what happens",
		Example: `closewait lab run leak
closewait lab run all -o json
closewait lab run vanished-close-wait --retries2 6 --plot death.svg
closewait lab run retries2 --sweep 3..6`,
		Long: `One scene is told as it happens, of several the outcome; -v tells all. Exit
code 5 says that a verdict or a prediction was wrong.`,
		ValidArgsFunction: labNames,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.labRun(cmd.Context(), args, &f) },
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.sweep, "sweep", "", "play once for each tcp_retries2 in FROM..TO")
	cmd.Flags().StringVar(&f.plot, "plot", "", "draw the first scene into a file (SVG)")
	cmd.Flags().IntVar(&f.atOnce, "at-once", 8, "how many scenes at the same time")
	return cmd
}

func labNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append(sceneNames(), "all"), cobra.ShellCompDirectiveNoFileComp
}

func sceneNames() []string {
	var names []string
	for _, s := range lab.Scenes() {
		names = append(names, s.Name)
	}
	return names
}

// scenesOf returns the scenes of names; "all" stands for all.
func scenesOf(names []string) ([]lab.Scene, error) {
	if len(names) == 0 {
		return nil, usageError("closewait lab list", "which scene? \"all\" plays every one")
	}
	var scenes []lab.Scene
	for _, name := range names {
		if name == "all" {
			return lab.Scenes(), nil
		}
		s, ok := lab.Find(name)
		if !ok {
			return nil, usageError(didYouMean(name, sceneNames(), "closewait lab list"), "unknown scene %q", name)
		}
		scenes = append(scenes, s)
	}
	return scenes, nil
}

func (a *app) labRun(ctx context.Context, names []string, f *labFlags) error {
	scenes, err := scenesOf(names)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return err
	}
	tasks, err := f.tasks(scenes)
	if err != nil {
		return err
	}
	told := !a.flags.json() && (len(tasks) == 1 || a.flags.verbose > 0)
	if told {
		for _, s := range scenes {
			fmt.Fprintf(a.out, "%s: %s\n\n%s\n\n", s.Name, s.Title, strings.TrimSpace(s.Teaches))
		}
	}
	results := lab.Run(ctx, tasks, f.atOnce, a.teller(told, len(tasks) > 1 && f.sweep == ""))
	if err := a.labResult(results, f); err != nil {
		return err
	}
	for i := range results {
		if results[i].Status == report.LabFailed {
			a.code = RolledBack // the number of "verification failed"
		}
	}
	return ctx.Err()
}

// tasks are the scenes with their settings, several times with a sweep.
func (f *labFlags) tasks(scenes []lab.Scene) ([]lab.Task, error) {
	values := []int{f.settings.Retries2}
	if f.sweep != "" {
		from, to, ok := strings.Cut(f.sweep, "..")
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if !ok || err1 != nil || err2 != nil || first < 1 || last > 15 || first > last {
			return nil, usageError("--sweep 3..6", "flag --sweep: %q is no range from 1 to 15", f.sweep)
		}
		values = nil
		for v := first; v <= last; v++ {
			values = append(values, v)
		}
	}
	var tasks []lab.Task
	for _, s := range scenes {
		for _, v := range values {
			settings := f.settings
			settings.Retries2 = v
			tasks = append(tasks, lab.Task{Scene: s, Settings: settings})
		}
	}
	return tasks, nil
}

// teller shows what happens while it does.
func (a *app) teller(story, outcomes bool) lab.Teller {
	style := a.style()
	return lab.Teller{
		Event: func(_ string, e report.LabEvent) {
			if story {
				_ = render.LabEvent(a.out, &e, style)
				_ = a.out.Flush()
			}
		},
		Done: func(s report.LabScene) {
			if outcomes && !a.flags.json() {
				_ = render.LabScene(a.out, &s, style)
				_ = a.out.Flush()
			}
		},
	}
}

// labResult writes what there is to say when all scenes are over.
func (a *app) labResult(results []report.LabScene, f *labFlags) error {
	if f.plot != "" {
		if err := writePlot(f.plot, &results[0]); err != nil {
			return err
		}
	}
	switch {
	case a.flags.output == formatJSON:
		return writeDocument(a.out, report.Lab{Header: a.header("Lab"), Scenes: results})
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
	case len(results) == 1:
		return render.LabScene(a.out, &results[0], a.style())
	}
	_, err := fmt.Fprintln(a.out, tally(results))
	return err
}

// labLine is a scene as a line of ndjson.
type labLine struct {
	Kind string `json:"kind"`
	report.LabScene
}

func tally(results []report.LabScene) string {
	count := map[string]int{}
	for i := range results {
		count[results[i].Status]++
	}
	text := fmt.Sprintf("%d of %d scenes came out as they must", count[report.LabPassed], len(results))
	for _, status := range []string{report.LabFailed, report.LabSkipped} {
		if count[status] > 0 {
			text += fmt.Sprintf(", %d %s", count[status], status)
		}
	}
	return text
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

func writePlot(path string, s *report.LabScene) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return usageError("", "--plot: %v", err)
	}
	err = render.LabPlot(file, s)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func (a *app) labShellCommand() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "shell NAME", Short: "a shell inside a scene, to try ss, tcpdump and closewait by hand",
		Example: `closewait lab shell leak
closewait lab shell zero-window    # then: ss -tnoi; closewait`,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: labNames,
		RunE: func(_ *cobra.Command, args []string) error {
			scenes, err := scenesOf(args)
			if err == nil {
				err = f.check()
			}
			switch {
			case err != nil:
				return err
			case len(scenes) != 1:
				return usageError("closewait lab list", "a shell is inside one scene, not %d", len(scenes))
			}
			return lab.Shell(scenes[0], f.settings, func(e report.LabEvent) {
				_ = render.LabEvent(a.out, &e, a.style())
				_ = a.out.Flush()
			})
		},
	}
	f.register(cmd)
	return cmd
}

func (a *app) labCleanCommand() *cobra.Command {
	return &cobra.Command{
		Use: "clean", Short: "end what killed labs left behind, if anything", Example: "closewait lab clean", Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.labClean(a.out) },
	}
}

func (a *app) labClean(w io.Writer) error {
	left, err := lab.Leftovers()
	if err != nil {
		return err
	}
	for _, m := range left {
		if err := m.Kill(); err != nil {
			fmt.Fprintf(w, "pid %d (%s): %v\n", m.PID, render.Clean(m.Comm), err)
			a.code = RolledBack
			continue
		}
		fmt.Fprintf(w, "pid %d (%s) ended\n", m.PID, render.Clean(m.Comm))
	}
	if len(left) == 0 {
		fmt.Fprintln(w, "nothing was left behind")
	}
	return nil
}

// labStageCommand is what a process that plays a scene runs.
func (a *app) labStageCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stage SCENE SETTINGS [shell]", Hidden: true, Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return lab.Stage(cmd.Context(), args[0], args[1], len(args) > 2, a.labLook)
		},
	}
}

// labProgramCommand is what the other processes of a scene run.
func (a *app) labProgramCommand() *cobra.Command {
	return &cobra.Command{
		Use: "program SCENE PROGRAM [ARG...]", Hidden: true, Args: cobra.MinimumNArgs(2), DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return lab.RunProgram(args[0], args[1], args[2:]) },
	}
}

// labLook answers as the verbs do.
func (a *app) labLook(ctx context.Context, netns, filter string) (*report.Report, []report.Socket, error) {
	q := Query{Netns: []string{netns}, Filter: filter}
	if filter == "" {
		q.Findings = true
	} else {
		q.Rows, q.Owners = true, true
	}
	answer, err := a.cfg.Look(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	return normalized(answer.Report), socketsJSON(answer.Rows), nil
}

func socketsJSON(rows []look.Row) []report.Socket {
	sockets := make([]report.Socket, len(rows))
	for i := range rows {
		sockets[i] = socketJSON(&rows[i])
	}
	return sockets
}
