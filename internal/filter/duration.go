package filter

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// durationUnits from the largest to the smallest. The first spelling of each is the canonical one.
var durationUnits = [...]struct {
	size  time.Duration
	names []string
}{
	{7 * day, []string{"w"}},
	{day, []string{"d"}},
	{time.Hour, []string{"h"}},
	{time.Minute, []string{"m", "min"}},
	{time.Second, []string{"s", "sec"}},
	{time.Millisecond, []string{"ms"}},
	{time.Microsecond, []string{"us", "µs", "μs"}},
	{time.Nanosecond, []string{"ns"}},
}

var (
	errDuration = errors.New("is not a duration")
	errTooLong  = errors.New("is a longer duration than can be counted")
)

// parseDuration reads "90s", "1h30m", "1.5h" and "2d"; a number without a unit is seconds.
func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, errDuration
	}
	var sum uint64
	for rest := text; rest != ""; {
		number := leading(rest, "0123456789.")
		rest = rest[len(number):]
		unit := rest[:indexAny(rest, "0123456789.")]
		rest = rest[len(unit):]
		size, ok := durationUnit(unit)
		if unit == "" && len(number) == len(text) {
			size, ok = time.Second, true
		}
		if !ok {
			return 0, errDuration
		}
		n, ok := scaled(number, uint64(size))
		if !ok {
			return 0, errDuration
		}
		if sum += n; n > math.MaxInt64 || sum > math.MaxInt64 {
			return 0, errTooLong
		}
	}
	return time.Duration(sum), nil
}

func durationUnit(name string) (time.Duration, bool) {
	for _, u := range durationUnits {
		for _, spelling := range u.names {
			if strings.EqualFold(name, spelling) {
				return u.size, true
			}
		}
	}
	return 0, false
}

// leading returns the beginning of text that is made of the given characters.
func leading(text, of string) string { return text[:len(text)-len(strings.TrimLeft(text, of))] }

// indexAny is strings.IndexAny with the length of the text in place of -1.
func indexAny(text, chars string) int {
	if i := strings.IndexAny(text, chars); i >= 0 {
		return i
	}
	return len(text)
}

// scaled multiplies a decimal number with a size, rounding down. What does not fit becomes the largest number.
func scaled(number string, size uint64) (uint64, bool) {
	whole, fraction, _ := strings.Cut(number, ".")
	if whole == "" || strings.Contains(fraction, ".") || strings.HasSuffix(number, ".") {
		return 0, false
	}
	w, err := strconv.ParseUint(whole, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	high, sum := bits.Mul64(w, size)
	var part uint64
	if fraction != "" {
		fraction = fraction[:min(len(fraction), 15)] // the rest is less than a nanosecond or a byte
		f, err := strconv.ParseUint(fraction, 10, 64)
		if err != nil {
			return 0, false
		}
		scale := uint64(math.Pow10(len(fraction)))
		h, l := bits.Mul64(f, size)
		part, _ = bits.Div64(h, l, scale)
	}
	sum, carry := bits.Add64(sum, part, 0)
	if high != 0 || carry != 0 {
		return math.MaxUint64, true
	}
	return sum, true
}

// formatDuration writes what parseDuration reads, weeks as days.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range durationUnits[1:] {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.names[0])
			d %= u.size
		}
	}
	return b.String()
}
