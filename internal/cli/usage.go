package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help prints the one-screen help of a command: what it does, examples, usage, flags. Help that was asked for is an answer and goes to stdout.
func (a *app) help(cmd *cobra.Command) {
	if cmd.HasParent() {
		writeHelp(a.out, cmd)
		return
	}
	fmt.Fprint(a.out, rootHelp)
	writeFlags(a.out, "Flags of every command:", cmd.PersistentFlags())
}

// rootHelp is written by hand to fit one screen; a test holds it against the commands there are.
const rootHelp = `closewait explains stuck TCP sockets: what, who, why, when it ends, what helps.
  closewait                          the one-screen answer
  closewait ls 'state close-wait'    sockets, one a line

Look    status, ls [FILTER], show WHAT, doctor, check, when [FILTER], explain X
Keep    record FILE, report [FILE]
Act     tune, limit, close, apply PLANFILE, confirm [ID], undo [ID], changes
Learn   lab list, lab run NAME, lab shell NAME, lab clean
Meta    capabilities, schema, completion, man, version, help
Topics  help exit-codes | filters | json | permissions | states | environment

`

// writeHelp prints the help of one command.
func writeHelp(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(w, "%s: %s\n\n", usageLine(cmd), cmd.Short)
	for line := range strings.Lines(cmd.Example) {
		fmt.Fprintf(w, "  %s", line)
	}
	fmt.Fprintln(w)
	if cmd.Long != "" {
		fmt.Fprintf(w, "\n%s\n", cmd.Long)
	}
	if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
		fmt.Fprintln(w)
		writeFlags(w, "Flags:", cmd.LocalNonPersistentFlags())
	}
	fmt.Fprint(w, "\nFlags of every command: closewait --help\n")
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.Parent().CommandPath() + " " + cmd.Use
	}
	return cmd.Use
}

// writeFlags lists flags with what they take.
func writeFlags(w io.Writer, title string, set *pflag.FlagSet) {
	fmt.Fprintln(w, title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		short := "    "
		if f.Shorthand != "" {
			short = "-" + f.Shorthand + ", "
		}
		fmt.Fprintf(w, "  %s%-20s %s\n", short, "--"+f.Name+argument(f), f.Usage+preset(f))
	})
}

// argument is the placeholder for the value of a flag.
func argument(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool", "count":
		return ""
	case "int", "number":
		return " N"
	case "list":
		return " NAME"
	case "duration", "time":
		if f.NoOptDefVal != "" {
			return "[=TIME]"
		}
		return " TIME"
	}
	switch f.Name {
	case "warning", "critical":
		return " RANGE"
	case "fail-on":
		return " SEVERITY"
	case "color":
		return " WHEN"
	case "from", "save", "plot":
		return " FILE"
	case "if":
		return " KEY=VALUE"
	case "act":
		return " ACTION"
	case "family":
		return " FAMILY"
	case "sweep":
		return " RANGE"
	case "accept-risk":
		return " NAMES"
	case "persist-as":
		return " NAME"
	case "keepalive":
		return " TIMES"
	case "how":
		return " HOW"
	}
	return " FORMAT"
}

// preset tells the default of a flag where it has one that says something.
func preset(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "0s", "[]":
		return ""
	}
	return " (default " + f.DefValue + ")"
}
