package tcp

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// InfoSize is the number of bytes of struct tcp_info this package knows: all of Linux 6.18.
const InfoSize = 280

// Info is the kernel's struct tcp_info (include/uapi/linux/tcp.h) as far as it is known.
//
// The structure has only ever grown at its end, so what a kernel sends is known up to some field; a field beyond is unknown, not zero. Text that somebody
// pasted makes single fields known. The zero Info knows nothing.
type Info struct {
	known uint64 // bit f says that field f is known
	raw   [InfoSize]byte
}

// MakeInfo copies the bytes of a struct tcp_info in the machine's byte order. Bytes beyond InfoSize are fields of newer kernels and are left out.
func MakeInfo(b []byte) Info {
	var i Info
	i.Set(b)
	return i
}

// Set is MakeInfo in place.
func (i *Info) Set(b []byte) {
	n := copy(i.raw[:], b)
	fields := int(fieldsLength)
	for fields > 0 && layout[fields-1].end() > n {
		fields--
	}
	i.known = 1<<fields - 1
}

// Bytes returns the structure up to its last known field. They belong to i; what is not known of them is zero.
func (i *Info) Bytes() []byte {
	if i.known == 0 {
		return nil
	}
	return i.raw[:layout[bits.Len64(i.known)-1].end()]
}

// Known reports whether anything at all is known.
func (i *Info) Known() bool { return i.known != 0 }

// Has reports whether the field is known.
func (i *Info) Has(f Field) bool { return i.known>>f&1 != 0 }

// Uint returns a field in the unit of Field.Unit, and whether it is known.
func (i *Info) Uint(f Field) (uint64, bool) {
	if !i.Has(f) {
		return 0, false
	}
	l := &layout[f]
	switch b := i.raw[l.offset:]; l.size {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.NativeEndian.Uint16(b)), true
	case 4:
		return uint64(binary.NativeEndian.Uint32(b)), true
	default:
		return binary.NativeEndian.Uint64(b), true
	}
}

// Duration returns a field whose unit is a time, and whether it is known. Other fields are never known to it.
func (i *Info) Duration(f Field) (time.Duration, bool) {
	unit := layout[f].unit.duration()
	n, ok := i.Uint(f)
	if !ok || unit == 0 {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// Put makes a field known; it is for tests and for readers of text formats.
func (i *Info) Put(f Field, value uint64) {
	l := &layout[f]
	switch b := i.raw[l.offset:]; l.size {
	case 1:
		b[0] = byte(value)
	case 2:
		binary.NativeEndian.PutUint16(b, uint16(value))
	case 4:
		binary.NativeEndian.PutUint32(b, uint32(value))
	case 8:
		binary.NativeEndian.PutUint64(b, value)
	}
	i.known |= 1 << f
}
