package tcp_test

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/tcp"
)

// TestInfo_lengths reads the structure as kernels of all ages send it: what the bytes do not reach is unknown.
func TestInfo_lengths(t *testing.T) {
	full := make([]byte, tcp.InfoSize+40)
	binary.NativeEndian.PutUint32(full[8:], 204_000)  // tcpi_rto
	binary.NativeEndian.PutUint32(full[56:], 110_840) // tcpi_last_ack_recv
	binary.NativeEndian.PutUint32(full[228:], 65536)  // tcpi_snd_wnd
	full[2] = 13                                      // tcpi_retransmits
	for _, length := range []int{0, 3, 8, 12, 104, 192, 224, 232, 248, 280, 320} {
		info := tcp.MakeInfo(full[:length])
		for field, end := range map[tcp.Field]int{
			tcp.Retransmits: 3, tcp.RTO: 12, tcp.LastAckRecv: 60, tcp.TotalRetrans: 104, tcp.BytesAcked: 128, tcp.SndWnd: 232, tcp.TotalRTOTime: 248,
			tcp.ReceivedCEBytes: 276,
		} {
			if got, want := info.Has(field), length >= end; got != want {
				t.Errorf("%d bytes: %v known %v, want %v", length, field, got, want)
			}
		}
		if info.Known() != (length >= 2) {
			t.Errorf("%d bytes: known %v", length, info.Known())
		}
	}
	info := tcp.MakeInfo(full)
	if n, ok := info.Uint(tcp.SndWnd); !ok || n != 65536 {
		t.Errorf("snd_wnd %d, %v", n, ok)
	}
	if d, ok := info.Duration(tcp.RTO); !ok || d != 204*time.Millisecond {
		t.Errorf("rto %v, %v", d, ok)
	}
	if d, ok := info.Duration(tcp.LastAckRecv); !ok || d != 110840*time.Millisecond {
		t.Errorf("last_ack_recv %v, %v", d, ok)
	}
	if _, ok := info.Duration(tcp.SndWnd); ok {
		t.Error("a window is a duration")
	}
}

// TestInfo_layout holds the table of fields against the structure: in order, without overlap, inside.
func TestInfo_layout(t *testing.T) {
	seen := map[string]bool{}
	for f := range tcp.Fields() {
		if f.String() == "" || f.Key() == "" || seen[f.Key()] {
			t.Errorf("field %d: name %q, key %q", f, f, f.Key())
		}
		seen[f.Key()] = true
	}
	if len(seen) != int(tcp.ReceivedCEBytes)+1 {
		t.Errorf("%d fields", len(seen))
	}
	for length := range tcp.InfoSize + 1 { // known fields are always a prefix of the structure
		info, ended := tcp.MakeInfo(make([]byte, length)), false
		for f := range tcp.Fields() {
			if has := info.Has(f); has && ended {
				t.Fatalf("%d bytes: %v is known, one before it is not", length, f)
			} else if !has {
				ended = true
			}
		}
	}
}

// TestInfo_put: a field that is put comes back, and makes no other known.
func TestInfo_put(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var info tcp.Info
		want := map[tcp.Field]uint64{}
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			f := tcp.Field(rapid.IntRange(0, int(tcp.ReceivedCEBytes)).Draw(t, "field"))
			want[f] = uint64(rapid.Byte().Draw(t, "value"))
			info.Put(f, want[f])
		}
		for f := range tcp.Fields() {
			value, known := want[f]
			if got, ok := info.Uint(f); ok != known || got != value {
				t.Fatalf("%v: %d, %v; want %d, %v", f, got, ok, value, known)
			}
		}
		if again := tcp.MakeInfo(info.Bytes()); len(info.Bytes()) > 0 && !again.Known() {
			t.Fatal("the bytes do not make it known again")
		}
	})
}

func BenchmarkInfo(b *testing.B) {
	raw := make([]byte, tcp.InfoSize)
	var buffer tcp.InfoBuffer
	b.ReportAllocs()
	for b.Loop() {
		info := buffer.Set(raw)
		if _, ok := info.Duration(tcp.TotalRTOTime); !ok {
			b.Fatal("unknown")
		}
	}
}
