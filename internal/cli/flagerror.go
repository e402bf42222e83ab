package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says which flag is wrong and what it takes.
func flagError(cmd *cobra.Command, err error) error {
	help := cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == (*riskList)(nil).Type(): // its errors name the one that is wrong
		return usageError(help, "flag %s: %v", flagName(invalid.GetFlag()), invalid.Unwrap())
	case errors.As(err, &invalid):
		return usageError(help, "flag %s: %q is not valid, it takes %s", flagName(invalid.GetFlag()), invalid.GetValue(), wanted(invalid))
	case errors.As(err, &missing):
		return usageError(help, "flag %s needs a value: %s", flagName(missing.GetFlag()), placeholder(missing.GetFlag()))
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		return usageError(didYouMean(name, flagNames(cmd), help), "unknown flag %q", name)
	}
	return usageError(help, "%v", err)
}

// wanted says what the flag takes: our own flags say it as their error, those of the library have one that speaks of Go functions.
func wanted(e *pflag.InvalidValueError) string {
	switch e.GetFlag().Value.Type() {
	case "bool":
		return "true or false"
	case "count", "int":
		return "a whole number"
	case "duration":
		return "a time such as 500ms, 2s or 1m"
	}
	return e.Unwrap().Error()
}

// placeholder says in one word what a flag takes.
func placeholder(f *pflag.Flag) string {
	if c, ok := f.Value.(*choice); ok {
		return c.Type()
	}
	return strings.Trim(argument(f), " [=]")
}

// flagName spells a flag the way it is mostly written.
func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}
