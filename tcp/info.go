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
//
// An Info is small and refers to what it knows, which does not change: copies share it. The exception is one that an [InfoBuffer] gave.
type Info struct {
	_    [0]func()  // Infos are compared by Equal, not by what they refer to
	base *structure // nil when nothing is known
	diff *diff      // by what the structure differs from base, see Infos; nil when it does not
}

// structure is a struct tcp_info in the machine's byte order.
type structure struct {
	known uint64 // bit f says that field f is known
	raw   [InfoSize]byte
}

// MakeInfo copies the bytes of a struct tcp_info in the machine's byte order. Bytes beyond InfoSize are fields of newer kernels and are left out.
func MakeInfo(b []byte) Info {
	s := new(structure)
	s.set(b)
	return s.info()
}

func (s *structure) set(b []byte) {
	s.know(knownOf[copy(s.raw[:], b)])
}

// know makes those fields of what is there known, and clears what follows the last of them: part of a field, or what is left of another structure.
func (s *structure) know(fields uint64) {
	s.known = fields
	clear(s.raw[s.length():])
}

// knownOf are the fields that so many bytes of the structure reach.
var knownOf = func() (known [InfoSize + 1]uint64) {
	for n := range known {
		for f := Field(0); f < fieldsLength && layout[f].end() <= n; f++ {
			known[n] |= 1 << f
		}
	}
	return known
}()

func (s *structure) put(f Field, value uint64) {
	l := &layout[f]
	switch b := s.raw[l.offset:]; l.size {
	case 1:
		b[0] = byte(value)
	case 2:
		binary.NativeEndian.PutUint16(b, uint16(value))
	case 4:
		binary.NativeEndian.PutUint32(b, uint32(value))
	case 8:
		binary.NativeEndian.PutUint64(b, value)
	}
	s.known |= 1 << f
}

// length is where the last known field ends.
func (s *structure) length() int {
	if s.known == 0 {
		return 0
	}
	return layout[bits.Len64(s.known)-1].end()
}

func (s *structure) info() Info {
	if s.known == 0 {
		return Info{}
	}
	return Info{base: s}
}

// whole returns a copy of the structure.
func (i *Info) whole() *structure {
	s := new(structure)
	if i.base == nil {
		return s
	}
	*s = *i.base
	if i.diff != nil {
		i.diff.apply(s)
	}
	return s
}

// Clone returns an Info that stays as it is, whatever becomes of the buffer that i refers to.
func (i *Info) Clone() Info {
	if i.base == nil || i.diff != nil {
		return *i
	}
	return i.whole().info()
}

// Bytes returns a copy of the structure up to its last known field; what is not known of it is zero.
func (i *Info) Bytes() []byte {
	if i.base == nil {
		return nil
	}
	s := i.whole()
	return s.raw[:s.length()]
}

// Byte returns one byte of the structure, for what no Field is: its bit fields. ok is false where it is beyond the last known field.
func (i *Info) Byte(offset int) (b byte, ok bool) {
	if offset >= i.Size() {
		return 0, false
	}
	if i.diff == nil {
		return i.base.raw[offset], true
	}
	w := i.words(offset/word, 1)
	return w[offset%word], true
}

// Size is the number of bytes up to the end of the last known field.
func (i *Info) Size() int {
	if i.base == nil {
		return 0
	}
	return i.base.length()
}

// Equal reports whether the same fields are known of both, with the same values.
func (i Info) Equal(other Info) bool {
	if i.base == nil || other.base == nil {
		return i.base == other.base
	}
	return *i.whole() == *other.whole()
}

// Known reports whether anything at all is known.
func (i *Info) Known() bool { return i.base != nil }

// Has reports whether the field is known.
func (i *Info) Has(f Field) bool { return i.base != nil && i.base.known>>f&1 != 0 }

// Uint returns a field in the unit of Field.Unit, and whether it is known.
func (i *Info) Uint(f Field) (uint64, bool) {
	if !i.Has(f) {
		return 0, false
	}
	l := &layout[f]
	b := i.base.raw[l.offset:]
	if i.diff != nil {
		w := i.words(int(l.offset)/word, (int(l.size)+word-1)/word)
		b = w[l.offset%word:]
	}
	switch l.size {
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

// Put makes a field known, to i alone and none of its copies. It is for tests and for readers of text formats: each call copies the structure.
func (i *Info) Put(f Field, value uint64) {
	s := i.whole()
	s.put(f, value)
	*i = s.info()
}

// InfoBuffer is room for one struct tcp_info after the other, for readers that look at many and keep few. What its methods return is overwritten by the next call of one that changes it:
// [Info.Clone] or [Infos.Keep] keeps it.
type InfoBuffer struct{ structure structure }

// Set is MakeInfo in the buffer.
func (b *InfoBuffer) Set(raw []byte) Info {
	b.structure.set(raw)
	return b.structure.info()
}

// Load fills the buffer with a copy.
func (b *InfoBuffer) Load(i Info) {
	b.structure = structure{}
	if i.base != nil {
		b.structure = *i.whole()
	}
}

// Put makes a field known.
func (b *InfoBuffer) Put(f Field, value uint64) { b.structure.put(f, value) }

// Info returns what is in the buffer.
func (b *InfoBuffer) Info() Info { return b.structure.info() }
