package probe

import (
	"encoding/binary"

	"github.com/closewait/closewait/tcp"
)

// Kind says what a descriptor refers to.
type Kind uint8

// The kinds of descriptors that are listed.
const (
	OtherSocket Kind = iota // among them those of Multipath TCP, whose inode their first connection shares
	TCPSocket
	Epoll // an epoll instance
	Ring  // an io_uring
)

// Descriptor is one descriptor of one process.
type Descriptor struct {
	PID, FD int
	Kind    Kind
	Inode   uint32 // the socket's in sockfs, cut to the 32 bits that sock_diag reports of it
	Netns   uint64 // inode of the socket's network namespace, which need not be its holder's
	// State is that of a TCP socket. Connected says of one in state Closed that it has been part of a connection; sockopt.Facts.WasConnected asks for the same.
	State     tcp.State
	Connected bool
	// CloseOnExec is known of sockets.
	CloseOnExec bool
}

// recordSize is the size of struct holder in bpf/descriptor.h.
const recordSize = 32

// The first bytes of the names of the kernel's own files, which nothing else can give to files of their file system.
const (
	nameEpoll = "[eventpoll]"
	nameRing  = "[io_uring]"
)

// The numbers of the kernel by which a TCP socket is known.
const (
	familyIPv4, familyIPv6 = 2, 10
	typeStream             = 1
	protocolTCP            = 6
)

// decode reads one record and reports whether it is of a kind that is listed.
func (d *Descriptor) decode(b *[recordSize]byte) bool {
	*d = Descriptor{
		PID: int(binary.NativeEndian.Uint32(b[0:])), FD: int(binary.NativeEndian.Uint32(b[4:])),
		Inode: binary.NativeEndian.Uint32(b[8:]), Netns: uint64(binary.NativeEndian.Uint32(b[12:])),
	}
	name := b[24:]
	family := binary.NativeEndian.Uint16(b[20:])
	switch {
	case family == 0 && string(name) == nameEpoll[:len(name)]:
		d.Kind = Epoll
	case family == 0 && string(name) == nameRing[:len(name)]:
		d.Kind = Ring
	case family == 0:
		return false
	case (family == familyIPv4 || family == familyIPv6) && binary.NativeEndian.Uint16(b[22:]) == protocolTCP && binary.NativeEndian.Uint16(b[24:]) == typeStream:
		d.Kind, d.State, d.Connected = TCPSocket, tcp.State(b[26]), binary.NativeEndian.Uint32(b[16:]) != 0
	}
	d.CloseOnExec = family != 0 && b[27] != 0
	return true
}
