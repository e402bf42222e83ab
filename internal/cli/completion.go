package cli

import (
	"github.com/spf13/cobra"
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
