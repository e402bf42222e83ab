package explain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spelling"
)

// UnknownError says that there is no page with a name.
type UnknownError struct {
	// Word is the name as it was given.
	Word string
	// Near are names of pages, or aliases, that may have been meant: at most three, none when nothing is close.
	Near []string
	// Reserved is whether the word is a code or cause of the contract. It is spelt right, and there is no page on it yet.
	Reserved bool
}

// Error names the word and what may have been meant.
func (e *UnknownError) Error() string {
	text := "no page on " + strconv.Quote(e.Word)
	if e.Reserved {
		text += " yet"
	}
	if len(e.Near) > 0 {
		text += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return text
}

const (
	mostNear    = 3
	longestWord = 40 // what is longer is no misspelt name
)

func unknown(word, key string) *UnknownError {
	e := &UnknownError{Word: word, Reserved: reserved(key)}
	if !e.Reserved && key != "" && len(key) <= longestWord {
		e.Near = near(key)
	}
	return e
}

// reserved reports whether a code or cause has this key.
func reserved(key string) bool {
	names := append(report.Codes(), report.CauseNames()...)
	return slices.ContainsFunc(names, func(name string) bool { return keyOf(name) == key })
}

// near returns the names that are fewest letters away, if those are at most a third of the word, or that the word begins. No page is named twice.
func near(key string) []string {
	least, found := max(1, len(key)/3), []string{}
	for i := range table {
		away, name := closest(&table[i], key)
		if away < least {
			least, found = away, nil
		}
		if away == least {
			found = append(found, name)
		}
	}
	return found[:min(len(found), mostNear)]
}

// closest returns the name of a page that is nearest to a key, and how many letters lie between.
func closest(p *Page, key string) (away int, name string) {
	away = longestWord
	for _, n := range append([]string{p.Name}, p.Aliases...) {
		d := spelling.Distance(key, keyOf(n))
		if len(key) > 2 && strings.HasPrefix(keyOf(n), key) {
			d = 1
		}
		if d < away && d < len(key) {
			away, name = d, n
		}
	}
	return away, name
}
