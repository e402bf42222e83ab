package spoken

import (
	"strconv"
	"time"
)

// Size writes a number of bytes in decimal units: 812 B, 3.1 MB.
func Size(n uint64) string { return string(AppendSize(nil, n)) }

// AppendSize appends what Size returns.
func AppendSize(b []byte, n uint64) []byte {
	if n < 1000 {
		return append(strconv.AppendUint(b, n, 10), " B"...)
	}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(sizeUnits)-1 {
		value, unit = value/1000, unit+1
	}
	decimals := 0
	if value < 9.95 {
		decimals = 1
	}
	b = strconv.AppendFloat(b, value, 'f', decimals, 64)
	return append(append(b, ' '), sizeUnits[unit]...)
}

var sizeUnits = [...]string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}

// Duration writes a time the way people say it, with two figures at most: 12 ms, 0.4 s, 48 s, 4m 41s, 2h 09m, 3d 4h.
func Duration(d time.Duration) string { return string(AppendDuration(nil, d)) }

// AppendDuration appends what Duration returns.
func AppendDuration(b []byte, d time.Duration) []byte {
	if d < 0 {
		if d++; d < 0 { // so that the smallest Duration has a positive counterpart
			b = append(b, '-')
		}
		d = -d
	}
	switch {
	case d < time.Millisecond && d > 0:
		return append(b, "<1 ms"...)
	case d < 100*time.Millisecond && d > 0:
		return append(strconv.AppendInt(b, d.Round(time.Millisecond).Milliseconds(), 10), " ms"...)
	case d < 9950*time.Millisecond:
		return append(strconv.AppendFloat(b, d.Seconds(), 'f', 1, 64), " s"...)
	case d < 59500*time.Millisecond:
		return append(strconv.AppendInt(b, seconds(d), 10), " s"...)
	case d < time.Hour-500*time.Millisecond:
		return appendPair(b, seconds(d), 60, "m ", "s", true)
	case d < 24*time.Hour-30*time.Second:
		return appendPair(b, int64(d.Round(time.Minute)/time.Minute), 60, "h ", "m", true)
	}
	return appendPair(b, int64(d.Round(time.Hour)/time.Hour), 24, "d ", "h", false)
}

func seconds(d time.Duration) int64 { return int64(d.Round(time.Second) / time.Second) }

func appendPair(b []byte, n, base int64, large, small string, zero bool) []byte {
	b = append(strconv.AppendInt(b, n/base, 10), large...)
	if zero && n%base < 10 {
		b = append(b, '0')
	}
	return append(strconv.AppendInt(b, n%base, 10), small...)
}
