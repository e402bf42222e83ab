package filter

import (
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/spelling"
)

// suggest returns the known words nearest to a misspelt one, the likeliest typing errors only: a word not finished,
// or at most one edit in three letters.
func suggest(word string, known []string) []string {
	word = strings.ToLower(word)
	best := max(1, len(word)/3)
	if len(word) > 40 {
		return nil
	}
	var found []string
	for _, k := range known {
		if len(word) > 2 && strings.HasPrefix(strings.ToLower(k), word) {
			return []string{k}
		}
		switch d := spelling.Distance(word, strings.ToLower(k)); {
		case d < best:
			best, found = d, []string{k}
		case d == best && d < len(word) && !slices.Contains(found, k):
			found = append(found, k)
		}
	}
	return found[:min(len(found), 3)]
}

// didYouMean joins a suggestion, if there is one, with the list of what is known.
func didYouMean(word string, known []string, kind string) string {
	list := kind + ": " + strings.Join(known, " ")
	if near := suggest(word, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "? " + list
	}
	return list
}
