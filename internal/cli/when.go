package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
)

// whenFlags are the flags of when.
type whenFlags struct {
	changes []string
	table   bool
	path    forecast.Path
}

func (a *app) whenCommand() *cobra.Command {
	var f whenFlags
	cmd := &cobra.Command{
		Use:   "when [FILTER]",
		Short: "when the kernel gives up, by which limit",
		Example: `sudo closewait when 'timer = retransmit'
closewait when -w 'state close-wait'         # a countdown
closewait when --if tcp_retries2=5           # what a setting would change
closewait when --table --rtt 100ms           # tcp_retries2 as times`,
		Long: `For every socket (all but listeners without a FILTER) the moment the kernel
ends it, with its interval, or that it never will. Two times ("or") mean that
a few milliseconds decide between two firings of the timer. --if rearms no
running timer, as the kernel does not; some settings reach new sockets only.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.table {
				return a.retries(args, &f)
			}
			for _, flag := range []string{"rtt", "rto-max"} {
				if cmd.Flags().Changed(flag) {
					return usageError("closewait when --help", "flag --%s goes with --table; sockets have times of their own", flag)
				}
			}
			return a.when(cmd.Context(), strings.Join(args, " "), f.changes)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringArrayVar(&f.changes, "if", nil, "a setting to try out; may be repeated")
	cmd.Flags().BoolVar(&f.table, "table", false, "print tcp_retries2 0 to 20 against the time to death")
	cmd.Flags().DurationVar(&f.path.RTT, "rtt", time.Millisecond, "the round-trip time for --table")
	cmd.Flags().DurationVar(&f.path.RTOMax, "rto-max", 120*time.Second, "the longest time-out for --table")
	return cmd
}

// when forecasts the ends of the sockets that a filter selects.
func (a *app) when(ctx context.Context, filter string, texts []string) error {
	if filter == "" {
		filter = "not state listen"
	}
	var changes []forecast.Change
	for _, text := range texts {
		change, err := forecast.ParseChange(text)
		if err != nil {
			return usageError("closewait explain tcp_retries2", "flag --if: %v", err)
		}
		changes = append(changes, change)
	}
	return a.repeat(ctx, func(ctx context.Context, w io.Writer) error {
		answer, err := a.look(ctx, Query{Filter: filter, Rows: true, Findings: a.flags.json(), Ends: true, If: changes})
		if err != nil {
			return err
		}
		a.judge(answer, false)
		slices.SortStableFunc(answer.Rows, soonest)
		return a.forecasts(w, answer, changes)
	})
}

// soonest orders rows by their ends: first those with a moment, then the unknown, then those that never end.
func soonest(a, b look.Row) int {
	rank := map[forecast.Kind]int{forecast.At: 0, forecast.Unknown: 1, forecast.Never: 2}
	return cmp.Or(cmp.Compare(rank[a.Ends.Kind], rank[b.Ends.Kind]), cmp.Compare(a.Ends.Best, b.Ends.Best), cmp.Compare(a.Socket.Cookie, b.Socket.Cookie))
}

func (a *app) forecasts(w io.Writer, answer *Answer, changes []forecast.Change) error {
	cols := render.ForecastColumns(changes != nil, a.tabular())
	switch {
	case a.flags.output == formatJSON:
		return writeForecast(w, answer, changesJSON(changes))
	case a.flags.output == formatNDJSON:
		return writeSocketLines(w, "Forecast", answer, a.flags.watch > 0)
	case a.flags.output == formatName:
		return render.TSV(w, answer.Rows, render.NameColumns(), false)
	case !a.tabular():
		return render.TSV(w, answer.Rows, cols, a.flags.headers)
	}
	if changes != nil {
		if _, err := io.WriteString(w, difference(answer.Rows, changes)+"\n"); err != nil {
			return err
		}
	}
	return render.Table(w, answer.Rows, cols, !a.flags.noHeaders, a.style())
}

func changesJSON(changes []forecast.Change) map[string]int64 {
	out := map[string]int64{} // empty, not null: nothing was tried out
	for _, c := range changes {
		out[c.Key] = c.Value
	}
	return out
}

// difference sums up what changes would do: how many sockets end at another time, the first and the last of them, and whom the settings reach.
func difference(rows []look.Row, changes []forecast.Change) string {
	var first, last time.Duration
	other := 0
	for i := range rows {
		then := rows[i].EndsIf
		if then == nil || rows[i].Ends.Same(then) {
			continue
		}
		if other++; then.Kind == forecast.At && (first == 0 || then.Best < first) {
			first = then.Best
		}
		last = max(last, then.Best)
	}
	var names []string
	reach := ""
	for _, c := range changes {
		names = append(names, c.String())
		if c.Reach() != forecast.AllSockets {
			reach += fmt.Sprintf("; %s reaches %s", c.Key, c.Reach())
		}
	}
	text := fmt.Sprintf("with %s: %d of %d sockets end otherwise", strings.Join(names, " "), other, len(rows))
	if other > 0 && last > 0 {
		text += fmt.Sprintf(", in %s to %s", spoken.Duration(first), spoken.Duration(last))
	}
	return text + reach
}

// rfcMinimum is the least time RFC 9293 (3.8.3, SHLD-11) wants a connection to be tried for.
const rfcMinimum = 100 * time.Second

// retries prints what each value of tcp_retries2 amounts to on a path.
func (a *app) retries(args []string, f *whenFlags) error {
	path := f.path
	switch {
	case len(args) > 0:
		return usageError("closewait when --help", "flag --table takes no filter, not %q", strings.Join(args, " "))
	case f.changes != nil || a.flags.from != nil || a.flags.watch > 0:
		return usageError("closewait when --help", "flag --table is arithmetic: it looks at no sockets and goes with --rtt and --rto-max, not with --if, --from or -w")
	case path.RTT < 0 || path.RTT > 60*time.Second:
		return usageError("", "flag --rtt: %v is not from 0 to 60s", path.RTT)
	case path.RTOMax < time.Second || path.RTOMax > 120*time.Second:
		return usageError("", "flag --rto-max: %v is not from 1s to 120s, which is what the kernel takes", path.RTOMax)
	}
	titles := []string{"retries2", "limit", "after first retransmission", "after the send", "retransmits", "note"}
	var rows [][]string
	marked := false
	for _, r := range forecast.Table(path) {
		note := ""
		if !marked && r.Model >= rfcMinimum {
			note, marked = "the least RFC 9293 allows (100 s)", true
		}
		if r.Retries2 == 15 {
			note = strings.TrimPrefix(note+", the default", ", ")
		}
		dies := seconds(r.Dies)
		if r.Also > 0 {
			dies += " or " + seconds(r.Also)
		}
		rows = append(rows, []string{fmt.Sprint(r.Retries2), seconds(r.Model), dies, seconds(r.FromSend), fmt.Sprint(r.Retransmits), note})
	}
	if a.flags.json() {
		return a.writeObject(retriesDocument(a, path))
	}
	if a.tabular() {
		return render.Text(a.out, titles, rows, !a.flags.noHeaders, a.style())
	}
	return render.TextTSV(a.out, titles, rows, a.flags.headers)
}

// seconds writes a time of the table to the tenth.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func retriesDocument(a *app, path forecast.Path) report.Retries {
	doc := report.Retries{Header: a.header("Retries"), RTTSeconds: report.Seconds(path.RTT), RTOMaxSeconds: report.Seconds(path.RTOMax)}
	for _, r := range forecast.Table(path) {
		row := report.RetriesRow{
			Retries2: r.Retries2, LimitSeconds: report.Seconds(r.Model), Seconds: report.Seconds(r.Dies), EarliestSeconds: report.Seconds(r.Earliest),
			LatestSeconds: report.Seconds(r.Latest), FromSendSeconds: report.Seconds(r.FromSend), Retransmits: r.Retransmits,
		}
		if r.Also > 0 {
			row.AlsoSeconds = report.SecondsOf(r.Also)
		}
		doc.Rows = append(doc.Rows, row)
	}
	return doc
}
