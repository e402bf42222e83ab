package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// The formats of -o.
const (
	formatTable  = "table"
	formatWide   = "wide"
	formatPlain  = "plain"
	formatJSON   = "json"
	formatNDJSON = "ndjson"
	formatName   = "name"
)

const leastInterval = 100 * time.Millisecond

// flags are the global flags.
type flags struct {
	output                  string // "" when not given: what fits where it goes
	headers, noHeaders      bool
	color                   string
	ascii, strict, quiet    bool
	watch, timeout          time.Duration
	timeoutSet              bool // it was given
	netns                   []string
	from                    []string
	redact                  bool
	verbose                 int
	noBPF                   bool
	processes, processesSet bool // of ls; processesSet when it was given
}

// json reports whether programs read the output.
func (f *flags) json() bool { return f.output == formatJSON || f.output == formatNDJSON }

// register defines the global flags.
func (f *flags) register(set *pflag.FlagSet) {
	set.VarP(oneOf(&f.output, "", formatTable, formatWide, formatPlain, formatJSON, formatNDJSON, formatName), "output", "o", "table, wide, plain, json, ndjson or name")
	set.BoolVar(&f.headers, "headers", false, "print column titles in a pipe, too; --no-headers")
	set.BoolVar(&f.noHeaders, "no-headers", false, "do not print column titles")
	set.Var(oneOf(&f.color, "auto", "auto", "always", "never"), "color", "auto, always, never; or --ascii")
	set.BoolVar(&f.ascii, "ascii", false, "print 7-bit characters only")
	_ = set.MarkHidden("no-headers") // its help stands beside --headers, that of the next beside --color
	_ = set.MarkHidden("ascii")
	set.VarP(&interval{&f.watch, leastInterval}, "watch", "w", "repeat every 2s, or as given: --watch=500ms")
	set.Lookup("watch").NoOptDefVal = "2s"
	set.Var((*list)(&f.netns), "netns", "host, all, NAME, PID or PATH; several with commas")
	set.StringArrayVar(&f.from, "from", nil, "a recording, or pasted ss or netstat; - for stdin")
	set.BoolVar(&f.redact, "redact", false, "replace names and addresses by substitutes")
	f.timeout = 5 * time.Second
	set.Var(&timeLimit{interval{&f.timeout, time.Millisecond}, &f.timeoutSet}, "timeout", "then answer with what is known")
	set.BoolVar(&f.noBPF, "no-bpf", false, "use no BPF programs")
	set.Lookup("no-bpf").Hidden = true // "capabilities" tells of it; the screen of "help" is full
	set.BoolVar(&f.strict, "strict", false, "exit with 3 when something could not be read")
	set.CountVarP(&f.verbose, "verbose", "v", "show more notes")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "show no notes and no progress")
}

// choice is a flag that takes one of some words.
type choice struct {
	value *string
	words []string
}

func oneOf(value *string, preset string, words ...string) *choice {
	*value = preset
	return &choice{value, words}
}

// String implements pflag.Value.
func (c *choice) String() string { return *c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return strings.Join(c.words, "|") }

// Set implements pflag.Value.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		last := len(c.words) - 1
		return errors.New(strings.Join(c.words[:last], ", ") + " or " + c.words[last])
	}
	*c.value = text
	return nil
}

// interval is a flag that takes a duration of at least some length.
type interval struct {
	value *time.Duration
	least time.Duration
}

// String implements pflag.Value.
func (i *interval) String() string { return i.value.String() }

// Type implements pflag.Value.
func (i *interval) Type() string { return "time" }

// Set implements pflag.Value.
func (i *interval) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < i.least {
		such := "500ms, 2s or 1m"
		if i.least > 500*time.Millisecond {
			such = "2s or 1m"
		}
		return errors.New("a time of at least " + i.least.String() + ", such as " + such)
	}
	*i.value = d
	return nil
}

// timeLimit is an interval that tells when it was given.
type timeLimit struct {
	interval
	given *bool
}

// Set implements pflag.Value.
func (l *timeLimit) Set(text string) error {
	*l.given = true
	return l.interval.Set(text)
}

// filled is a flag whose text is not empty: an unset variable of a script must not turn the flag into none at all.
type filled string

// String implements pflag.Value.
func (f *filled) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *filled) Type() string { return "filled" }

// Set implements pflag.Value.
func (f *filled) Set(text string) error {
	if text == "" {
		return errors.New("a text that is not empty")
	}
	*f = filled(text)
	return nil
}

// count is a flag that takes a whole number, but none below 0.
type count int

// String implements pflag.Value.
func (c *count) String() string { return strconv.Itoa(int(*c)) }

// Type implements pflag.Value.
func (c *count) Type() string { return "number" }

// Set implements pflag.Value.
func (c *count) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return errors.New("a whole number from 0 to 2147483647")
	}
	*c = count(n)
	return nil
}

// list is a flag that can be repeated and takes a comma-separated list.
type list []string

// String implements pflag.Value.
func (l *list) String() string { return strings.Join(*l, ",") }

// Type implements pflag.Value.
func (l *list) Type() string { return "list" }

// Set implements pflag.Value.
func (l *list) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if name == "" {
			return errors.New("names without empty ones between the commas")
		}
		*l = append(*l, name)
	}
	return nil
}
