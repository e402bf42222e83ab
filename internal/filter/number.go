package filter

import (
	"strconv"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// unit is how a number is written.
type unit uint8

const (
	count unit = iota
	duration
	size
	identity // a number that names something: compared for equality only
	cookie   // an identity in hexadecimal
)

var unitWants = [...]string{
	count: "a number", duration: "a duration such as 90s, 5m, 1h30m or 2d", size: "a size such as 4096, 64K or 1M", identity: "a number",
	cookie: "a socket cookie such as 0x1a2f",
}

// numberTest compares a number of a row.
type numberTest struct {
	word *word
	is   comparison
	n    uint64
}

func (n numberTest) eval(row *look.Row) truth { return n.is.test(n.word.number(row), n.n) }

func (n numberTest) limits(bool) limits { return noLimits() }

func (n numberTest) String() string {
	return n.word.Name + " " + n.is.String() + " " + n.word.unit.format(n.n)
}

func (u unit) format(n uint64) string {
	switch u {
	case duration:
		return formatDuration(time.Duration(n))
	case size:
		return formatSize(n)
	case cookie:
		return tcp.Cookie(n).String()
	}
	return strconv.FormatUint(n, 10)
}

func (u unit) parse(text string) (uint64, error) {
	switch u {
	case duration:
		d, err := parseDuration(text)
		return uint64(d), err
	case size:
		return parseSize(text)
	}
	return parseNumber(text, 64)
}

// parseNumeric parses the rest of a test on a number. How long and how much say nothing without a comparison; what names something means "=" without one.
func parseNumeric(p *parser, w *word) (node, *SyntaxError) {
	ordered := w.unit < identity
	if t := p.next(); ordered && t.kind == wordToken {
		return nil, p.fail(t, "for example: "+w.Example, "%s needs a comparison before %s", w.Name, quote(t))
	}
	is, problem := p.comparison(w, ordered)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, unitWants[w.unit])
	if problem != nil {
		return nil, problem
	}
	n, err := w.unit.parse(t.text)
	if err != nil {
		return nil, p.fail(t, w.Name+" wants "+unitWants[w.unit], "%s %s", quote(t), err)
	}
	return numberTest{w, is, n}, nil
}
