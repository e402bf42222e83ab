package filter

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// noOperand explains a token that stands where a test should.
func (p *parser) noOperand(t token) *SyntaxError {
	if p.at == 0 {
		if t.kind == comparisonToken {
			return p.fail(t, "for example: age > 5m", "%s has nothing to compare on its left", quote(t))
		}
		return p.fail(t, "", "%s cannot begin a filter", quote(t))
	}
	before := p.tokens[p.at-1]
	switch {
	case before.kind == openToken && t.kind == closeToken:
		return p.fail(token{offset: before.offset, length: t.offset + t.length - before.offset}, "", "there is nothing between these parentheses")
	case t.kind == endToken && before.kind == openToken:
		return p.fail(before, "", "this parenthesis is never closed")
	case before.kind == andToken || before.kind == orToken || before.kind == notToken:
		return p.fail(before, "for example: state close-wait and age > 5m", "%s needs a test after it", quote(before))
	case t.kind == comparisonToken:
		return p.fail(t, "a test is WORD COMPARISON VALUE, for example: age > 5m", "%s has no word to compare on its left", quote(t))
	}
	return p.fail(t, "", "%s stands where a test should", quote(t))
}

// unknownWord explains a word that begins no test: a test the wrong way round, a value without its word, or a typing error.
func (p *parser) unknownWord(t token) *SyntaxError {
	if hint := p.reversed(); hint != "" {
		return p.fail(t, hint, "the comparison is the wrong way round: the word comes first")
	}
	if apart := p.unitApart(t); apart != "" {
		return p.fail(t, "write "+apart, "a number and its unit are one word")
	}
	if hint := bareValue(t.text); hint != "" {
		return p.fail(t, hint, "%s is a value without a word that says what it is", quote(t))
	}
	if t.text != "" && strings.Trim(t.text, ",") == "" {
		return p.fail(t, "write and, or, or nothing (which means and)", "a comma does not join tests, in ss neither")
	}
	if t.quoted && p.words[strings.ToLower(t.text)] != nil {
		return p.fail(t, "", "%s is quoted and so no word of the language", quote(t))
	}
	return p.fail(t, didYouMean(t.text, p.names(), "tests"), "unknown word %s", quote(t))
}

// reversed returns the right order of "5m < age", and "" when the next tokens are something else.
func (p *parser) reversed() string {
	if len(p.tokens)-p.at < 4 {
		return ""
	}
	value, is, name := p.tokens[p.at], p.tokens[p.at+1], p.tokens[p.at+2]
	w := p.words[strings.ToLower(name.text)]
	if is.kind != comparisonToken || name.kind != wordToken || name.quoted || w == nil {
		return ""
	}
	mirror := [...]comparison{equal: equal, differs: differs, less: greater, atMost: atLeast, greater: less, atLeast: atMost}
	return "write " + w.Name + " " + mirror[is.is].String() + " " + quoteWord(value.text)
}

// bareValue returns what to write for a value whose kind is plain to see.
func bareValue(text string) string {
	first, _, _ := strings.Cut(text, ",")
	if _, err := tcp.ParseStateSet(first); err == nil {
		return "write state " + text
	}
	if _, err := netip.ParseAddrPort(text); err == nil {
		return "write src " + text + " or dst " + text
	}
	bare := strings.Trim(text, "[]")
	_, notPrefix := netip.ParsePrefix(bare)
	if _, notAddr := netip.ParseAddr(bare); notAddr == nil || notPrefix == nil {
		return "write src " + text + " or dst " + text
	}
	if port, ok := strings.CutPrefix(text, ":"); ok && port != "" {
		return "write sport = " + text + " or dport = " + text
	}
	return ""
}

// unitApart returns a duration or size that a space has divided before t, and "" when that is not what happened.
func (p *parser) unitApart(t token) string {
	if p.at == 0 || t.text == "" || !isLetter(t.text[0]) || p.tokens[p.at-1].kind != wordToken {
		return ""
	}
	text := p.tokens[p.at-1].text + t.text
	_, notDuration := parseDuration(text)
	_, notSize := parseSize(text)
	if notDuration != nil && notSize != nil {
		return ""
	}
	return text
}

// names lists the words that begin a test, in the order of the help.
func (p *parser) names() []string {
	var names []string
	for _, w := range p.words {
		if !slices.Contains(names, w.Name) {
			names = append(names, w.Name)
		}
	}
	slices.Sort(names)
	return names
}
