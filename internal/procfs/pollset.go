package procfs

import (
	"encoding/binary"
	"math/bits"

	"github.com/closewait/closewait/internal/look"
)

const (
	pollEntry = 8    // struct pollfd: int fd, short events, short revents
	maxPolled = 4096 // descriptors of one poll or select that are read at most
)

// DecodePoll decodes an array of struct pollfd. Negative descriptors are switched off.
func DecodePoll(b []byte) []look.Watch {
	watches := []look.Watch{}
	for ; len(b) >= pollEntry; b = b[pollEntry:] {
		if fd := int32(binary.NativeEndian.Uint32(b)); fd >= 0 {
			watches = append(watches, look.Watch{FD: int(fd), Events: uint32(binary.NativeEndian.Uint16(b[4:]))})
		}
	}
	return watches
}

// DecodeSelect decodes the sets of descriptors of a select, for reading and for writing; either may be nil. word is the size of a long in bytes.
func DecodeSelect(read, write []byte, word int) []look.Watch {
	watches := []look.Watch{}
	for fd := range max(len(read), len(write)) * 8 {
		var events uint32
		if inSet(read, fd, word) {
			events |= look.PollIn
		}
		if inSet(write, fd, word) {
			events |= look.PollOut
		}
		if events != 0 {
			watches = append(watches, look.Watch{FD: fd, Events: events})
		}
	}
	return watches
}

// inSet tests a bit of an array of longs.
func inSet(set []byte, fd, word int) bool {
	if word != 4 && word != 8 {
		return false
	}
	start := fd / (8 * word) * word
	if start+word > len(set) {
		return false
	}
	var value uint64
	if word == 4 {
		value = uint64(binary.NativeEndian.Uint32(set[start:]))
	} else {
		value = binary.NativeEndian.Uint64(set[start:])
	}
	return bits.RotateLeft64(value, -(fd%(8*word)))&1 != 0
}

// leastWord is the value of a long that an int was stored in.
func leastWord(b []byte) uint64 {
	if len(b) == 8 {
		return binary.NativeEndian.Uint64(b)
	}
	return uint64(binary.NativeEndian.Uint32(b))
}
