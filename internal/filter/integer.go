package filter

import (
	"errors"
	"strconv"
	"strings"
)

var (
	errNumber = errors.New("is not a number")
	errRange  = errors.New("is too large a number")
)

// parseNumber reads a decimal number, or a hexadecimal one with 0x. A leading 0 does not make it octal: 010 is ten to everybody but C.
func parseNumber(text string, bits int) (uint64, error) {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(strings.ToLower(text), "0x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errRange
	case err != nil:
		return 0, errNumber
	}
	return n, nil
}
