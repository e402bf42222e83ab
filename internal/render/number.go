package render

import (
	"strconv"
	"time"
)

// Thousands writes a number with separators: 4,812.
func Thousands[N ~int | ~int64 | ~uint32](n N) string { return string(appendThousands(nil, int64(n))) }

func appendThousands(b []byte, n int64) []byte {
	start := len(b)
	b = strconv.AppendInt(b, n, 10)
	if n < 0 {
		start++
	}
	for end := len(b) - 3; end > start; end -= 3 {
		b = append(b, 0)
		copy(b[end+1:], b[end:])
		b[end] = ','
	}
	return b
}

// span writes an interval in one unit, rounded outwards so that it never claims more than is known: 9-14 min.
func span(from, to time.Duration) string {
	unit, name := time.Second, " s"
	switch {
	case to >= 48*time.Hour:
		unit, name = 24*time.Hour, " days"
	case to >= 2*time.Hour:
		unit, name = time.Hour, " h"
	case to >= 2*time.Minute:
		unit, name = time.Minute, " min"
	}
	low, high := int64(from/unit), int64((to+unit-1)/unit)
	if low == high {
		return strconv.FormatInt(low, 10) + name
	}
	return strconv.FormatInt(low, 10) + "-" + strconv.FormatInt(high, 10) + name
}

// percent writes a share; 100 % and 0 % are only said when they are exact.
func percent(part, whole int) string {
	p := int64(part) * 100 / int64(max(whole, 1))
	if p == 0 && part > 0 {
		return "<1 %"
	}
	return strconv.FormatInt(p, 10) + " %"
}
