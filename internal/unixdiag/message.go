package unixdiag

import (
	"encoding/binary"
	"strings"

	"github.com/closewait/closewait/internal/netlink"
)

// Numbers of include/uapi/linux/unix_diag.h and of TCP's states, which these sockets have, too.
const (
	family      = 1 // AF_UNIX
	stream      = 1 // SOCK_STREAM
	established = 1
	listening   = 10

	requestSize = 24 // struct unix_diag_req
	messageSize = 16 // struct unix_diag_msg

	attrName   = 0 // UNIX_DIAG_NAME
	attrPeer   = 2 // UNIX_DIAG_PEER
	attrQueued = 3 // UNIX_DIAG_ICONS
	attrQueues = 4 // UNIX_DIAG_RQLEN

	showName   = 1 << 0 // UDIAG_SHOW_NAME
	showPeer   = 1 << 2 // UDIAG_SHOW_PEER
	showQueued = 1 << 3 // UDIAG_SHOW_ICONS
	showQueues = 1 << 4 // UDIAG_SHOW_RQLEN
)

// request asks for the sockets that are connected or listen.
func request() []byte {
	b := make([]byte, requestSize)
	b[0] = family
	binary.NativeEndian.PutUint32(b[4:], 1<<established|1<<listening)
	binary.NativeEndian.PutUint32(b[12:], showName|showPeer|showQueued|showQueues)
	return b
}

// socket is one as the kernel reports it; ends that nobody has accepted it does not.
type socket struct {
	listens     bool
	inode, peer uint32
	name        string
	unread      uint32   // of an established one: bytes to read
	queued      []uint32 // of a listener: who has connected and was not accepted, by inode
}

// decode reads a message; ok is false where it is of no stream.
func decode(body []byte) (s socket, ok bool) {
	if len(body) < messageSize || body[0] != family || body[1] != stream {
		return s, false
	}
	s.listens = body[2] == listening
	s.inode = binary.NativeEndian.Uint32(body[4:])
	netlink.Attributes(body[messageSize:], func(kind uint16, value []byte) {
		switch {
		case kind == attrName:
			s.name = name(value)
		case kind == attrPeer && len(value) >= 4:
			s.peer = binary.NativeEndian.Uint32(value)
		case kind == attrQueued:
			for ; len(value) >= 4; value = value[4:] {
				s.queued = append(s.queued, binary.NativeEndian.Uint32(value))
			}
		case kind == attrQueues && len(value) >= 4 && !s.listens:
			s.unread = binary.NativeEndian.Uint32(value)
		}
	})
	return s, true
}

// name is an address as ss writes it: a path, or the name of an abstract one, which begins with a zero byte, behind an @.
func name(address []byte) string {
	text := string(address)
	if abstract, is := strings.CutPrefix(text, "\x00"); is {
		return "@" + abstract
	}
	path, _, _ := strings.Cut(text, "\x00")
	return path
}
