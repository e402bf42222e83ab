package inetdiag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"syscall"
)

// Numbers of include/uapi/linux/netlink.h.
const (
	headerSize = 16 // struct nlmsghdr
	attrSize   = 4  // struct nlattr

	typeNoop    = 1
	typeError   = 2
	typeDone    = 3
	typeOverrun = 4

	flagRequest     = 0x1
	flagMulti       = 0x2
	flagAck         = 0x4
	flagDumpIntr    = 0x10
	flagDump        = 0x300
	flagCapped      = 0x100
	flagAckTLVs     = 0x200
	attrTypeMask    = 0x3fff
	extAckAttrWords = 1 // NLMSGERR_ATTR_MSG
)

// message is one netlink message: its header and the bytes after it.
type message struct {
	typ, flags uint16
	seq        uint32
	body       []byte
}

// nextMessage splits the first message off b. A message that claims to be longer than b or shorter than its header is malformed.
func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < headerSize {
		return m, nil, fmt.Errorf("%w: %d bytes where a header needs %d", ErrMalformed, len(b), headerSize)
	}
	length := int(binary.NativeEndian.Uint32(b))
	if length < headerSize || length > len(b) {
		return m, nil, fmt.Errorf("%w: message of %d bytes in %d", ErrMalformed, length, len(b))
	}
	m.typ = binary.NativeEndian.Uint16(b[4:])
	m.flags = binary.NativeEndian.Uint16(b[6:])
	m.seq = binary.NativeEndian.Uint32(b[8:])
	m.body = b[headerSize:length]
	return m, b[min(align(length), len(b)):], nil
}

// errno returns the kernel's verdict in an error, acknowledgement or done message: 0 for success, and its words if it sent any.
func (m *message) errno() (syscall.Errno, string, error) {
	if m.typ == typeDone && len(m.body) == 0 {
		return 0, "", nil
	}
	if len(m.body) < 4 {
		return 0, "", fmt.Errorf("%w: verdict of %d bytes", ErrMalformed, len(m.body))
	}
	code := int32(binary.NativeEndian.Uint32(m.body))
	if code > 0 || code < -4095 {
		return 0, "", fmt.Errorf("%w: error code %d", ErrMalformed, code)
	}
	return syscall.Errno(-code), m.extendedAck(), nil
}

// extendedAck finds the kernel's explanation behind a verdict (struct nlmsgerr, then the request's payload unless capped, then attributes).
func (m *message) extendedAck() string {
	if m.flags&flagAckTLVs == 0 {
		return ""
	}
	at := 4
	if m.typ == typeError {
		if len(m.body) < 4+headerSize {
			return ""
		}
		at += headerSize
		if m.flags&flagCapped == 0 {
			request := int(binary.NativeEndian.Uint32(m.body[4:]))
			at = 4 + align(max(request, headerSize))
		}
	}
	if at > len(m.body) {
		return ""
	}
	for b := m.body[at:]; ; {
		typ, value, rest, ok := nextAttr(b)
		if !ok {
			return ""
		}
		if typ == extAckAttrWords {
			return string(bytes.TrimRight(value, "\x00"))
		}
		b = rest
	}
}

// nextAttr splits the first attribute off b; ok is false at the end and at an attribute that does not fit, behind which nothing can be trusted.
func nextAttr(b []byte) (typ uint16, value, rest []byte, ok bool) {
	if len(b) < attrSize {
		return 0, nil, nil, false
	}
	length := int(binary.NativeEndian.Uint16(b))
	if length < attrSize || length > len(b) {
		return 0, nil, nil, false
	}
	return binary.NativeEndian.Uint16(b[2:]) & attrTypeMask, b[attrSize:length], b[min(align(length), len(b)):], true
}

func align(n int) int { return (n + 3) &^ 3 }

func appendAttr(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attrSize+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
