package setting

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Parse reads a value as the kernel does (proc_get_long): decimal, hexadecimal with 0x or octal with 0, after spaces, and what follows a space does not count, except for
// the second number of Ports. It returns the value as the kernel then shows it; fs.ErrInvalid says that the kernel would refuse it, or that it has no meaning.
func (s Setting) Parse(text string) (string, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
	wanted := 1
	if s.Unit == Ports {
		wanted = 2
	}
	if len(words) < wanted || s.Unit == Ports && len(words) > wanted {
		return "", fmt.Errorf("%w: want %s", fs.ErrInvalid, s.Range())
	}
	var numbers []int64
	for _, word := range words[:wanted] {
		n, err := number(word)
		if err != nil || n < s.Min || n > s.Max || len(numbers) > 0 && n < numbers[0] {
			return "", fmt.Errorf("%w: %q is not %s", fs.ErrInvalid, word, s.Range())
		}
		numbers = append(numbers, n)
	}
	shown := strconv.FormatInt(numbers[0], 10)
	if s.Unit == Ports {
		shown += "\t" + strconv.FormatInt(numbers[1], 10)
	}
	return shown, nil
}

// Range says in words which values the setting takes.
func (s Setting) Range() string {
	switch s.Unit {
	case Ports:
		return fmt.Sprintf("two ports from %d to %d, the lower first", s.Min, s.Max)
	case Switch:
		return fmt.Sprintf("a switch from %d to %d", s.Min, s.Max)
	case Count:
		return fmt.Sprintf("a count from %d to %d", s.Min, s.Max)
	}
	return fmt.Sprintf("a number of %s from %d to %d", s.Unit, s.Min, s.Max)
}

// number reads what strtoul_lenient reads with base 0: no plus sign, no underscores, no binary.
func number(word string) (int64, error) {
	digits, minus := strings.CutPrefix(word, "-")
	base := 10
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		digits, base = digits[2:], 16
	case len(digits) > 1 && digits[0] == '0':
		digits, base = digits[1:], 8
	}
	n, err := strconv.ParseUint(digits, base, 63)
	if minus {
		return -int64(n), err //nolint:gosec // at most 63 bits
	}
	return int64(n), err //nolint:gosec // at most 63 bits
}

// Number writes a time with a unit ("90s", "2m") as the number the setting takes; other texts, and times that are no whole number of its unit, are returned as they are.
func (s Setting) Number(text string) string {
	unit := map[Unit]time.Duration{Seconds: time.Second, Milliseconds: time.Millisecond, Microseconds: time.Microsecond}[s.Unit]
	d, err := time.ParseDuration(text)
	if unit == 0 || err != nil || d%unit != 0 || text == "0" {
		return text
	}
	return strconv.FormatInt(int64(d/unit), 10)
}
