package cli

import (
	"strconv"
	"strings"
)

// didYouMean returns a question when one of the words is close to what was typed, otherwise the help given.
func didYouMean(typed string, words []string, otherwise string) string {
	best, least := "", 3
	for _, word := range words {
		if d := distance(strings.ToLower(typed), word); d < least && d < len(word) {
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

// distance is the number of letters to insert, delete, replace or swap with a neighbour that turns a into b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
