package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// roff builds a manual page in the man(7) language. It has no date, so that a page changes only when its text does.
type roff struct{ strings.Builder }

// manPage is the manual page of a command. The page of closewait itself also has the topics.
func manPage(cmd *cobra.Command) string {
	r := &roff{}
	r.WriteString(".TH " + strings.ToUpper(manName(cmd)) + " 1 \"\" closewait \"closewait manual\"\n")
	r.section("NAME")
	r.text(manName(cmd) + " \\- " + escapeRoff(cmd.Short))
	r.section("SYNOPSIS")
	r.text("\\fB" + escapeRoff(usageLine(cmd)) + "\\fR [flags]")
	if cmd.Long != "" {
		r.section("DESCRIPTION")
		r.text(escapeRoff(cmd.Long))
	}
	r.section("EXAMPLES")
	r.verbatim(cmd.Example)
	r.flags("OPTIONS", cmd.LocalFlags())
	if cmd.HasParent() {
		r.section("SEE ALSO")
		r.text("\\fBclosewait\\fR(1)")
		return r.String()
	}
	r.section("COMMANDS")
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			r.item(usageLine(sub), sub.Short)
		}
	}
	for _, t := range topics {
		if text, err := topicTexts.ReadFile("help/" + t.name + ".txt"); err == nil {
			r.section(strings.ToUpper(t.name))
			r.verbatim(string(text))
		}
	}
	return r.String()
}

func (r *roff) section(title string) { r.WriteString(".SH \"" + title + "\"\n") }

// text writes a paragraph of prepared text.
func (r *roff) text(text string) { r.WriteString(strings.TrimRight(text, "\n") + "\n") }

// verbatim writes lines as they are.
func (r *roff) verbatim(text string) {
	r.WriteString(".nf\n" + escapeRoff(strings.TrimRight(text, "\n")) + "\n.fi\n")
}

func (r *roff) item(term, text string) {
	r.WriteString(".TP\n\\fB" + escapeRoff(term) + "\\fR\n" + escapeRoff(text) + "\n")
}

func (r *roff) flags(title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	r.section(title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name + argument(f)
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		r.item(name, f.Usage+preset(f))
	})
}

// escapeRoff keeps text from being taken for requests or escapes.
func escapeRoff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
