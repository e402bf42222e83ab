package inetdiag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"testing"

	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/tcp"
)

// littleEndian reports whether this machine is of the byte order in which testdata was recorded.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// native returns recorded messages as a kernel of this machine's byte order would have sent them.
func native(b []byte) []byte {
	if littleEndian {
		return b
	}
	b = slices.Clone(b)
	for at := 0; at+headerSize <= len(b); {
		length := int(binary.LittleEndian.Uint32(b[at:]))
		m := b[at : at+length]
		swap(m, 4, 2, 2, 4, 4)
		if typ := binary.NativeEndian.Uint16(m[4:]); typ == typeDumpBoth || typ == typeByFamily {
			swap(m[headerSize+40:], 4, 4, 4, 4, 4, 4, 4, 4)
			swapAttributes(m[headerSize+socketSize:], attribute)
		} else {
			swap(m[headerSize:], 4)
		}
		at += align(length)
	}
	return b
}

// swap turns round numbers of so many bytes that follow each other.
func swap(b []byte, sizes ...int) {
	for _, n := range sizes {
		slices.Reverse(b[:n])
		b = b[n:]
	}
}

func swapAttributes(b []byte, value func(typ uint16, v []byte)) {
	for len(b) >= attrSize {
		swap(b, 2, 2)
		length := int(binary.NativeEndian.Uint16(b))
		value(binary.NativeEndian.Uint16(b[2:])&attrTypeMask, b[attrSize:length])
		b = b[min(align(length), len(b)):]
	}
}

// attribute turns round the numbers of one attribute.
func attribute(typ uint16, v []byte) {
	switch typ {
	case attrSkMemInfo:
		for ; len(v) >= 4; v = v[4:] {
			swap(v, 4)
		}
	case attrMark, attrClassID:
		swap(v, 4)
	case attrCgroup:
		swap(v, 8)
	case attrULP:
		swapAttributes(v, func(uint16, []byte) {})
	case attrInfo: // its own codec knows where the numbers are, and writes them little-endian from any order
		known := tcp.MakeInfo(v)
		marshalled, _ := known.MarshalBinary()
		copy(v, marshalled[8:])
	}
}

// TestDecode_recorded decodes what a little-endian kernel sent, on machines of both byte orders, to the same values.
func TestDecode_recorded(t *testing.T) {
	var out bytes.Buffer
	for _, body := range messages(t, recorded(t)) {
		var s tcp.Socket
		unknown, err := Decode(body, &s)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		hash := fnv.New64a()
		hash.Write(info)
		fmt.Fprintf(&out, "%v %v %v %v if %d %v inode %d uid %d queues %d %d %+v sent %b shutdown %d tos %d %d v6only %v options %b mark %d %d cgroup %d %v %v %+v info %016x unknown %d\n",
			s.Family, s.State, s.Local, s.Peer, s.Interface, s.Cookie, s.Inode, s.UID, s.RecvQueue, s.SendQueue, s.Timer, s.Sent, s.Shutdown, s.TOS, s.TClass, s.V6Only, s.More().Options,
			s.More().Mark, s.More().ClassID, s.More().CgroupID, s.More().Congestion, s.More().ULP, s.More().Memory, hash.Sum64(), unknown)
	}
	golden.Compare(t, "dumps.golden", out.Bytes())
}
