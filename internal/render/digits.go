package render

import (
	"math/bits"
	"slices"
)

// pairs holds the numbers 00 to 99: two digits a step is what makes long lists of numbers cheap.
const pairs = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" + "30313233343536373839" + "40414243444546474849" +
	"50515253545556575859" + "60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"

// appendUint is strconv.AppendUint in base 10, written straight into place. Numbers fill most cells of tab-separated output.
func appendUint(b []byte, n uint64) []byte {
	if n < 10 {
		return append(b, byte('0'+n))
	}
	if n < 100 {
		return append(b, pairs[n*2], pairs[n*2+1])
	}
	size := digits(n)
	b = slices.Grow(b, size)
	end := len(b) + size
	b = b[:end]
	for n >= 100 {
		rest := n / 100
		two := (n - rest*100) * 2
		b[end-1], b[end-2] = pairs[two+1], pairs[two]
		end, n = end-2, rest
	}
	if n >= 10 {
		b[end-1], b[end-2] = pairs[n*2+1], pairs[n*2]
	} else {
		b[end-1] = byte('0' + n)
	}
	return b
}

// digits returns the number of decimal digits of n > 0.
func digits(n uint64) int {
	// 1233/4096 is the logarithm of 2 to the base 10, close enough for 64 bits; it can be one too small.
	guess := bits.Len64(n) * 1233 >> 12
	if guess < len(powers) && n >= powers[guess] {
		guess++
	}
	return guess
}

var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// appendMicroseconds appends a number of microseconds as seconds, without trailing zeros.
func appendMicroseconds(b []byte, us uint64) []byte {
	whole := us / 1e6
	b = appendUint(b, whole)
	frac := uint32(us - whole*1e6)
	if frac == 0 {
		return b
	}
	// Divisions of 32 bits cost half of those of 64, and most times are whole milliseconds.
	milli := frac / 1000
	micro := frac - milli*1000
	high := milli / 10
	b = append(b, '.', pairs[high*2], pairs[high*2+1], byte('0'+milli-high*10))
	if micro != 0 {
		high = micro / 10
		b = append(b, pairs[high*2], pairs[high*2+1], byte('0'+micro-high*10))
	}
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}
