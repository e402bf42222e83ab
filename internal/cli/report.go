package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/render"
)

// The formats of a report.
const (
	formatMarkdown = "md"
	formatHTML     = "html"
)

func (a *app) reportCommand() *cobra.Command {
	var format string
	var whole, overwrite bool
	cmd := &cobra.Command{
		Use:   "report [FILE|-]",
		Short: "one file for the ticket: Markdown, HTML or JSON",
		Example: `sudo closewait report                        # Markdown, to be pasted
sudo closewait report --redact ticket.html
closewait report --from web-03.cw --all ticket.md`,
		Long: `Everything that was found, with the evidence, the commands that show it again,
what helps and what does not, the sockets, the settings and what could not be
read. The name of the file decides the format, or --format. The HTML is one
file without scripts that loads nothing.`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "-"
			if len(args) > 0 {
				name = args[0]
			}
			return a.report(cmd.Context(), name, a.formatOf(name, format), whole, overwrite)
		},
	}
	cmd.Flags().Var(oneOf(&format, "", formatMarkdown, formatHTML, formatJSON), "format", "md, html or json")
	cmd.Flags().BoolVar(&whole, "all", false, "list all sockets of the findings, not the first 20")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace a file that is there already")
	return cmd
}

// formatOf decides the format of a report: what was asked for, what the file is called, Markdown.
func (a *app) formatOf(name, asked string) string {
	switch suffix := strings.ToLower(filepath.Ext(name)); {
	case asked != "":
		return asked
	case a.flags.json(), suffix == ".json":
		return formatJSON
	case suffix == ".html", suffix == ".htm":
		return formatHTML
	}
	return formatMarkdown
}

// report writes an answer in full for somebody who was not there.
func (a *app) report(ctx context.Context, name, format string, whole, overwrite bool) error {
	if a.flags.watch > 0 {
		return usageError("", "flag -w: a report is about one moment")
	}
	if name != "-" {
		if err := vacant(name, overwrite); err != nil {
			return err
		}
	}
	answer, err := a.look(ctx, Query{Findings: true, Rows: true, Owners: true, Whole: true})
	if err != nil {
		return err
	}
	a.judge(answer, true) // they are in it
	arrange(answer.Rows)
	write := func(w io.Writer) error {
		switch format {
		case formatJSON:
			if a.flags.output == formatNDJSON {
				return writeReportLines(w, answer.Report)
			}
			return writeDocument(w, normalized(answer.Report))
		case formatHTML:
			return render.HTML(w, a.ticket(answer, whole))
		}
		return render.Markdown(w, a.ticket(answer, whole))
	}
	if name == "-" {
		return write(a.out)
	}
	if err := writeFile(name, overwrite, write); err != nil {
		return err
	}
	a.note("%s is written", name)
	return nil
}

func (a *app) ticket(answer *Answer, whole bool) *render.Ticket {
	t := &render.Ticket{Report: answer.Report, Rows: answer.Rows, Writer: a.build().Version, Redacted: a.flags.redact || answer.Redacted, Whole: whole}
	if s := answer.Snapshot; s != nil && len(s.Namespaces) > 0 && !s.Namespaces[0].Pasted { // a text's limits are assumed
		t.Limits, t.LimitsIn = s.Namespaces[0].Sysctls, cmp.Or(s.Namespaces[0].Name, fmt.Sprintf("net:[%d]", s.Namespaces[0].Inode))
	}
	return t
}
