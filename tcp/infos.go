package tcp

import (
	"encoding/binary"
	"math/bits"
)

// Infos keeps what the kernel says of many sockets in little memory: sockets in the same state, of one host, differ in few words of struct tcp_info. Of each state it keeps the first as a whole,
// and of the others by what they differ from that: 20 to 160 bytes instead of 288. Nothing is lost.
//
// The zero Infos is ready to use. It may be dropped while what it has kept is in use.
type Infos struct {
	bases [16]*structure // by tcpi_state
	// room is for the differences to come: one piece of memory for many.
	room []byte
	size int // of the last piece
}

// diff is by what a structure differs from another: a mask of the words of four bytes that differ, the first in the lowest bit, and for each of those, in their order, by how much, as a varint. It
// is as long as that takes; the bytes behind it are another's.
type diff [worthwhile]byte

const (
	word     = 4
	words    = InfoSize / word
	maskSize = (words + 7) / 8
	// worthwhile is the length beyond which a difference saves too little for what it takes to look into it.
	worthwhile = 160
	// The first piece has room for a few, for those of a small host.
	firstRoom, lastRoom = 1 << 10, 64 << 10
)

// Keep returns an Info that stays as it is, whatever becomes of the buffer that i refers to.
func (k *Infos) Keep(i Info) Info {
	if i.base == nil || i.diff != nil {
		return i
	}
	base := &k.bases[int(i.base.raw[0])%len(k.bases)]
	if *base == nil || (*base).known != i.base.known {
		*base = i.whole()
		return (*base).info()
	}
	var room [maskSize + words*binary.MaxVarintLen32]byte
	b := appendDiff(room[:0], *base, i.base)
	if b == nil {
		return (*base).info()
	}
	if len(b) > worthwhile {
		return i.whole().info()
	}
	if len(k.room) < worthwhile {
		k.size = min(max(firstRoom, 2*k.size), lastRoom)
		k.room = make([]byte, k.size)
	}
	kept := (*diff)(k.room)
	k.room = k.room[copy(k.room, b):]
	return Info{base: *base, diff: kept}
}

// appendDiff appends by what a structure differs from another, nil when it does not.
func appendDiff(b []byte, from, to *structure) []byte {
	var mask [maskSize]byte
	b = append(b, mask[:]...)
	for at := 0; at < InfoSize; at += 2 * word { // most words do not differ: two at a time
		if binary.NativeEndian.Uint64(from.raw[at:]) == binary.NativeEndian.Uint64(to.raw[at:]) {
			continue
		}
		for _, at := range [...]int{at, at + word} {
			before, after := binary.NativeEndian.Uint32(from.raw[at:]), binary.NativeEndian.Uint32(to.raw[at:])
			if before != after {
				mask[at/word/8] |= 1 << (at / word % 8)
				b = binary.AppendVarint(b, int64(int32(after-before))) //nolint:gosec // a difference, modulo 2^32
			}
		}
	}
	if len(b) == maskSize {
		return nil
	}
	copy(b, mask[:])
	return b
}

// apply makes of a base what differs from it.
func (d *diff) apply(s *structure) {
	at := maskSize
	for w := range words {
		if d[w/8]>>(w%8)&1 != 0 {
			by, n := varint(d[at:])
			at += n
			b := s.raw[w*word:]
			binary.NativeEndian.PutUint32(b, binary.NativeEndian.Uint32(b)+by)
		}
	}
}

// varint reads what binary.AppendVarint wrote.
func varint(b []byte) (value uint32, n int) {
	var u uint64
	for n < binary.MaxVarintLen32 {
		c := b[n]
		u |= uint64(c&0x7f) << (7 * n)
		if n++; c < 0x80 {
			break
		}
	}
	return uint32(u>>1) ^ -uint32(u&1), n
}

// words returns one or two words of a structure that differs from its base.
func (i *Info) words(first, n int) (b [2 * word]byte) {
	for w := range n {
		value := binary.NativeEndian.Uint32(i.base.raw[(first+w)*word:])
		if at := first + w; i.diff[at/8]>>(at%8)&1 != 0 {
			value += i.diff.by(at)
		}
		binary.NativeEndian.PutUint32(b[w*word:], value)
	}
	return b
}

// by returns by how much a word that differs does so.
func (d *diff) by(w int) uint32 {
	low := binary.LittleEndian.Uint64(d[:])
	before := bits.OnesCount64(low & (1<<w - 1)) // a shift by 64 or more gives 0, and then all of them
	if w > 64 {
		before += bits.OnesCount8(d[8] & (1<<(w-64) - 1))
	}
	at := maskSize
	for ; before > 0; at++ {
		if d[at] < 0x80 {
			before--
		}
	}
	value, _ := varint(d[at:])
	return value
}
