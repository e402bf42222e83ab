package cli

import (
	"fmt"
	"strings"

	"github.com/closewait/closewait/internal/filter"
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
		fmt.Fprintf(&b, "  %-30s %s\n", w.Syntax, w.Meaning)
	}
	return b.String()
}
