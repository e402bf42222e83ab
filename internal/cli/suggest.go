package cli

import (
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/spelling"
)

// didYouMean returns a question when one of the words is close to what was typed, otherwise the help given.
func didYouMean(typed string, words []string, otherwise string) string {
	best, least := "", 3
	for _, word := range words {
		if d := spelling.Distance(strings.ToLower(typed), word); d < least && d < len(word) {
			best, least = word, d
		}
		if len(typed) > 1 && least > 1 && strings.HasPrefix(word, typed) && !strings.HasPrefix(typed, "-") {
			best, least = word, 1
		}
	}
	if best == "" {
		return otherwise
	}
	return "did you mean " + strconv.Quote(best) + "?"
}
