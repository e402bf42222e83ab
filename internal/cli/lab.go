package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "reproduce stuck sockets in private networks",
		Example: `closewait lab list
closewait lab run leak             # watch one scene
closewait lab run all              # every scene, prediction against clock
closewait lab run remedies         # what tune, limit and close free, and what not
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
		RunE: func(*cobra.Command, []string) error { return a.labList() },
	}
}

func (a *app) labList() error {
	list := report.LabList{Header: a.header("LabList"), Scenes: []report.LabEntry{}}
	var rows [][]string
	for _, s := range lab.Scenes() {
		list.Scenes = append(list.Scenes, report.LabEntry{Name: s.Name, Title: s.Title, Teaches: s.Teaches, Stuck: s.Stuck()})
		rows = append(rows, []string{s.Name, s.Title})
	}
	rows = append(rows, []string{remedies, "tune, limit and close against each stuck scene: what they free, and what not"})
	titles := []string{"scene", "what it shows"}
	switch {
	case a.flags.json():
		return a.writeObject(list)
	case a.tabular():
		return render.Text(a.out, titles, rows, !a.flags.noHeaders, a.style())
	}
	return render.TextTSV(a.out, titles, rows, a.flags.headers)
}

func (a *app) labShellCommand() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "shell NAME", Short: "a shell inside a scene, to try ss, tcpdump and closewait by hand",
		Example: `closewait lab shell leak
closewait lab shell zero-window    # then: ss -tnoi; closewait`,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: labNames,
		RunE: func(_ *cobra.Command, args []string) error {
			tasks, err := f.tasks(args)
			switch {
			case err != nil:
				return err
			case len(tasks) != 1:
				return usageError("closewait lab list", "a shell is inside one scene, not %d", len(tasks))
			}
			return lab.Shell(tasks[0].Scene, tasks[0].Settings, func(e report.LabEvent) {
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
		a.cleaned(w, fmt.Sprintf("pid %d (%s)", m.PID, render.Clean(m.Comm)), "ended", m.Kill())
	}
	dirs, err := lab.LeftoverStates()
	for _, dir := range dirs {
		a.cleaned(w, render.Clean(dir), "removed", os.RemoveAll(dir))
	}
	if len(left)+len(dirs) == 0 {
		fmt.Fprintln(w, "nothing was left behind")
	}
	return err
}

func (a *app) cleaned(w io.Writer, what, done string, err error) {
	if err != nil {
		a.code = RolledBack
		done = err.Error()
	}
	fmt.Fprintf(w, "%s: %s\n", what, done)
}
