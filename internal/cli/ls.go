package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/render"
)

func (a *app) lsCommand() *cobra.Command {
	var test bool
	cmd := &cobra.Command{
		Use:     "ls [FILTER]",
		Aliases: []string{"list"},
		Short:   "sockets, one a line",
		Example: `closewait ls stuck                 # only what will not move by itself
closewait ls 'state close-wait and age > 5m'
closewait ls 'dport = :443' -w=1s  # again every second
closewait ls | wc -l               # the number of sockets
closewait ls --headers | cut -f 2,6`,
		Long: `Filters are those of ss and more, see "closewait help filters". On a terminal
the columns that fit are shown, -o wide shows all; in a pipe all are there,
separated by tabs. "-" stands for unknown, -o name prints cookies. In a pipe
holders are looked for with -p or when the filter asks for them, causes when
it asks ("stuck", "cause", "code").`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.flags.processesSet = cmd.Flags().Changed("processes")
			return a.ls(cmd.Context(), strings.Join(args, " "), test)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVarP(&a.flags.processes, "processes", "p", false, "find holders (default: on a terminal, for JSON)")
	cmd.Flags().BoolVar(&test, "exit-code", false, "exit with 1 when there is such a socket")
	return cmd
}

// ls lists the sockets that a filter selects.
func (a *app) ls(ctx context.Context, filter string, test bool) error {
	return a.repeat(ctx, func(ctx context.Context, w io.Writer) error {
		q := Query{Filter: filter, Rows: true, Findings: a.tabular() || a.flags.json(), Owners: a.owners()}
		passed, stream := 0, a.lines(w)
		if stream != nil {
			q.Each = func(r *look.Row) error {
				passed++
				return stream.Row(r)
			}
		}
		answer, err := a.look(ctx, q)
		if err != nil {
			return err
		}
		if a.code = Done; test && len(answer.Rows)+passed > 0 {
			a.code = Found
		}
		a.judge(answer, false)
		arrange(answer.Rows)
		if stream == nil {
			return a.list(w, answer)
		}
		for i := range answer.Rows {
			if err := stream.Row(&answer.Rows[i]); err != nil {
				return err
			}
		}
		return stream.Flush()
	})
}

// lines returns the writer of a format whose lines do not depend on each other; nil for the others. Such lines come in the kernel's order.
func (a *app) lines(w io.Writer) *render.TSVWriter {
	switch {
	case a.flags.output == formatName:
		return render.NewTSV(w, render.NameColumns(), false)
	case !a.tabular() && !a.flags.json():
		return render.NewSocketTSV(w, a.flags.headers)
	}
	return nil
}

// owners decides whether holders are worth their price: people and programs that ask for whole objects want them, a pipe that counts lines does not.
func (a *app) owners() bool {
	if a.flags.processesSet {
		return a.flags.processes
	}
	return a.flags.json() || a.flags.output == formatWide || a.tabular()
}

// tabular reports whether rows are shown as a table for people.
func (a *app) tabular() bool {
	switch a.flags.output {
	case "":
		return a.cfg.OutTerminal
	case formatTable, formatWide:
		return true
	}
	return false
}

// list writes the rows in a format that arranges them.
func (a *app) list(w io.Writer, answer *Answer) error {
	switch a.flags.output {
	case formatJSON:
		return writeSocketList(w, answer)
	case formatNDJSON:
		return writeSocketLines(w, "SocketList", answer, a.flags.watch > 0)
	}
	return render.Table(w, answer.Rows, render.SocketColumns(), !a.flags.noHeaders, a.style())
}
