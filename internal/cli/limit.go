package cli

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/report"
)

// limitFlags are the flags of limit, besides those of every change.
type limitFlags struct {
	changeFlags
	rtoMax    time.Duration
	keepalive string
}

func (a *app) limitCommand() *cobra.Command {
	var f limitFlags
	cmd := &cobra.Command{
		Use:   "limit DURATION FILTER",
		Short: "set TCP_USER_TIMEOUT on live sockets",
		Example: `sudo closewait limit 60s 'workload batch-sync and timer = retransmit'
sudo closewait limit off 'workload batch-sync'`,
		Long: `Ends connections whose peer stays silent for DURATION, in programs that run;
"off" leaves it to tcp_retries2, undo puts the old value back. No running timer
is rearmed: the plan says when each socket feels it. It cannot reach sockets
without a descriptor (not accepted, closed) and does nothing for a CLOSE_WAIT
with nothing in flight. The descriptor stays open until the program closes it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("closewait limit --help", "limit needs a DURATION and a FILTER")
			}
			return a.limit(cmd.Context(), args[0], strings.Join(args[1:], " "), &f)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().Var(&interval{&f.rtoMax, time.Second}, "rto-max", "longest wait between tries, 1s to 120s (6.15)")
	cmd.Flags().Var((*filled)(&f.keepalive), "keepalive", "on, as IDLE/INTERVAL/PROBES: 60s/10s/6")
	f.register(cmd.Flags(), true)
	f.registerMax(cmd.Flags())
	return cmd
}

// limit sets limits on the sockets that a filter selects.
func (a *app) limit(ctx context.Context, duration, filter string, f *limitFlags) error {
	l, changes, err := f.parse(duration)
	if err != nil {
		return err
	}
	return a.propose(ctx, "limit", &f.changeFlags, func() (*plan.Draft, error) {
		answer, err := a.targets(ctx, "limit", Query{Filter: filter, If: changes})
		if err != nil {
			return nil, err
		}
		door := a.cfg.Acting.Sockets(a.flags.netns)
		defer door.Close()
		var missing error
		l.Own = a.own()
		l.Read = func(s *report.Step) (report.Value, error) {
			value, err := door.OptionOf(s)
			if errors.Is(err, errors.ErrUnsupported) && missing == nil {
				missing = unsupported(s.Action+" cannot be set", optionNeeds(s.Action), err)
			}
			return value, err
		}
		return l.Draft(answer.Rows), missing
	})
}

// parse makes the limit, and the changes of settings by which the look forecasts its effect.
func (f *limitFlags) parse(duration string) (*plan.Limit, []forecast.Change, error) {
	l := &plan.Limit{RTOMax: f.rtoMax}
	var err error
	if duration != "off" {
		l.UserTimeout, err = time.ParseDuration(duration)
		if err != nil || l.UserTimeout < time.Millisecond || l.UserTimeout > math.MaxInt32*time.Millisecond || l.UserTimeout%time.Millisecond != 0 {
			return nil, nil, usageError("closewait limit --help", "%q is no DURATION: want a time of 1ms to 596h in whole milliseconds, such as 60s or 2m, or off", duration)
		}
	}
	if f.rtoMax > 120*time.Second || f.rtoMax%time.Millisecond != 0 {
		return nil, nil, usageError("", "flag --rto-max: %v is not from 1s to 120s in whole milliseconds, which is what the kernel takes", f.rtoMax)
	}
	changes := []forecast.Change{{Key: "user_timeout", Value: l.UserTimeout.Milliseconds()}}
	if f.rtoMax > 0 {
		changes = append(changes, forecast.Change{Key: "rto_max", Value: f.rtoMax.Milliseconds()})
	}
	if f.keepalive != "" {
		idle, every, probes, err := parseKeepalive(f.keepalive)
		if err != nil {
			return nil, nil, err
		}
		l.Keepalive = report.Keepalive(true, idle, every, probes)
		changes = append(changes, forecast.Change{Key: "keepalive", Value: 1}, forecast.Change{Key: "keepalive_time", Value: int64(idle)}, forecast.Change{Key: "keepalive_intvl", Value: int64(every)},
			forecast.Change{Key: "keepalive_probes", Value: int64(probes)})
	}
	return l, changes, nil
}

// parseKeepalive reads IDLE/INTERVAL/PROBES within what the kernel takes (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
func parseKeepalive(text string) (idle, every, probes int, err error) {
	const longest, most = 32767 * time.Second, 127
	wrong := usageError("", "flag --keepalive: %q is not IDLE/INTERVAL/PROBES such as 60s/10s/6: whole seconds up to %v, and 1 to %d probes", text, longest, most)
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return 0, 0, 0, wrong
	}
	var times [2]int
	for i := range times {
		d, err := time.ParseDuration(parts[i])
		if err != nil || d < time.Second || d > longest || d%time.Second != 0 {
			return 0, 0, 0, wrong
		}
		times[i] = int(d / time.Second)
	}
	probes, err = strconv.Atoi(parts[2])
	if err != nil || probes < 1 || probes > most {
		return 0, 0, 0, wrong
	}
	return times[0], times[1], probes, nil
}
