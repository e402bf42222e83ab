package report

import (
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape returns encoded JSON in which no character is written as it is that a terminal obeys or nobody sees: the controls above those that encoding/json escapes itself (DEL, C1), and what only
// tells how text is laid out (Unicode's Cf: directions, joiners, tags). JSON has such characters only in strings, so the values stay the same.
func Escape(b []byte) []byte {
	from := 0
	var out []byte
	for i := 0; i < len(b); {
		if b[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			out = appendEscape(append(out, b[from:i]...), r)
			from = i + size
		}
		i += size
	}
	if from == 0 {
		return b
	}
	return append(out, b[from:]...)
}

func appendEscape(b []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Appendf(b, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}
