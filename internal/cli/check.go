package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// The exit codes of monitoring plugins, which check has instead of those of the contract.
const (
	pluginOK       Code = 0
	pluginWarning  Code = 1
	pluginCritical Code = 2
	pluginUnknown  Code = 3
)

// limits are the thresholds of check.
type limits struct{ warning, critical span }

func (a *app) checkCommand() *cobra.Command {
	var shown limits // for the help; the arguments are read by check itself
	cmd := &cobra.Command{
		Use:   "check",
		Short: "for monitoring: one line, performance data, exit 0/1/2/3",
		Example: `closewait check                      # by the severity of the findings
closewait check -w 10 -c 100         # by the number of stuck sockets
closewait check -w 10 --netns host --timeout 10s
closewait check --strict             # UNKNOWN when not all could be read`,
		Long: `OK 0, WARNING 1, CRITICAL 2 as the most urgent finding is; remarks (info) are
OK. UNKNOWN 3 when there is no answer. With -w or -c the number of sockets in
findings of warning or worse decides: RANGE is 10 (alarm above 10), 10: (below
10), 5:10 (outside), @5:10 (inside), as of all monitoring plugins. The lines
after the first tell the findings.`,
		DisableFlagParsing: true, // -w is a threshold here, as every monitoring system expects
		RunE: func(cmd *cobra.Command, args []string) error {
			a.monitored = true
			t, help, err := a.checkFlags(cmd, args)
			if help {
				return cmd.Help()
			}
			if err == nil {
				err = a.check(cmd.Context(), t)
			}
			if err != nil {
				return a.unknown(err)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().Var(&shown.warning, "warning", "-w: WARNING when the number is outside RANGE")
	cmd.Flags().Var(&shown.critical, "critical", "-c: CRITICAL when it is outside RANGE")
	return cmd
}

// checkFlags reads the arguments of check: the flags of every command but -w, which is a threshold here.
func (a *app) checkFlags(cmd *cobra.Command, args []string) (t limits, help bool, err error) {
	set := pflag.NewFlagSet("check", pflag.ContinueOnError)
	set.Usage = func() {}
	set.VarP(&t.warning, "warning", "w", "")
	set.VarP(&t.critical, "critical", "c", "")
	cmd.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "watch" {
			set.AddFlag(f)
		}
	})
	if err := set.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return t, true, nil
		}
		return t, false, flagError(cmd, err)
	}
	if asked, _ := set.GetBool("help"); asked {
		return t, true, nil
	}
	if set.NArg() > 0 {
		return t, false, noArguments(cmd, set.Args())
	}
	return t, false, a.flags.check("check")
}

// check writes one line for a monitoring system, then the findings.
func (a *app) check(ctx context.Context, t limits) error {
	answer, err := a.look(ctx, Query{Findings: true})
	if err != nil {
		return err
	}
	r := answer.Report
	sum := alarmsOf(r)
	a.code = sum.state(t)
	missing := ""
	for _, n := range r.Incomplete {
		if render.Weighs(n) {
			missing = n.Message
		}
	}
	if a.flags.strict && missing != "" && a.code == pluginOK {
		a.code = pluginUnknown
	}
	switch a.flags.output {
	case formatJSON:
		return writeDocument(a.out, normalized(r))
	case formatNDJSON:
		return writeReportLines(a.out, r)
	}
	text := sum.headline(r)
	if missing != "" {
		text += " (" + missing + ")"
	}
	_, err = fmt.Fprintf(a.out, "CLOSEWAIT %s - %s | %s\n", stateNames[a.code], plugin(text), sum.performance(t))
	if err == nil {
		err = sum.details(a.out, r)
	}
	return err
}

var stateNames = map[Code]string{pluginOK: "OK", pluginWarning: "WARNING", pluginCritical: "CRITICAL", pluginUnknown: "UNKNOWN"}

// unknown is the answer when there is none: monitoring systems read standard output and know no exit code beyond 3.
func (a *app) unknown(err error) error {
	a.code = pluginUnknown
	e := asError(err)
	text := e.Error()
	if e.Help != "" {
		text += "; " + e.Help
	}
	_, err = fmt.Fprintf(a.out, "CLOSEWAIT UNKNOWN - %s\n", plugin(text))
	return err
}

// plugin makes text fit for one line of a plugin's output, in which a bar begins the performance data.
func plugin(text string) string { return strings.ReplaceAll(render.Clean(text), "|", "/") }

// alarms counts what check judges.
type alarms struct{ stuck, critical, warning, info int }

// alarmsOf counts the findings by severity, and the sockets of those that are warnings or worse.
func alarmsOf(r *report.Report) (t alarms) {
	for i := range r.Findings {
		f := &r.Findings[i]
		switch f.Severity {
		case report.SeverityCritical:
			t.critical++
		case report.SeverityWarning:
			t.warning++
		default:
			t.info++
			continue
		}
		if f.Code < "CW3" {
			t.stuck += f.Count
		}
	}
	return t
}

// state is OK, WARNING or CRITICAL: by the thresholds when there are any, else by the severities.
func (t alarms) state(l limits) Code {
	given := l.warning.given || l.critical.given
	switch {
	case l.critical.alarms(t.stuck), !given && t.critical > 0:
		return pluginCritical
	case l.warning.alarms(t.stuck), !given && t.warning > 0:
		return pluginWarning
	}
	return pluginOK
}

func (t alarms) headline(r *report.Report) string {
	if t.critical+t.warning == 0 {
		return "nothing is stuck"
	}
	text := render.Headline(&r.Findings[0])
	if more := t.critical + t.warning - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// performance is the performance data: 'label'=value;warning;critical;minimum.
func (t alarms) performance(l limits) string {
	return fmt.Sprintf("stuck=%d;%s;%s;0 critical=%d;;;0 warning=%d;;;0 info=%d;;;0", t.stuck, &l.warning, &l.critical, t.critical, t.warning, t.info)
}
