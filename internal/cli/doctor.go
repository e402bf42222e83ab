package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/checkup"
	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) doctorCommand() *cobra.Command {
	var failOn string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "every check: sockets, settings, limits, and this tool itself",
		Example: `sudo closewait doctor
closewait doctor --fail-on warning   # exit 1 when there is a warning or worse
closewait doctor -v                  # each check on a line of its own
closewait doctor -o json | jq '.checks[] | select(.status != "ok")'`,
		Long: `Also what the next boot makes of the settings, which file and line wins, and
how near TCP is to its limits. Checks that could not be made say why.
Exit codes: 0 nothing at or above --fail-on, 1 something, 3 with --strict
when not everything could be read.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), failOn) },
	}
	cmd.Flags().Var(oneOf(&failOn, report.SeverityCritical, report.SeverityCritical, report.SeverityWarning, report.SeverityInfo), "fail-on", "exit 1 from this severity on")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{report.SeverityCritical, report.SeverityWarning, report.SeverityInfo}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// doctor makes all checks.
func (a *app) doctor(ctx context.Context, failOn string) error {
	return a.repeat(ctx, func(ctx context.Context, w io.Writer) error {
		answer, err := a.look(ctx, Query{Findings: true, Settings: true})
		if err != nil {
			return err
		}
		if a.flags.from != nil && answer.Snapshot == nil {
			return usageError("", "doctor: the checks are about one host; ask for one after the other")
		}
		r := answer.Report
		destroying := a.destroying(ctx, r)
		checkup.Run(answer.Snapshot, r, diagnose.Codes())
		for i := range r.Checks {
			if r.Checks[i].Code == destroying.Code {
				r.Checks[i] = destroying
			}
		}
		if a.code = Done; slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return urgency[f.Severity] <= urgency[failOn] }) {
			a.code = Found
		}
		a.judge(answer, !a.flags.json() && a.flags.output != formatName)
		switch a.flags.output {
		case formatJSON:
			return writeDocument(w, normalized(r))
		case formatNDJSON:
			return writeCheckLines(w, r)
		case formatName:
			return writeCodes(w, r)
		}
		style := a.screenStyle()
		style.Height = 0
		return render.Doctor(w, r, style)
	})
}

// destroying finds out whether the kernel of this host can destroy sockets. That this process is not permitted to ask does not tell.
func (a *app) destroying(ctx context.Context, r *report.Report) report.Check {
	check := report.Check{Code: "CW504", Status: report.CheckSkipped, Reason: "whether the kernel can destroy sockets was not asked"}
	if a.flags.from != nil || a.cfg.Capabilities == nil {
		return check
	}
	list, err := a.capable(ctx)
	if err != nil {
		check.Reason += ": " + err.Error()
	}
	for _, c := range list {
		switch {
		case c.Name != "sock_destroy":
		case c.Status == StatusAvailable:
			check = report.Check{Code: "CW504", Status: report.CheckOK}
		case c.Status == StatusMissing && !strings.HasPrefix(c.Remedy, asRoot):
			check = report.Check{Code: "CW504", Status: report.CheckFinding, Reason: c.Detail}
			r.Incomplete = append(r.Incomplete, report.Incomplete{Code: "CW504", Message: c.Detail, Remedy: c.Remedy})
		case c.Status == StatusUnknown:
			check.Reason = c.Detail
		default:
			check.Reason = "whether the kernel can destroy sockets may not be asked: " + c.Remedy
		}
	}
	return check
}

// checkLine is a check in ndjson.
type checkLine struct {
	Kind string `json:"kind"`
	report.Check
}

// writeCheckLines writes the lines of a report and then its checks.
func writeCheckLines(w io.Writer, r *report.Report) error {
	if err := writeReportLines(w, r); err != nil {
		return err
	}
	lines := newLineWriter(w)
	for _, c := range r.Checks {
		if err := lines.write(checkLine{"Check", c}); err != nil {
			return err
		}
	}
	return nil
}
