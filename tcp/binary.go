package tcp

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errInfo is what UnmarshalBinary makes of bytes that MarshalBinary cannot have written.
var errInfo = errors.New("tcp_info: fewer bytes than fields")

// MarshalBinary implements encoding.BinaryMarshaler for files that another machine reads: eight bytes that say which fields are known, the first
// in the lowest bit, then the structure up to its last known field; all numbers little-endian. An Info that knows nothing is no bytes at all.
func (i Info) MarshalBinary() ([]byte, error) {
	if i.known == 0 {
		return []byte{}, nil
	}
	raw := i.Bytes()
	b := make([]byte, 8, 8+len(raw))
	binary.LittleEndian.PutUint64(b, i.known)
	b = append(b, raw...)
	i.toLittleEndian(b[8:])
	return b, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. Fields that this version does not know are left out; they can only follow those it does.
func (i *Info) UnmarshalBinary(b []byte) error {
	*i = Info{}
	if len(b) == 0 {
		return nil
	}
	if len(b) < 8 {
		return errInfo
	}
	known := binary.LittleEndian.Uint64(b) & (1<<fieldsLength - 1)
	n := copy(i.raw[:], b[8:])
	for f := range fieldsLength {
		if known>>f&1 != 0 && layout[f].end() > n {
			*i = Info{}
			return errInfo
		}
	}
	i.known = known
	i.toLittleEndian(i.raw[:])
	return nil
}

// toLittleEndian turns the known fields of a structure from the machine's byte order to little-endian, or back.
func (i *Info) toLittleEndian(raw []byte) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return
	}
	for f := range fieldsLength {
		if i.Has(f) {
			slices.Reverse(raw[layout[f].offset:layout[f].end()])
		}
	}
}
