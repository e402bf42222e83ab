package look_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/look"
)

func TestHolders_binary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfDistinct(rapid.Uint32Min(1), rapid.ID[uint32]).Draw(t, "wanted")
		holders := look.MakeHolders(rapid.IntRange(0, 40).Draw(t, "room"))
		for _, inode := range wanted {
			holders.Want(inode)
			for range rapid.IntRange(0, 3).Draw(t, "holders") {
				holders.Add(inode, look.Holder{PID: rapid.IntRange(0, math.MaxInt32).Draw(t, "pid"), FD: rapid.IntRange(0, 1<<20).Draw(t, "fd")})
			}
		}
		b, err := holders.MarshalBinary()
		var back look.Holders
		if err == nil {
			err = back.UnmarshalBinary(b)
		}
		if err != nil || back.Wanted() != holders.Wanted() || back.Held() != holders.Held() {
			t.Fatalf("%d wanted, %d held, %v; want %d and %d", back.Wanted(), back.Held(), err, holders.Wanted(), holders.Held())
		}
		for _, inode := range wanted {
			if !back.Wants(inode) || !slices.Equal(back.Of(inode), holders.Of(inode)) {
				t.Fatalf("%d: %v, want %v", inode, back.Of(inode), holders.Of(inode))
			}
		}
		if again, _ := back.MarshalBinary(); !bytes.Equal(again, b) {
			t.Fatalf("%x, written again %x", b, again)
		}
	})
}

// TestHolders_binary_pids: no kernel gives such pids, and what stands on them keeps them in 32 bits.
func TestHolders_binary_pids(t *testing.T) {
	for _, b := range [][]byte{{1, 1, 128, 128, 128, 128, 16, 0}, {1, 1, 1, 0}} { // 1<<31 and -1
		var h look.Holders
		if err := h.UnmarshalBinary(b); err == nil {
			t.Errorf("%x: holders %v", b, h.Of(1))
		}
	}
}

func FuzzHolders_binary(f *testing.F) {
	for _, seed := range [][]byte{{}, {1, 0}, {7, 1, 2, 4}, {7, 2, 2, 4, 2, 6, 8, 0}, {7, 1, 2}, {0, 0}, {7, 0, 7, 0}, {1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, {1, 1, 128, 128, 128, 128, 16, 0}, {1, 1, 1, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h look.Holders
		if h.UnmarshalBinary(b) != nil {
			return
		}
		written, err := h.MarshalBinary()
		var back look.Holders
		if err != nil || back.UnmarshalBinary(written) != nil || back.Wanted() != h.Wanted() || back.Held() != h.Held() {
			t.Fatalf("%x, written again %x, %v", b, written, err)
		}
	})
}
