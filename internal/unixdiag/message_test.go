package unixdiag

import (
	"encoding/binary"
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netlink"
)

func u32(list ...uint32) (b []byte) {
	for _, n := range list {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

// message is what the kernel says of a socket.
func message(state byte, inode uint32, name string, attributes ...[]byte) []byte {
	b := append([]byte{family, stream, state, 0}, u32(inode, 1, 0)...)
	if name != "" {
		b = netlink.Attribute(b, attrName, []byte(name))
	}
	for _, a := range attributes {
		b = append(b, a...)
	}
	return b
}

func peer(inode uint32) []byte    { return netlink.Attribute(nil, attrPeer, u32(inode)) }
func queues(unread uint32) []byte { return netlink.Attribute(nil, attrQueues, u32(unread, 0)) }

func TestTable(t *testing.T) {
	table := newTable()
	for _, body := range [][]byte{
		message(listening, 1, "/run/a\x00", netlink.Attribute(nil, attrQueued, u32(12, 13)), queues(2)),
		message(listening, 2, "\x00abstract"), message(listening, 3, "/run/twice\x00"), message(listening, 4, "/run/twice\x00"),
		message(established, 10, "", peer(11), queues(0)), message(established, 11, "/run/a\x00", peer(10), queues(83)),
		message(established, 12, "", queues(0)), // 13 is of another namespace
		message(established, 20, "", peer(21)), message(established, 21, "\x00abstract", peer(20)),
		message(established, 30, "", peer(31)), message(established, 31, "/run/twice\x00", peer(30)),
		message(established, 40, "", peer(41)), message(established, 41, "", peer(40)),
		message(established, 50, "/run/own\x00", peer(51)), message(established, 51, "/run/a\x00", peer(50)),
		message(established, 60, "", peer(99)), // of another namespace
		message(established, 80, ""),           // whose other end is gone
		message(established, 70, "")[:12],
		append([]byte{family, 2}, message(established, 71, "")[2:]...), // datagrams
	} {
		table.add(body)
	}
	for inode, want := range map[uint32]look.Unix{
		10: {Peer: 11, Connected: true, Path: "/run/a", Listener: 1, Unread: 83},
		11: {Peer: 10, Path: "/run/a"},
		12: {Queued: true, Connected: true, Path: "/run/a", Listener: 1},
		13: {Queued: true, Connected: true, Path: "/run/a", Listener: 1},
		20: {Peer: 21, Connected: true, Path: "@abstract", Listener: 2},
		30: {Peer: 31, Connected: true, Path: "/run/twice"},
		40: {Peer: 41},
		50: {Peer: 51, Path: "/run/own"}, // who connected bound a name of its own: both have one
		60: {Peer: 99},
	} {
		if got, ok := table.Of(inode); !ok || got != want {
			t.Errorf("%d: %+v, %v, want %+v", inode, got, ok, want)
		}
	}
	for _, inode := range []uint32{1, 70, 71, 80, 0} {
		if u, ok := table.Of(inode); ok {
			t.Errorf("%d: %+v", inode, u)
		}
	}
}

// FuzzTable: whatever comes is decoded without harm.
func FuzzTable(f *testing.F) {
	f.Add(message(listening, 1, "/run/a\x00", netlink.Attribute(nil, attrQueued, u32(12, 13)), queues(2)))
	f.Add(message(established, 12, "\x00abstract", peer(11), queues(83)))
	f.Fuzz(func(t *testing.T, body []byte) {
		table := newTable()
		table.add(body)
		for inode := range table.byInode {
			if u, ok := table.Of(inode); ok && u.End() == 0 && !u.Queued {
				t.Errorf("%d: %+v, %v", inode, u, ok)
			}
		}
	})
}
