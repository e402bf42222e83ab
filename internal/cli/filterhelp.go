package cli

import (
	"fmt"
	"strings"

	"github.com/closewait/closewait/internal/filter"
)

// helpWidth is what a help text may fill, and meaningAt where the right one of its two columns begins.
const (
	helpWidth = 80
	meaningAt = 33
)

// filterHelp is "help filters": the introduction, and every word of the language as the parser knows it.
func filterHelp() string {
	var b strings.Builder
	b.WriteString(topicText("filters"))
	group := ""
	for _, w := range filter.Words() {
		if w.Group != group {
			group = w.Group
			fmt.Fprintf(&b, "\n%s\n", group)
		}
		syntax := fmt.Sprintf("  %-*s ", meaningAt-3, w.Syntax)
		if len(syntax) > meaningAt {
			syntax += "\n" + strings.Repeat(" ", meaningAt)
		}
		b.WriteString(syntax + hang(w.Meaning, helpWidth-meaningAt, meaningAt) + "\n")
	}
	return b.String()
}

// hang breaks a text into lines of a width, all but the first indented.
func hang(text string, width, indent int) string {
	if len(text) <= width {
		return text
	}
	at := strings.LastIndexByte(text[:width+1], ' ')
	if at < 0 {
		return text
	}
	return text[:at] + "\n" + strings.Repeat(" ", indent) + hang(text[at+1:], width, indent)
}
