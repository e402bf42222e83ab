package cli

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/setting"
)

// tuneFlags are the flags of tune.
type tuneFlags struct {
	changeFlags
	persist bool
	as      string
}

func (a *app) tuneCommand() *cobra.Command {
	var f tuneFlags
	cmd := &cobra.Command{
		Use:   "tune [KEY=VALUE ...]",
		Short: "settings (sysctls): list, or change",
		Example: `closewait tune                          # the settings, and boot's values
sudo closewait tune -n tcp_retries2=8   # the plan: who feels it, and when
sudo closewait tune tcp_retries2=8 --persist`,
		Long: `Several settings are made together or not at all. They are those of this shell's
network namespace, normally the host's, or of the ones --netns names.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.settings(cmd.Context(), &f)
			}
			return a.tune(cmd.Context(), args, &f)
		},
		ValidArgsFunction: completeSettings,
	}
	f.register(cmd.Flags(), true)
	cmd.Flags().BoolVar(&f.persist, "persist", false, "for the next boot, too: 90-closewait.conf")
	cmd.Flags().Var((*filled)(&f.as), "persist-as", "--persist in a file of this name")
	return cmd
}

func completeSettings(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, s := range setting.All() {
		words = append(words, s.Name+"=")
	}
	return words, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// tune changes settings.
func (a *app) tune(ctx context.Context, args []string, f *tuneFlags) error {
	wanted, err := parseWanted(args)
	if err != nil {
		return err
	}
	c, err := a.newChange(a.planner(), "tune")
	if err != nil {
		return err
	}
	t, err := a.tuning(ctx, wanted)
	if err != nil {
		return err
	}
	if f.persist || f.as != "" {
		if err := a.persist(t, f.as, c); err != nil {
			return err
		}
	}
	draft := t.Draft()
	c.Steps, c.Groups = draft.Steps, draft.Groups
	f.guard().Judge(draft, &c.ChangeHead, 0)
	if !draft.Differs() && len(c.Refused) == 0 {
		f.yes = true // there is nothing to ask about
	}
	return a.carryOut(ctx, c, &f.changeFlags)
}

// parseWanted reads KEY=VALUE for every key once.
func parseWanted(args []string) ([]plan.Wanted, error) {
	var wanted []plan.Wanted
	for _, arg := range args {
		key, text, assigns := strings.Cut(arg, "=")
		s, known := setting.Find(strings.TrimSpace(key))
		switch {
		case !known:
			return nil, usageError(meantSetting(key), "%q is no setting that closewait knows", key)
		case !assigns:
			return nil, usageError("closewait tune "+s.Name+"=VALUE", "no value for %s: it takes %s", s.Key(), s.Range())
		case slices.ContainsFunc(wanted, func(w plan.Wanted) bool { return w.Key() == s.Key() }):
			return nil, usageError("", "%s is there twice", s.Key())
		}
		value, err := s.Parse(s.Number(text))
		if err != nil {
			return nil, usageError("closewait explain "+s.Name, "%s: %q is not %s", s.Key(), text, s.Range())
		}
		wanted = append(wanted, plan.Wanted{Setting: s, Value: value})
	}
	return wanted, nil
}

// meantSetting asks back in the form in which the key was given.
func meantSetting(key string) string {
	var words []string
	for _, s := range setting.All() {
		if strings.Contains(key, ".") {
			words = append(words, s.Key())
		} else {
			words = append(words, s.Name)
		}
	}
	return didYouMean(key, words, "closewait tune lists the settings")
}

// tuning learns what a plan has to know.
func (a *app) tuning(ctx context.Context, wanted []plan.Wanted) (*plan.Tuning, error) {
	t := &plan.Tuning{Wanted: wanted}
	keys := []string{"net.ipv4.tcp_retries2", "net.ipv4.tcp_rto_max_ms", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"}
	for i := range wanted {
		if key := wanted[i].Key(); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	var err error
	if t.Targets, t.Others, _, err = host.New(a.cfg.Now).Settings(ctx, a.flags.netns, keys); err != nil {
		return nil, lookError(err)
	}
	for i := range wanted {
		if err := there(&wanted[i].Setting, t.Targets); err != nil {
			return nil, err
		}
	}
	return t, a.touched(ctx, t)
}

// there refuses a setting that none of the namespaces has.
func there(s *setting.Setting, targets []look.Settings) error {
	if slices.ContainsFunc(targets, func(t look.Settings) bool { _, ok := t.Values[s.Key()]; return ok }) {
		return nil
	}
	e := &Error{Exit: Unsupported, Message: "there is no " + s.Key() + " here"}
	switch {
	case s.Dir == "net.netfilter":
		e.Why = "the module nf_conntrack (CONFIG_NF_CONNTRACK) is not loaded"
	case s.Scope == setting.WholeHost:
		e.Why, e.Help = "it is one for the whole host, and only the host's own namespace shows it", "--netns host"
	case s.Since != "":
		e.Why = "kernels have it since " + s.Since
	default:
		e.Why = "/proc/sys does not show it"
	}
	return e
}

// touched looks at the sockets of the targets, for settings that sockets feel. Without them the plan says less.
func (a *app) touched(ctx context.Context, t *plan.Tuning) error {
	if !slices.ContainsFunc(t.Wanted, func(w plan.Wanted) bool { return w.Dir == "" }) {
		return nil
	}
	var names []string
	for i := range t.Targets {
		names = append(names, t.Targets[i].Path)
	}
	answer, err := a.look(ctx, Query{Netns: names, Filter: "not state listen", Rows: true, If: t.Changes()})
	var e *Error
	switch {
	case errors.Is(err, fs.ErrPermission), errors.As(err, &e) && e.Exit == Unsupported:
		a.note("the sockets could not be looked at: %v", err)
		return nil
	case err != nil:
		return err
	}
	a.judge(answer, false)
	t.Rows, t.Judged = answer.Rows, true
	return nil
}
