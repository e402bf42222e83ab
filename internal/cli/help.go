package cli

import (
	"embed"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed help/*.txt
var topicTexts embed.FS

// topics are the texts of "closewait help", in the order they are listed.
var topics = []struct{ name, short string }{
	{"exit-codes", "what the exit code says"},
	{"filters", "how to select sockets"},
	{"json", "output for programs"},
	{"permissions", "what is seen without root, and how to see more"},
	{"states", "the states of a TCP socket and what ends them"},
	{"environment", "variables that change the output"},
}

func topicNames() []string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.name
	}
	return names
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [TOPIC | COMMAND]",
		Short:   "texts on a topic, or the help of a command",
		Example: "closewait help states\nclosewait help filters\nclosewait help ls",
		Long:    "Topics: " + strings.Join(topicNames(), ", "),
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.helpOn(cmd.Root(), args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return topicNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// helpOn prints the text of a topic or the help of a command.
func (a *app) helpOn(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		a.help(root)
		return nil
	}
	if text, ok := a.topic(args[0]); ok && len(args) == 1 {
		_, err := a.out.WriteString(text)
		return err
	}
	cmd, rest, err := root.Find(args)
	if err == nil && len(rest) == 0 && cmd != root {
		a.help(cmd)
		return nil
	}
	words := topicNames()
	for _, sub := range root.Commands() {
		words = append(words, sub.Name())
	}
	return usageError(didYouMean(args[0], words, "the topics are "+strings.Join(topicNames(), ", ")), "no help on %q", strings.Join(args, " "))
}

// topic returns a help text. That on filters comes from the package that knows them, when it is wired in.
func (a *app) topic(name string) (string, bool) {
	if name == "filters" && a.cfg.FilterHelp != nil {
		return a.cfg.FilterHelp(), true
	}
	for _, t := range topics {
		if t.name == name {
			return topicText(name), true
		}
	}
	return "", false
}

// topicText returns an embedded text. That there is one for each topic is tested.
func topicText(name string) string {
	b, _ := topicTexts.ReadFile("help/" + name + ".txt")
	return string(b)
}
