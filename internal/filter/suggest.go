package filter

import (
	"slices"
	"strings"
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
		switch d := distance(word, strings.ToLower(k)); {
		case d < best:
			best, found = d, []string{k}
		case d == best && d < len(word) && !slices.Contains(found, k):
			found = append(found, k)
		}
	}
	return found[:min(len(found), 3)]
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		two, one, row = one, row, two
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(one[j+1]+1, row[j]+1, one[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], two[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// didYouMean joins a suggestion, if there is one, with the list of what is known.
func didYouMean(word string, known []string, kind string) string {
	list := kind + ": " + strings.Join(known, " ")
	if near := suggest(word, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "? " + list
	}
	return list
}
