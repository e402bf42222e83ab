package filter

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	openToken
	closeToken
	andToken
	orToken
	notToken
	comparisonToken
)

// token is one word or sign. Its text is without quotes and escapes; offset and length refer to the filter as it was written.
type token struct {
	kind           tokenKind
	text           string
	quoted         bool // some of it was quoted or escaped, so it is a value and no keyword
	is             comparison
	offset, length int
}

// signs are the characters that end a word: unlike in ss they need no space around them.
const signs = "()=<>!&|"

var operators = map[string]tokenKind{
	"(": openToken, ")": closeToken, "!": notToken, "not": notToken, "&": andToken, "&&": andToken, "and": andToken,
	"|": orToken, "||": orToken, "or": orToken,
}

// lex splits a filter into tokens, the last of them the end.
func lex(text string) ([]token, *SyntaxError) {
	var tokens []token
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeftFunc(text[at:], unicode.IsSpace))
		if at == len(text) {
			return append(tokens, token{kind: endToken, offset: at}), nil
		}
		scan := scanWord
		if strings.IndexByte(signs, text[at]) >= 0 {
			scan = scanSign
		}
		t, problem := scan(text, at)
		if problem != nil {
			return nil, problem
		}
		tokens = append(tokens, t)
		at += t.length
	}
}

// scanSign reads an operator or comparison made of signs: as many of them as can belong together.
func scanSign(text string, at int) (token, *SyntaxError) {
	end := at + 1
	switch c := text[at]; c {
	case '&', '|':
		if end < len(text) && text[end] == c {
			end++
		}
	case '=', '<', '>', '!':
		for end < len(text) && strings.IndexByte("=<>", text[end]) >= 0 {
			end++
		}
	}
	t := token{text: text[at:end], offset: at, length: end - at}
	if kind, ok := operators[t.text]; ok {
		t.kind = kind
		return t, nil
	}
	is, ok := comparisons[t.text]
	if !ok {
		return t, &SyntaxError{
			Text: text, Offset: at, Length: end - at,
			Message: strconv.Quote(t.text) + " is not a comparison", Hint: comparisonHint(t.text),
		}
	}
	t.kind, t.is = comparisonToken, is
	return t, nil
}

func comparisonHint(sign string) string {
	const all = "the comparisons are = != < <= > >="
	meant, ok := map[string]string{"=>": ">=", "=<": "<=", "<>": "!=", "===": "=", "!==": "!="}[sign]
	if !ok {
		return all
	}
	return "did you mean " + meant + "? " + all
}

// scanWord reads a word. Quotes of either kind may stand anywhere in it; a backslash takes the special meaning from the character after it and is
// otherwise an ordinary character, because systemd puts \x2d into the names of units and cgroups. A word that begins with a slash
// is a path and may contain signs.
func scanWord(text string, at int) (token, *SyntaxError) {
	t := token{kind: wordToken, offset: at}
	var word strings.Builder
	path, i := text[at] == '/', at
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == '"' || r == '\'' {
			n := scanQuoted(text[i:], &word)
			if n == 0 {
				return t, &SyntaxError{Text: text, Offset: i, Length: len(text) - i, Message: "the quotation mark " + string(r) + " is never closed"}
			}
			t.quoted = true
			i += n
			continue
		}
		if r == '\\' && i+1 < len(text) && escapable(text[i+1]) {
			t.quoted = true
			word.WriteByte(text[i+1])
			i += 2
			continue
		}
		if unicode.IsSpace(r) || r == '(' || r == ')' || !path && strings.ContainsRune(signs, r) {
			break
		}
		word.WriteString(text[i : i+size])
		i += size
	}
	t.text, t.length = word.String(), i-at
	return t.classify(), nil
}

func escapable(c byte) bool { return strings.IndexByte(signs+" \t\"'\\", c) >= 0 }

// scanQuoted appends the content of the quotation that text begins with, and returns its length with both quotation marks; 0 when the second is missing.
func scanQuoted(text string, word *strings.Builder) int {
	mark := text[0]
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == mark:
			return i + 1
		case c == '\\' && mark == '"' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			word.WriteByte(text[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0
}

// classify tells operators that are words from other words.
func (t token) classify() token {
	if t.quoted {
		return t
	}
	word := strings.ToLower(t.text)
	if kind, ok := operators[word]; ok {
		t.kind = kind
	} else if is, ok := comparisons[word]; ok {
		t.kind, t.is = comparisonToken, is
	}
	return t
}

// quoteWord writes a value so that the lexer reads it as one word.
func quoteWord(text string) string {
	special := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(signs+`"'\`, r) }
	plain := token{kind: wordToken, text: text}.classify()
	if text != "" && plain.kind == wordToken && !strings.ContainsFunc(text, special) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
