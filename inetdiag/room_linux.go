package inetdiag

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/tcp"
)

// hugePages is the room, in bytes, from which on huge pages pay: some of 2 MB each.
const hugePages = 8 << 20

// MakeSockets returns an empty slice with room for n sockets, to be handed to Sockets by those who keep many. The kernel is advised to back a large one by huge pages
// (MADV_HUGEPAGE): 200,000 sockets are 25,000 small ones, each a fault when it is filled and a miss of the translation cache whenever a socket is looked up. Where
// it does not follow the advice the slice is like any other.
func MakeSockets(n int) []tcp.Socket {
	room := make([]tcp.Socket, 0, n)
	if size := n * int(unsafe.Sizeof(tcp.Socket{})); size >= hugePages {
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(room))), size), unix.MADV_HUGEPAGE)
	}
	return room
}
