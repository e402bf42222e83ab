package cli

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/closewait/closewait/internal/report"
)

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "completion for bash, zsh, fish or powershell",
		Example: `source <(closewait completion bash)      # this shell
closewait completion bash | sudo tee /etc/bash_completion.d/closewait
closewait completion fish > ~/.config/fish/completions/closewait.fish`,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(cmd.CommandPath()+" --help", "completion needs one shell: bash, zsh, fish or powershell")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.completion(cmd.Root(), args[0], shells) },
	}
}

func (a *app) completion(root *cobra.Command, shell string, shells []string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(a.out, true)
	case "zsh":
		return root.GenZshCompletion(a.out)
	case "fish":
		return root.GenFishCompletion(a.out, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(a.out)
	}
	return usageError(didYouMean(shell, shells, "closewait completion --help"), "no completion for %q: it takes bash, zsh, fish or powershell", shell)
}

// takesFile are the verbs whose argument is a file or a directory.
func takesFile() []string { return []string{"record", "report", "apply", "man"} }

// addCompletions tells shells what the flags of a command and of those below it take. Where nothing is known they offer the names of files, which only some verbs want.
func addCompletions(cmd *cobra.Command) {
	words := func(flag string, list []string) {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
	}
	each := func(f *pflag.Flag) {
		switch value := f.Value.(type) {
		case *choice:
			words(f.Name, value.words)
		case *riskList:
			words(f.Name, report.Risks())
		case *interval, *timeLimit, *count, *list:
			words(f.Name, nil)
		}
		if f.Name == "if" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, completeSettings)
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(each)
	cmd.PersistentFlags().VisitAll(each)
	if cmd.ValidArgsFunction == nil && cmd.ValidArgs == nil && !slices.Contains(takesFile(), cmd.Name()) {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		addCompletions(sub)
	}
}
