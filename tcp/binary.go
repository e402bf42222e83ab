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
	if i.base == nil {
		return []byte{}, nil
	}
	s := i.whole()
	b := make([]byte, 8, 8+s.length())
	binary.LittleEndian.PutUint64(b, s.known)
	b = append(b, s.raw[:s.length()]...)
	s.toLittleEndian(b[8:])
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
	s := new(structure)
	known := binary.LittleEndian.Uint64(b) & (1<<fieldsLength - 1)
	n := copy(s.raw[:], b[8:])
	for f := range fieldsLength {
		if known>>f&1 != 0 && layout[f].end() > n {
			return errInfo
		}
	}
	s.know(known)
	s.toLittleEndian(s.raw[:])
	*i = s.info()
	return nil
}

// toLittleEndian turns the known fields of a structure from the machine's byte order to little-endian, or back.
func (s *structure) toLittleEndian(raw []byte) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return
	}
	for f := range fieldsLength {
		if s.known>>f&1 != 0 {
			slices.Reverse(raw[layout[f].offset:layout[f].end()])
		}
	}
}
