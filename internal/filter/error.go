package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError says what is wrong with the text of a filter and where.
type SyntaxError struct {
	Text    string // the whole filter
	Offset  int    // of the offending part in Text, in bytes
	Length  int    // of the offending part in bytes; 0 when something is missing at Offset
	Message string // what was found and why it cannot stand there
	Hint    string // what was expected or probably meant; "" when the message says it
	Err     error  // what a function of Options returned, or nil
}

// pointerWidth is the most columns of the filter that Pointer shows.
const pointerWidth = 76

// Error returns the message, the two lines of Pointer, and the hint if there is one.
func (e *SyntaxError) Error() string {
	text := e.Message + "\n" + e.Pointer()
	if e.Hint != "" {
		text += "\n" + e.Hint
	}
	return text
}

// Unwrap returns the error of the function of Options that failed, or nil.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Pointer returns two lines: the filter, and carets below the offending part. Long filters are cut at both sides of it.
func (e *SyntaxError) Pointer() string {
	before, at := printable(e.Text[:e.Offset]), printable(e.Text[e.Offset:e.Offset+e.Length])
	after := printable(e.Text[e.Offset+e.Length:])
	if len(at) > pointerWidth/2 {
		at = append(at[:pointerWidth/2-1:pointerWidth/2-1], '…')
	}
	room := pointerWidth - len(at)
	if left := max(room/2, room-len(after)); len(before) > left {
		before = append([]rune{'…'}, before[len(before)-left+1:]...)
	}
	if right := room - len(before); len(after) > right {
		after = append(after[:max(right-1, 0):max(right-1, 0)], '…')
	}
	return "  " + string(before) + string(at) + string(after) +
		"\n  " + strings.Repeat(" ", len(before)) + strings.Repeat("^", max(len(at), 1))
}

// printable makes one column of every character, so that the carets stand where they belong.
func printable(text string) []rune {
	runes := make([]rune, 0, utf8.RuneCountInString(text))
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = '?'
		}
		runes = append(runes, r)
	}
	return runes
}
