package render

import (
	"math/bits"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// numerals has the numbers below 1000 in writing: three digits a step is what makes long lists of numbers cheap. Its methods write a cell and the tab behind
// it at an index of a buffer that has room for it and for some bytes more, and return the index behind them.
type numerals struct {
	cell   [1000][4]byte // "7\t", "12\t", "123\t"
	size   [1000]uint8   // of what is in cell
	padded [1000][4]byte // "007\t"
	// recent are times written lately, at the place that recentPlace gives them. Time-outs are the same for many sockets, and the times since a socket sent or
	// received are often the same and its age.
	recent [1 << recentBits]struct {
		us   uint64
		cell [recentSize]byte
		size uint8
	}
}

const (
	recentBits = 6
	recentSize = 16 // the longest cell that is kept; written in one go, whatever its size
)

// recentPlace spreads microseconds (Fibonacci hashing): 0 goes to 0.
func recentPlace(us uint64) uint64 { return us * 0x9e3779b97f4a7c15 >> (64 - recentBits) }

func newNumerals() *numerals {
	d := new(numerals)
	for n := range d.cell {
		hundreds, tens, ones := byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10)
		d.padded[n] = [4]byte{hundreds, tens, ones, '\t'}
		switch {
		case n < 10:
			d.cell[n], d.size[n] = [4]byte{ones, '\t'}, 2
		case n < 100:
			d.cell[n], d.size[n] = [4]byte{tens, ones, '\t'}, 3
		default:
			d.cell[n], d.size[n] = d.padded[n], 4
		}
	}
	copy(d.recent[0].cell[:], "0\t")
	d.recent[0].size = 2
	return d
}

// number writes what appendUint does.
func (d *numerals) number(to []byte, at int, n uint64) int {
	if n < 1000 {
		*(*[4]byte)(to[at:]) = d.cell[n]
		return at + int(d.size[n])
	}
	high := n / 1000
	if high < 1000 {
		*(*[4]byte)(to[at:]) = d.cell[high]
		at += int(d.size[high]) - 1
	} else {
		at = d.number(to, at, high) - 1
	}
	*(*[4]byte)(to[at:]) = d.padded[n-high*1000]
	return at + 4
}

// microseconds writes what appendMicroseconds does.
func (d *numerals) microseconds(to []byte, at int, us uint64) int {
	known := &d.recent[recentPlace(us)]
	if known.us == us {
		*(*[recentSize]byte)(to[at:]) = known.cell
		return at + int(known.size)
	}
	end := d.spell(to, at, us)
	if end-at <= recentSize {
		known.us, known.cell, known.size = us, [recentSize]byte(to[at:]), uint8(end-at)
	}
	return end
}

// spell writes microseconds that were not written lately.
func (d *numerals) spell(to []byte, at int, us uint64) int {
	whole := us / 1e6
	at = d.number(to, at, whole)
	frac := uint32(us - whole*1e6)
	if frac == 0 {
		return at
	}
	to[at-1] = '.'
	milli := frac / 1000
	*(*[4]byte)(to[at:]) = d.padded[milli]
	at += 3
	if micro := frac - milli*1000; micro != 0 {
		*(*[4]byte)(to[at:]) = d.padded[micro]
		at += 3
	}
	for to[at-1] == '0' {
		at--
	}
	to[at] = '\t'
	return at + 1
}

// seconds writes what appendSeconds does.
func (d *numerals) seconds(to []byte, at int, t time.Duration) int {
	if us := uint64(t) / 1000; t >= 0 && us*1000 == uint64(t) {
		return d.microseconds(to, at, us)
	}
	at = len(report.Seconds(t).Append(to[:at]))
	to[at] = '\t'
	return at + 1
}

// end writes what appendEnd does.
func (d *numerals) end(to []byte, at int, end *tcp.Endpoint) int {
	octets, ok := end.As4()
	if !ok {
		at = len(end.AppendTo(to[:at]))
		to[at] = '\t'
		return at + 1
	}
	for _, octet := range octets {
		*(*[4]byte)(to[at:]) = d.cell[octet]
		at += int(d.size[octet])
		to[at-1] = '.'
	}
	to[at-1] = ':'
	return d.number(to, at, uint64(end.Port()))
}

// placeHexadecimal writes 0x and a number.
func placeHexadecimal(to []byte, at int, n uint64) int {
	to[at], to[at+1] = '0', 'x'
	at += 2
	end := at + max(1, (bits.Len64(n)+3)/4)
	for i := end - 1; i >= at; i-- {
		to[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	to[end] = '\t'
	return end + 1
}

func placeUnknown(to []byte, at int) int {
	to[at], to[at+1] = unknown, '\t'
	return at + 2
}

func placeText(to []byte, at int, text string) int {
	at += copy(to[at:], text)
	to[at] = '\t'
	return at + 1
}
