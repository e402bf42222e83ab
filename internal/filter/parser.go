package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth is how deep parentheses and negations may be nested: more is no filter anybody wrote, and Match recurses.
const maxDepth = 100

// parser turns tokens into nodes. It goes by recursive descent: group, disjunction, conjunction, operand.
type parser struct {
	text    string
	tokens  []token
	at      int
	depth   int
	words   map[string]*word
	options Options
	needs   Needs
	// autobound are the places of the word "autobound", in order.
	autobound []token
}

func (p *parser) next() token { return p.tokens[p.at] }

// take returns the next token and moves past it, but never past the end.
func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

// fail makes an error about a token.
func (p *parser) fail(t token, hint, format string, args ...any) *SyntaxError {
	return &SyntaxError{Text: p.text, Offset: t.offset, Length: t.length, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// filter parses all of the text. Its node is nil when there is none.
func (p *parser) filter() (node, *SyntaxError) {
	if p.next().kind == endToken {
		return nil, nil
	}
	root, problem := p.group()
	if problem != nil {
		return nil, problem
	}
	if t := p.next(); t.kind != endToken {
		return nil, p.fail(t, "", "this parenthesis closes none that is open")
	}
	return root, p.checkAutobound(root)
}

// group parses what stands between parentheses, or all of the filter. States that open it without an operator after them apply to all of it, as in ss.
func (p *parser) group() (node, *SyntaxError) {
	if !p.atState() {
		return p.disjunction(nil)
	}
	states, problem := p.states(true)
	if problem != nil {
		return nil, problem
	}
	switch p.next().kind {
	case endToken, closeToken:
		return states, nil
	case andToken, orToken:
		return p.disjunction(states)
	}
	rest, problem := p.disjunction(nil)
	if problem != nil {
		return nil, problem
	}
	return and(states, rest), nil
}

// disjunction parses operands joined by "or". A first operand that was parsed before is handed down.
func (p *parser) disjunction(first node) (node, *SyntaxError) {
	n, problem := p.conjunction(first)
	if problem != nil {
		return nil, problem
	}
	nodes := []node{n}
	for p.next().kind == orToken {
		p.take()
		n, problem := p.conjunction(nil)
		if problem != nil {
			return nil, problem
		}
		nodes = append(nodes, n)
	}
	return or(nodes...), nil
}

// conjunction parses operands joined by "and" or by nothing.
func (p *parser) conjunction(first node) (node, *SyntaxError) {
	var nodes []node
	if first != nil {
		nodes = append(nodes, first)
	}
	for {
		switch t := p.next(); {
		case len(nodes) == 0:
		case t.kind == andToken:
			p.take()
		case t.kind == endToken, t.kind == closeToken, t.kind == orToken:
			return and(nodes...), nil
		}
		n, problem := p.operand()
		if problem != nil {
			return nil, problem
		}
		nodes = append(nodes, n)
	}
}

// operand parses a negation, a parenthesis or a test.
func (p *parser) operand() (node, *SyntaxError) {
	t := p.next()
	if p.depth == maxDepth {
		return nil, p.fail(t, "", "this is nested more than %d deep", maxDepth)
	}
	p.depth++
	defer func() { p.depth-- }()
	switch t.kind {
	case notToken:
		return p.negation()
	case openToken:
		return p.parenthesis()
	case wordToken:
		return p.test()
	}
	return nil, p.noOperand(t)
}

func (p *parser) negation() (node, *SyntaxError) {
	p.take()
	// A negation covers one test. Several states in a row are one test elsewhere, but "not state a state b" would be read both ways.
	if p.atState() {
		n, problem := p.states(false)
		return negation{n}, problem
	}
	n, problem := p.operand()
	if problem != nil {
		return nil, problem
	}
	return negation{n}, nil
}

func (p *parser) parenthesis() (node, *SyntaxError) {
	open := p.take()
	n, problem := p.group()
	if problem != nil {
		return nil, problem
	}
	if p.next().kind != closeToken {
		return nil, p.fail(open, "", "this parenthesis is never closed")
	}
	p.take()
	return n, nil
}

// test parses a word of the vocabulary with what follows it.
func (p *parser) test() (node, *SyntaxError) {
	t := p.next()
	w, ok := p.words[strings.ToLower(t.text)]
	if !ok || t.quoted {
		return nil, p.unknownWord(t)
	}
	if w.parse == nil {
		return p.states(true)
	}
	p.take()
	p.needs |= w.needs
	return w.parse(p, w)
}

// comparison takes the comparison that may follow a word. Words that compare for equality only may go without.
func (p *parser) comparison(w *word, ordered bool) (comparison, *SyntaxError) {
	t := p.next()
	if t.kind != comparisonToken {
		return equal, nil
	}
	if !ordered && t.is > differs {
		return 0, p.fail(t, "write "+w.Name+" = ... or "+w.Name+" != ...", "%s is compared with = and != only", w.Name)
	}
	return p.take().is, nil
}

// value takes the word that a test compares with; want says what it should be.
func (p *parser) value(w *word, want string) (token, *SyntaxError) {
	t := p.next()
	if t.kind == wordToken {
		return p.take(), nil
	}
	before := p.tokens[p.at-1]
	hint := "for example: " + w.Example
	switch {
	case t.kind == endToken:
		t = token{offset: before.offset + before.length}
		return t, p.fail(t, hint, "the filter ends after %q, where %s should follow", before.text, want)
	case w.named != nil && isLetter(t.text[0]):
		hint += `; as a name it needs quotes: "` + t.text + `"`
	}
	return t, p.fail(t, hint, "%q stands where %s should follow %q", t.text, want, before.text)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// quote shows a word of the user's in a message.
func quote(t token) string { return strconv.Quote(t.text) }
