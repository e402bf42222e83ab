package diagnose

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestPlaceOf: a socket is found by its inode wherever it stands, also beside namespaces without any.
func TestPlaceOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 6).Draw(t, "sizes")
		inodes := rapid.Permutation([]uint32{0, 1, 2, 3, 4, 5, 1<<32 - 1, 1 << 31, 97, 98, 99, 0, 7, 8, 9, 10, 11, 12}).Draw(t, "inodes")
		now, want := &look.Snapshot{Namespaces: make([]look.Namespace, len(sizes))}, map[uint32]place{}
		for n, size := range sizes {
			for i := range size {
				inode := inodes[len(want)%len(inodes)]
				if _, twice := want[inode]; twice {
					inode = 0
				}
				now.Namespaces[n].Sockets = append(now.Namespaces[n].Sockets, tcp.Socket{State: tcp.CloseWait, Inode: inode})
				want[inode] = place{int32(n), int32(i)}
			}
		}
		sc := newScene(now, nil)
		for inode, at := range want {
			if p, ok := sc.placeOf(inode); ok != (inode != 0) || ok && p != at {
				t.Fatalf("inode %d of %v is at %v %v, want %v", inode, sizes, p, ok, at)
			}
		}
		if p, ok := sc.placeOf(55); ok {
			t.Fatalf("no socket has inode 55, and it is at %v", p)
		}
	})
}
