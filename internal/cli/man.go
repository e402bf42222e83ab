package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man [DIR | COMMAND]",
		Short: "manual pages: into a directory, or one to stdout",
		Example: `closewait man | man -l -              # read the page of closewait
closewait man ls | man -l -           # that of a command
closewait man ./man1                  # write all pages into a directory`,
		Long: "A word with a slash, or one that is no command, is a directory that must exist.",
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error { return a.man(cmd.Root(), args) },
	}
}

// man writes the page of a command to stdout, or all pages into a directory.
func (a *app) man(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		_, err := a.out.WriteString(manPage(root))
		return err
	}
	if cmd, rest, err := root.Find(args); err == nil && len(rest) == 0 && cmd != root {
		_, err := a.out.WriteString(manPage(cmd))
		return err
	}
	dir := args[0]
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usageError("closewait man --help", "%q is neither a command nor a directory", dir)
	}
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Hidden {
			continue
		}
		path := filepath.Join(dir, manName(cmd)+".1")
		if err := os.WriteFile(path, []byte(manPage(cmd)), 0o644); err != nil {
			return &Error{Exit: OutputFailed, Code: "output", Message: "write manual pages: " + err.Error(), Err: err}
		}
		if _, err := a.out.WriteString(path + "\n"); err != nil {
			return err
		}
	}
	return nil
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }
