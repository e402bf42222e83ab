package tcp_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/tcp"
)

// TestInfo_binary: what is written is read again, gaps between the fields included, also when single fields are known.
func TestInfo_binary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		info := tcp.MakeInfo(rapid.SliceOfN(rapid.Byte(), 0, tcp.InfoSize+8).Draw(t, "structure"))
		if rapid.Bool().Draw(t, "pasted") {
			info = tcp.Info{}
			info.Put(tcp.Field(rapid.IntRange(0, int(tcp.ReceivedCEBytes)).Draw(t, "field")), rapid.Uint64().Draw(t, "value"))
		}
		b, err := info.MarshalBinary()
		var back tcp.Info
		if err == nil {
			err = back.UnmarshalBinary(b)
		}
		if err != nil || !bytes.Equal(back.Bytes(), info.Bytes()) {
			t.Fatalf("%x, back %x, %v", info.Bytes(), back.Bytes(), err)
		}
		for f := range tcp.Fields() {
			was, known := info.Uint(f)
			is, still := back.Uint(f)
			if known != still || was != is {
				t.Fatalf("%v: %d %v, back %d %v", f, was, known, is, still)
			}
		}
	})
}

func TestInfo_binaryLittleEndian(t *testing.T) {
	var info tcp.Info
	info.Put(tcp.RTO, 0x01020304)
	b, err := info.MarshalBinary()
	want := append([]byte{1 << tcp.RTO, 0, 0, 0, 0, 0, 0, 0}, append(make([]byte, 8), 4, 3, 2, 1)...)
	if err != nil || !bytes.Equal(b, want) {
		t.Errorf("%x, %v; want %x", b, err, want)
	}
	for _, bad := range [][]byte{{1}, b[:len(b)-1], b[:8]} {
		if err := info.UnmarshalBinary(bad); err == nil || info.Known() {
			t.Errorf("%x: %v, known %v", bad, err, info.Known())
		}
	}
}

// TestInfo_beyond: bytes that belong to no known field make no difference, wherever they come from.
func TestInfo_beyond(t *testing.T) {
	b := bytes.Repeat([]byte{0xa5}, tcp.InfoSize)
	for n := range b {
		read, kept := tcp.MakeInfo(b[:n]), tcp.Info{}
		exact := tcp.MakeInfo(b[:read.Size()])
		if !read.Equal(exact) {
			t.Fatalf("%d bytes: unlike %d", n, read.Size())
		}
		if n < 2 {
			continue
		}
		written := append([]byte{1 << tcp.CAState, 0, 0, 0, 0, 0, 0, 0, 1, 4}, b[2:n]...)
		if err := kept.UnmarshalBinary(written); err != nil || !kept.Equal(tcp.MakeInfo([]byte{1, 4})) {
			t.Fatalf("%d bytes: %v, %x", n, err, kept.Bytes())
		}
	}
}
