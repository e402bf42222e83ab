package tcp_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/tcp"
)

// TestInfos: what is kept says the same as what was handed over, whatever the buffer is filled with afterwards, and can be written, copied and changed like any other.
func TestInfos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kept tcp.Infos
		var buffer tcp.InfoBuffer
		var want, got []tcp.Info
		raw := rapid.SliceOfN(rapid.Byte(), 0, tcp.InfoSize).Draw(t, "structure")
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			if rapid.IntRange(0, 9).Draw(t, "other") == 0 {
				raw = rapid.SliceOfN(rapid.Byte(), 0, tcp.InfoSize).Draw(t, "structure")
			}
			for range rapid.IntRange(0, 5).Draw(t, "changes") {
				if len(raw) > 0 {
					raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
				}
			}
			want, got = append(want, tcp.MakeInfo(raw)), append(got, kept.Keep(buffer.Set(raw)))
		}
		for i := range want {
			if !got[i].Equal(want[i]) || !bytes.Equal(got[i].Bytes(), want[i].Bytes()) || got[i].Size() != want[i].Size() {
				t.Fatalf("%d: %x, want %x", i, got[i].Bytes(), want[i].Bytes())
			}
			for f := range tcp.Fields() {
				was, known := want[i].Uint(f)
				if is, still := got[i].Uint(f); known != still || was != is {
					t.Fatalf("%d, %v: %d %v, want %d %v", i, f, is, still, was, known)
				}
			}
			clone, changed := got[i].Clone(), got[i]
			changed.Put(tcp.RTO, 77)
			if n, _ := changed.Uint(tcp.RTO); n != 77 || !clone.Equal(want[i]) || !got[i].Equal(want[i]) {
				t.Fatalf("%d: a copy is not its own", i)
			}
		}
	})
}

// TestInfoBuffer: the buffer shows what it was filled with last, and what was cloned stays.
func TestInfoBuffer(t *testing.T) {
	var buffer tcp.InfoBuffer
	long := bytes.Repeat([]byte{7}, tcp.InfoSize)
	first := buffer.Set(long)
	kept := first.Clone()
	if second := buffer.Set(long[:12]); second.Has(tcp.SndWnd) || second.Size() != 12 || !kept.Has(tcp.SndWnd) {
		t.Errorf("%d bytes, kept %d", second.Size(), kept.Size())
	}
	buffer.Load(kept)
	buffer.Put(tcp.RTO, 9)
	now := buffer.Info()
	if n, ok := now.Uint(tcp.RTO); n != 9 || !ok || !now.Has(tcp.SndWnd) {
		t.Errorf("%d, %v", n, ok)
	}
	if n, _ := kept.Uint(tcp.RTO); n == 9 {
		t.Error("what was kept has changed")
	}
	if nothing := buffer.Set(nil); nothing.Known() || nothing.Bytes() != nil {
		t.Error("nothing is known")
	}
}

// similar are structures as a host with many similar connections shows them: times, round trips and counters differ.
func similar(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		raw := make([]byte, tcp.InfoSize)
		raw[0] = byte(tcp.CloseWait)
		for _, at := range []int{8, 12, 16, 20, 60, 64, 80, 84, 88, 96, 228, 232} {
			binary.NativeEndian.PutUint32(raw[at:], 65_536)
		}
		for _, at := range []int{44, 52, 56} {
			binary.NativeEndian.PutUint32(raw[at:], uint32(30_000+7*i))
		}
		for _, at := range []int{68, 72, 104, 148} {
			binary.NativeEndian.PutUint32(raw[at:], uint32(50+i*31%977))
		}
		list[i] = raw
	}
	return list
}

func BenchmarkInfos(b *testing.B) {
	list := similar(1000)
	b.Run("keep", func(b *testing.B) {
		var kept tcp.Infos
		var buffer tcp.InfoBuffer
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			kept.Keep(buffer.Set(list[i%len(list)]))
		}
	})
	b.Run("read", func(b *testing.B) {
		var kept tcp.Infos
		var infos []tcp.Info
		for _, raw := range list {
			infos = append(infos, kept.Keep(tcp.MakeInfo(raw)))
		}
		for i := 0; b.Loop(); i++ {
			info := &infos[i%len(infos)]
			if _, ok := info.Duration(tcp.LastAckRecv); !ok {
				b.Fatal("unknown")
			}
		}
	})
}
