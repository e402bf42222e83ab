package render

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// Clean returns text that is safe to show on a terminal and to keep on one line. Whatever could move the cursor, change colours or the
// reading direction, hide, or combine with its neighbours is replaced by a visible escape as in Go source: control characters, ESC and the C1
// controls, bytes that are not UTF-8, bidirectional overrides and isolates, zero-width and other invisible characters, combining marks.
// Everything printed that was not written by this project passes through here.
func Clean(text string) string {
	if isSafeASCII(text) {
		return text
	}
	return string(AppendClean(nil, text))
}

// AppendClean appends Clean(text) to b.
func AppendClean(b []byte, text string) []byte {
	if isSafeASCII(text) {
		return append(b, text...)
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = appendEscapedByte(b, text[i])
		case safe(r):
			b = append(b, text[i:i+size]...)
		default:
			b = appendEscaped(b, r)
		}
		i += size
	}
	return b
}

func isSafeASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// safe reports whether a character stands for itself alone. Marks are legitimate in some scripts, but terminals disagree on
// their width, and enough of them cover the lines above.
func safe(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r <= '~'
	}
	return unicode.IsPrint(r) && !unicode.IsMark(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) &&
		!unicode.Is(unicode.Regional_Indicator, r) && !conjoining(r)
}

// conjoining reports whether a character joins its neighbours into one grapheme without being a mark: Hangul jamo, emoji modifiers, the blank
// Braille pattern (invisible).
func conjoining(r rune) bool {
	return r >= 0x1100 && r <= 0x11ff || r >= 0xa960 && r <= 0xa97f || r >= 0xd7b0 && r <= 0xd7ff || r >= 0x1f3fb && r <= 0x1f3ff || r == 0x2800
}

func appendEscapedByte(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'x', digits[c>>4], digits[c&15])
}

func appendEscaped(b []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		switch r {
		case '\t':
			return append(b, `\t`...)
		case '\n':
			return append(b, `\n`...)
		case '\r':
			return append(b, `\r`...)
		}
		return appendEscapedByte(b, byte(r))
	}
	quoted := strconv.QuoteRuneToASCII(r)
	return append(b, quoted[1:len(quoted)-1]...)
}

// spellings are the characters of our own sentences in 7 bits.
var spellings = strings.NewReplacer("→", "->", "±", "+-", "…", "...", "≤", "<=", "≥", ">=", "µ", "u", "×", "x", "–", "-", "—", "-",
	"✗", "x", "✓", "+", "·", "-", "“", `"`, "”", `"`, "‘", "'", "’", "'", "≈", "~", "≠", "!=")

// text makes foreign text fit for this style.
func (s Style) text(text string) string {
	text = Clean(text)
	if !s.ASCII || isSafeASCII(text) {
		return text
	}
	var b []byte
	for _, r := range spellings.Replace(text) {
		if r < utf8.RuneSelf {
			b = append(b, byte(r))
		} else {
			b = appendEscaped(b, r)
		}
	}
	return string(b)
}

// columns returns the display width of text.
func columns(text string) int {
	if isSafeASCII(text) {
		return len(text)
	}
	return displaywidth.String(text)
}

// cut shortens text to a display width, with an ellipsis where something is missing.
func (s Style) cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	mark := s.glyphs().ellipsis
	if columns(mark) > width {
		mark = ""
	}
	return displaywidth.TruncateString(text, width, mark)
}

// wrap breaks text into lines of a display width, at spaces where it can. Text that fits stays as it is.
func wrap(text string, width int) []string {
	if columns(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && columns(line)+1+columns(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for columns(word) > width {
			head := displaywidth.TruncateString(word, width, "")
			if head == "" {
				return append(lines, "?") // not even one character fits
			}
			lines, word = append(lines, head), word[len(head):]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// wrapAtMost is wrap with a limit to the number of lines, 0 for none; what is left out shows as an ellipsis.
func (s Style) wrapAtMost(text string, width, limit int) []string {
	lines := wrap(text, width)
	if limit == 0 || len(lines) <= limit {
		return lines
	}
	mark := s.glyphs().ellipsis
	last := displaywidth.TruncateString(lines[limit-1], max(width-1-columns(mark), 1), "")
	lines[limit-1] = s.cut(strings.TrimRight(last, " ")+" "+mark, width)
	return lines[:limit]
}
