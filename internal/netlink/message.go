package netlink

import "encoding/binary"

// Numbers of include/uapi/linux/netlink.h.
const (
	headerSize    = 16 // struct nlmsghdr
	attributeSize = 4  // struct nlattr
	errorType     = 2  // NLMSG_ERROR
	doneType      = 3  // NLMSG_DONE
	typeMask      = 0x3fff
)

// Messages calls visit for each message of what was received, without its header, and says whether the last one was among them, and which error the kernel answered with, 0 for none.
func Messages(b []byte, visit func(body []byte)) (done bool, errno int32) {
	for len(b) >= headerSize {
		length := int(binary.NativeEndian.Uint32(b))
		if length < headerSize || length > len(b) {
			break
		}
		body := b[headerSize:length]
		switch binary.NativeEndian.Uint16(b[4:]) {
		case doneType:
			return true, 0
		case errorType:
			if len(body) < 4 {
				return true, 0
			}
			return true, -int32(binary.NativeEndian.Uint32(body))
		}
		visit(body)
		b = b[min(aligned(length), len(b)):]
	}
	return false, 0
}

// Attributes calls visit for each attribute.
func Attributes(b []byte, visit func(kind uint16, value []byte)) {
	for len(b) >= attributeSize {
		length := int(binary.NativeEndian.Uint16(b))
		if length < attributeSize || length > len(b) {
			return
		}
		visit(binary.NativeEndian.Uint16(b[2:])&typeMask, b[attributeSize:length])
		b = b[min(aligned(length), len(b)):]
	}
}

// Attribute appends an attribute to a message.
func Attribute(to []byte, kind uint16, value []byte) []byte {
	to = binary.NativeEndian.AppendUint16(to, uint16(attributeSize+len(value)))
	to = binary.NativeEndian.AppendUint16(to, kind)
	to = append(to, value...)
	return append(to, make([]byte, aligned(len(to))-len(to))...)
}

func aligned(n int) int { return (n + 3) &^ 3 }
