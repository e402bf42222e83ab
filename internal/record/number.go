package record

import (
	"math"
	"strconv"
	"strings"
)

// number reads an unsigned decimal number up to a limit.
func number(text string, limit uint64) (uint64, bool) {
	if text == "" || len(text) > 20 {
		return 0, false
	}
	n := uint64(0)
	for i := range len(text) {
		c := text[i] - '0'
		if c > 9 || n > (math.MaxUint64-9)/10 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, n <= limit
}

// queue reads the length of a queue. ss prints lengths from 2^31 up as negative numbers.
func queue(text string) (uint32, bool) {
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		n, ok := number(rest, 1<<31)
		return uint32(-int64(n)), ok
	}
	n, ok := number(text, math.MaxUint32)
	return uint32(n), ok
}

// hex reads a hexadecimal number of at most 16 digits.
func hex(text string) (uint64, bool) {
	if text == "" || len(text) > 16 {
		return 0, false
	}
	n := uint64(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return n, true
}

// thousandths reads a decimal number such as "0.031", in thousandths: C's %g, which can be "1e+06".
func thousandths(text string) (uint64, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if n, ok := number(whole, 1<<40); ok && len(fraction) <= 3 {
		f, _ := number((fraction + "000")[:3], 999)
		if fraction == "" || digits(fraction) {
			return n*1000 + f, true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f < 1<<40) {
		return 0, false
	}
	return uint64(math.Round(f * 1000)), true
}

// digits reports whether a text is nothing but decimal digits.
func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// leadingDigits returns the part of a text before the first character that is no digit.
func leadingDigits(text string) string {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return text[:i]
		}
	}
	return text
}
