package probe

import (
	"encoding/binary"

	"github.com/closewait/closewait/tcp"
)

// Kind says what a descriptor refers to.
type Kind uint8

// The kinds, as bpf/holders.c numbers them.
const (
	OtherSocket Kind = iota // among them those of Multipath TCP, whose inode their first connection shares
	TCPSocket
	Epoll // an epoll instance
)

// Descriptor is one descriptor of one process.
type Descriptor struct {
	PID, FD int
	Kind    Kind
	Inode   uint32 // the socket's in sockfs, cut to the 32 bits that sock_diag reports of it
	Netns   uint64 // inode of the socket's network namespace, which need not be its holder's
	// State and Connected are those of a TCP socket. Connected says that it has ever been part of a connection; sockopt.Facts.WasConnected asks for the same.
	State     tcp.State
	Connected bool
}

// recordSize is the size of struct holder in bpf/holders.c.
const recordSize = 20

// decode reads one record.
func (d *Descriptor) decode(b *[recordSize]byte) {
	*d = Descriptor{
		PID: int(binary.NativeEndian.Uint32(b[0:])), FD: int(binary.NativeEndian.Uint32(b[4:])),
		Inode: binary.NativeEndian.Uint32(b[8:]), Netns: uint64(binary.NativeEndian.Uint32(b[12:])),
		Kind: Kind(b[16]), State: tcp.State(b[17]), Connected: b[18] != 0,
	}
}
