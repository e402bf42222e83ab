package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/report"
)

// closeFlags are the flags of close.
type closeFlags struct {
	changeFlags
	how string
}

func (a *app) closeCommand() *cobra.Command {
	var f closeFlags
	cmd := &cobra.Command{
		Use:   "close FILTER --how=shutdown|destroy",
		Short: "end sockets, politely or at once",
		Example: `sudo closewait close 'pid 4711 and sendq > 0' --how=destroy -n
sudo closewait close 'state close-wait and age > 1h' --how=shutdown`,
		Long: `shutdown sends a FIN and keeps what is unread or still to be sent. destroy ends
the socket in the kernel and resets the peer. Neither gives the program its
descriptor back, nor frees a place in an accept queue: the plan says what is
freed, what the program and the peer see, and refuses what would mislead or
harm unless the risk is accepted by its name.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.how == "" {
				return usageError("closewait close --help", "close needs --how=shutdown (a FIN) or --how=destroy (at once, with a reset)")
			}
			return a.close(cmd.Context(), strings.Join(args, " "), &f)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().Var(oneOf(&f.how, "", report.ActionShutdown, report.ActionDestroy), "how", "shutdown (a FIN) or destroy (at once)")
	f.register(cmd.Flags(), true)
	f.registerMax(cmd.Flags())
	return cmd
}

// close ends the sockets that a filter selects.
func (a *app) close(ctx context.Context, filter string, f *closeFlags) error {
	return a.propose(ctx, "close", &f.changeFlags, func() (*plan.Draft, error) {
		answer, err := a.targets(ctx, "close", Query{Filter: filter})
		if err != nil {
			return nil, err
		}
		door := a.cfg.Acting.Sockets(a.flags.netns)
		defer door.Close()
		c := &plan.Close{How: f.how, Kernel: forecast.KernelOf(answer.Report.Host.Kernel), Own: a.own()}
		var missing error
		c.Reach = func(s *report.Step) error {
			err := door.Reach(s)
			if errors.Is(err, errors.ErrUnsupported) && missing == nil {
				missing = unsupported("shutdown of other programs' sockets", optionNeeds(s.Action), err)
			}
			return err
		}
		d := c.Draft(answer.Rows)
		if missing == nil && f.how == report.ActionDestroy {
			missing = mayDestroy(ctx, door, d)
		}
		return d, missing
	})
}

// mayDestroy refuses what the kernel would refuse in a namespace of the draft, so that it is known before it is tried.
func mayDestroy(ctx context.Context, door SocketDoor, d *plan.Draft) error {
	asked := map[uint64]bool{}
	for i := range d.Steps {
		s := &d.Steps[i]
		if s.Netns == nil || asked[s.Netns.Inode] {
			continue
		}
		asked[s.Netns.Inode] = true
		err := door.CanDestroy(ctx, s)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return unsupported("this kernel cannot destroy sockets", "it was built without CONFIG_INET_DIAG_DESTROY (Linux 4.5); --how=shutdown and limit work without it", err)
		case errors.Is(err, fs.ErrPermission):
			d.Refuse(fmt.Sprintf("not permitted in the network namespace of %s: that takes root, or CAP_NET_ADMIN in the user namespace that owns it", s.Target), "")
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}
