package tcp

import (
	"encoding/binary"
	"time"
)

// InfoSize is the number of bytes of struct tcp_info this package knows: all of Linux 6.18.
const InfoSize = 280

// Info is the kernel's struct tcp_info (include/uapi/linux/tcp.h) as far as the kernel sent it.
//
// The structure has only ever grown at its end, so a field is known exactly when the bytes received reach past it; a field
// beyond them is unknown, not zero. The zero Info knows nothing.
type Info struct {
	length uint16
	raw    [InfoSize]byte
}

// MakeInfo copies the bytes of a struct tcp_info in the machine's byte order. Bytes beyond InfoSize are fields of newer kernels and are left out.
func MakeInfo(b []byte) Info {
	var i Info
	i.Set(b)
	return i
}

// Set is MakeInfo in place.
func (i *Info) Set(b []byte) { i.length = uint16(copy(i.raw[:], b)) }

// Bytes returns the bytes the kernel sent, up to InfoSize. They belong to i.
func (i *Info) Bytes() []byte { return i.raw[:i.length] }

// Known reports whether the kernel sent anything at all.
func (i *Info) Known() bool { return i.length > 0 }

// Has reports whether the kernel sent the field.
func (i *Info) Has(f Field) bool {
	l := &layout[f]
	return l.size != 0 && int(l.offset)+int(l.size) <= int(i.length)
}

// Uint returns a field in the unit of Field.Unit, and whether the kernel sent it.
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

// Duration returns a field whose unit is a time, and whether the kernel sent it. Other fields are never known to it.
func (i *Info) Duration(f Field) (time.Duration, bool) {
	unit := layout[f].unit.duration()
	n, ok := i.Uint(f)
	if !ok || unit == 0 {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// Put writes a field, growing the known part up to and including it. It is for tests and for readers of text formats; the bytes of fields that were
// skipped over become known zeros, so such readers write from the front, and only what they know.
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
	i.length = max(i.length, l.offset+uint16(l.size))
}
