package look

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// errHolders is what UnmarshalBinary makes of bytes that MarshalBinary cannot have written.
var errHolders = errors.New("table of holders: damaged")

// maxWanted bounds the inodes UnmarshalBinary makes room for: bytes come from strangers, and a slot takes more room than they do.
const maxWanted = 1 << 22

// MarshalBinary implements encoding.BinaryMarshaler: for each wanted inode, in ascending order, the inode, the number of its holders, and the pid and
// descriptor of each, all as varints. The same holders give the same bytes.
func (h Holders) MarshalBinary() ([]byte, error) {
	inodes := make([]uint32, 0, h.count)
	for i := range h.slots {
		if h.slots[i].inode != 0 {
			inodes = append(inodes, h.slots[i].inode)
		}
	}
	slices.Sort(inodes)
	b := make([]byte, 0, 8*len(inodes))
	var list []Holder
	for _, inode := range inodes {
		list = h.Append(list[:0], inode)
		b = binary.AppendUvarint(b, uint64(inode))
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, holder := range list {
			b = binary.AppendVarint(b, int64(holder.PID))
			b = binary.AppendVarint(b, int64(holder.FD))
		}
	}
	return b, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (h *Holders) UnmarshalBinary(b []byte) error {
	*h = Holders{}
	r := varints{b}
	for len(r.b) > 0 {
		inode, n := r.unsigned(), r.unsigned()
		if inode == 0 || inode >= 1<<32 || h.Wants(uint32(inode)) || h.count >= maxWanted {
			return errHolders
		}
		h.Want(uint32(inode))
		for range n {
			holder := Holder{PID: int(r.signed()), FD: int(r.signed())}
			if r.b == nil || holder.PID < 0 || holder.PID > math.MaxInt32 {
				return errHolders
			}
			h.Add(uint32(inode), holder)
		}
		if r.b == nil {
			return errHolders
		}
	}
	return nil
}

// varints are numbers to be read one after the other; b becomes nil when there is none where one should be.
type varints struct{ b []byte }

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	r.advance(n)
	return v
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.b)
	r.advance(n)
	return v
}

func (r *varints) advance(n int) {
	if n <= 0 {
		r.b = nil
		return
	}
	r.b = r.b[n:]
}
