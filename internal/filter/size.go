package filter

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the letters of 1024, 1024², ...: the kernel's buffers are sized in powers of two, and so are these units, with or
// without "i", in either case.
const sizeUnits = "KMGT"

var errSize = errors.New("is not a size")

// parseSize reads "4096", "64K", "1.5MiB".
func parseSize(text string) (uint64, error) {
	number := leading(text, "0123456789.")
	unit := strings.ToUpper(text[len(number):])
	factor := uint64(1)
	if unit != "" && unit != "B" {
		power := strings.IndexByte(sizeUnits, unit[0]) + 1
		if power == 0 || unit[1:] != "" && unit[1:] != "B" && unit[1:] != "I" && unit[1:] != "IB" {
			return 0, errSize
		}
		factor <<= 10 * power
	}
	n, ok := scaled(number, factor)
	if !ok {
		return 0, errSize
	}
	if n == math.MaxUint64 {
		return 0, errors.New("is a larger size than can be counted")
	}
	return n, nil
}

// formatSize writes a size in the largest unit that leaves no fraction.
func formatSize(n uint64) string {
	power := 0
	for n != 0 && n%1024 == 0 && power < len(sizeUnits) {
		n /= 1024
		power++
	}
	unit := ""
	if power > 0 {
		unit = sizeUnits[power-1 : power]
	}
	return strconv.FormatUint(n, 10) + unit
}
