package filter

import (
	"errors"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// nameTest compares a name of a row with a pattern.
type nameTest struct {
	word    *word
	is      comparison
	pattern string
}

func (n nameTest) eval(row *look.Row) truth { return n.is.of(n.word.named(row, n.pattern)) }

func (n nameTest) limits(bool) limits { return noLimits() }

func (n nameTest) String() string {
	return n.word.Name + " " + n.is.String() + " " + quoteWord(n.pattern)
}

func parseName(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, w.want)
	if problem != nil {
		return nil, problem
	}
	pattern := t.text
	if w.normal != nil {
		var err error
		if pattern, err = w.normal(pattern); err != nil {
			return nil, p.fail(t, w.Name+" wants "+w.want, "%s %s", quote(t), err)
		}
	}
	if pattern == "" {
		return nil, p.fail(t, "for example: "+w.Example, "%s cannot be compared with nothing", w.Name)
	}
	if w.known == nil {
		return nameTest{w, is, pattern}, nil
	}
	if list := w.known(p.options); len(list) > 0 && !matchesAny(pattern, list) {
		return nil, p.fail(t, didYouMean(pattern, list, w.Name+"s"), "unknown %s %s", w.Name, quote(t))
	}
	return nameTest{w, is, pattern}, nil
}

func matchesAny(pattern string, names []string) bool {
	for _, name := range names {
		if glob(pattern, name) {
			return true
		}
	}
	return false
}

// pidTest is "pid": one of the holders has it.
type pidTest struct {
	is  comparison
	pid int
}

func (n pidTest) eval(row *look.Row) truth {
	if row.Holders == nil {
		return unknown
	}
	for _, h := range row.Holders {
		if h.PID == n.pid {
			return n.is.of(yes)
		}
	}
	return n.is.of(no)
}

func (n pidTest) limits(bool) limits { return noLimits() }

func (n pidTest) String() string { return "pid " + n.is.String() + " " + strconv.Itoa(n.pid) }

func parsePID(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "a process ID")
	if problem != nil {
		return nil, problem
	}
	n, err := parseNumber(t.text, 31)
	if err != nil {
		return nil, p.fail(t, "pid wants a number; for a name write comm = "+quoteWord(t.text), "%s %s", quote(t), err)
	}
	return pidTest{is, int(n)}, nil
}

// The functions that follow bring a pattern into the form of the names it is compared with.

func causePattern(text string) (string, error) {
	return strings.ReplaceAll(strings.ToLower(text), "-", "_"), nil
}

func codePattern(text string) (string, error) {
	text = strings.ToUpper(text)
	if !strings.HasPrefix(text, "CW") && !hasGlob(text) {
		return "", errors.New("is not a code")
	}
	return text, nil
}

// netnsPattern accepts the form of the links in /proc/PID/ns.
func netnsPattern(text string) (string, error) {
	inode, ok := strings.CutPrefix(text, "net:[")
	if _, err := parseNumber(strings.TrimSuffix(inode, "]"), 64); !ok || err != nil {
		return text, nil
	}
	return strings.TrimSuffix(inode, "]"), nil
}
