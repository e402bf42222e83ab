package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// root builds the command tree. Nothing in it runs before it is called, and building it is all that --help costs.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "closewait",
		Short: "explain stuck TCP sockets: what, who, why, when it ends, what helps",
		Example: `closewait                          # the one-screen answer
closewait ls 'state close-wait'    # sockets, one a line
closewait -o json | jq .findings   # the same for a script`,
		Args:              a.noCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	a.flags.register(root.PersistentFlags())
	root.PersistentFlags().BoolP("help", "h", false, "show this text")
	root.SetOut(a.out)
	root.SetErr(a.cfg.Err)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { a.help(cmd) })
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if err := cmp.Or(a.flags.check(cmd.Name()), strayInterval(cmd, args)); err != nil {
			return err
		}
		if tellsPending(cmd.Name()) {
			a.tellPending()
		}
		return nil
	}
	root.SetHelpCommand(a.helpCommand())
	root.AddCommand(
		a.statusCommand(), a.lsCommand(), a.showCommand(), a.doctorCommand(), a.checkCommand(), a.whenCommand(), a.explainCommand(), a.recordCommand(), a.reportCommand(), // look
		a.tuneCommand(), a.limitCommand(), a.closeCommand(), a.applyCommand(), a.confirmCommand(), a.undoCommand(), a.changesCommand(), // act
		a.labCommand(), // learn
		a.capabilitiesCommand(), a.schemaCommand(), a.completionCommand(), a.manCommand(), a.versionCommand(),
	)
	if len(a.args) > 0 && (a.args[0] == cobra.ShellCompRequestCmd || a.args[0] == cobra.ShellCompNoDescRequestCmd) {
		addCompletions(root) // what only shells ask for costs a tenth of starting
	}
	return root
}

// noCommand refuses words that are no command. A misspelt command is never run.
func (a *app) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := strayInterval(cmd, args); err != nil {
		return err
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	return usageError(didYouMean(args[0], names, cmd.CommandPath()+" --help"), "unknown command %q", args[0])
}

// strayInterval knows the time of -w where it was written as a word of its own, as other tools have it.
func strayInterval(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || !cmd.Flags().Changed("watch") {
		return nil
	}
	if _, err := time.ParseDuration(args[0]); err != nil {
		return nil
	}
	return usageError("-w="+args[0], "flag -w: %q stands apart from it; a time is joined by an equals sign", args[0])
}

// noArguments refuses words after a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := strayInterval(cmd, args); err != nil {
		return err
	}
	return usageError(cmd.CommandPath()+" --help", "%s takes no arguments, not %q", cmd.Name(), args[0])
}

// atMostOne refuses a second word, and an empty one: an unset variable of a script must not stand for "the last change" or for standard output.
func atMostOne(cmd *cobra.Command, args []string) error {
	switch help := cmd.CommandPath() + " --help"; {
	case len(args) > 1:
		return usageError(help, "%s takes one argument at most, not %q as well", cmd.Name(), args[1])
	case len(args) == 1 && args[0] == "":
		return usageError(help, "%s: its argument is empty", cmd.Name())
	}
	return nil
}

// readers are the verbs that answer from a look, be it at this host or at a recording.
func readers() []string {
	return []string{"closewait", "status", "ls", "show", "doctor", "when", "check", "record", "report"}
}

// check refuses flags that contradict each other, or that a verb has no use for.
func (f *flags) check(verb string) error {
	switch {
	case f.headers && f.noHeaders:
		return usageError("", "flags --headers and --no-headers exclude each other")
	case f.from != nil && f.watch > 0:
		return usageError("", "flags --from and --watch exclude each other: a recording does not change")
	case f.watch > 0 && f.output == formatJSON:
		return usageError("-o ndjson", "flag -w: -o json is one document, it cannot be repeated")
	case f.watch > 0 && !slices.Contains(readers(), verb):
		return usageError("closewait "+verb+" --help", "flag -w: %s is not repeated", verb)
	case f.from != nil && !slices.Contains(readers(), verb):
		return usageError("closewait "+verb+" --help", "flag --from: %s does not read recordings", verb)
	case f.redact && !slices.Contains(readers(), verb):
		return usageError("closewait "+verb+" --help", "flag --redact: %s does not show a look, and replaces nothing", verb)
	case slices.ContainsFunc(f.from, func(name string) bool { return name == "" }):
		return usageError("", "flag --from: the name of a file is missing")
	}
	return nil
}
