package look_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/look"
)

// TestHolders holds the table against a map.
func TestHolders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inode := rapid.Uint32Range(0, 60)
		h := look.MakeHolders(rapid.IntRange(0, 40).Draw(t, "room"))
		want := map[uint32][]look.Holder{}
		for range rapid.IntRange(0, 40).Draw(t, "wanted") {
			if n := inode.Draw(t, "want"); n != 0 {
				h.Want(n)
				want[n] = nil
			} else {
				h.Want(n)
			}
		}
		held := 0
		for i := range rapid.IntRange(0, 80).Draw(t, "found") {
			n, holder := inode.Draw(t, "add"), look.Holder{PID: i / 3, FD: i}
			list, wanted := want[n]
			if got := h.Add(n, holder); got != wanted {
				t.Fatalf("Add(%d) says %v, want %v", n, got, wanted)
			}
			if wanted {
				if list == nil {
					held++
				}
				want[n] = append(list, holder)
			}
		}
		if h.Wanted() != len(want) || h.Held() != held {
			t.Fatalf("%d wanted, %d held; want %d and %d", h.Wanted(), h.Held(), len(want), held)
		}
		if pid := rapid.IntRange(0, 80).Draw(t, "drop"); pid > 0 {
			h.Drop(pid)
			for n, list := range want {
				had := len(list) > 0
				want[n] = slices.DeleteFunc(list, func(o look.Holder) bool { return o.PID == pid })
				if had && len(want[n]) == 0 {
					want[n] = nil
					held--
				}
			}
			if h.Held() != held {
				t.Fatalf("%d held without %d, want %d", h.Held(), pid, held)
			}
		}
		n, fd, pid := rapid.Uint32Range(0, 60).Draw(t, "release"), rapid.IntRange(0, 3).Draw(t, "its fd"), rapid.IntRange(1, 80).Draw(t, "its pid")
		gone := look.Holder{PID: pid, FD: fd}
		if list := want[n]; len(list) > 0 && rapid.Bool().Draw(t, "one that it has") {
			gone = list[0]
		}
		h.Release(n, gone)
		if i := slices.Index(want[n], gone); i >= 0 && len(want[n]) > 1 { // the last one stays
			want[n] = slices.Delete(slices.Clone(want[n]), i, i+1)
		}
		for n, list := range h.Shared() {
			if len(list) < 2 || !slices.Equal(list, want[n]) {
				t.Fatalf("Shared has %v of %d, want %v", list, n, want[n])
			}
		}
		all := map[uint32][]look.Holder{}
		for n, holder := range h.All() {
			all[n] = append(all[n], holder)
		}
		for n := range uint32(61) {
			if !slices.Equal(h.Of(n), want[n]) || !slices.Equal(all[n], want[n]) {
				t.Fatalf("Of(%d) = %v, All has %v, want %v", n, h.Of(n), all[n], want[n])
			}
		}
	})
}
