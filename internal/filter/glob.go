package filter

import "strings"

// glob reports whether text matches a pattern in which * stands for any characters, also none, and ? for one. It goes back to the last star
// only, so that its cost is at most the product of the lengths, whatever the pattern.
func glob(pattern, text string) bool {
	p, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func hasGlob(pattern string) bool { return strings.ContainsAny(pattern, "*?") }
