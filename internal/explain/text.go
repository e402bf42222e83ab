package explain

import (
	"strings"
)

// Text returns the page for a host: its title and text, every line ended. It is plain 7-bit text of at most 80 columns.
func (p Page) Text(facts Facts) string {
	raw, _ := texts.ReadFile("pages/" + strings.ToLower(p.Name) + ".txt") // that there is one for each page is tested
	f := figures{facts: facts.sane(), page: p.Name}
	var b strings.Builder
	b.WriteString(p.Name + ": " + p.Title + "\n\n")
	for line := range strings.Lines(string(raw)) {
		b.WriteString(expand(line, f.of))
	}
	return b.String()
}

// expand puts figures in the place of the words in braces. Further lines of one figure are indented like the line it stands in.
func expand(line string, of func(words []string) string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(line, "{")
		b.WriteString(before)
		marker, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return b.String()
		}
		b.WriteString(strings.ReplaceAll(of(strings.Fields(marker)), "\n", "\n"+indent))
		line = after
	}
}
