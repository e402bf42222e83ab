package inetdiag

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/closewait/closewait/tcp"
)

// Numbers of include/uapi/linux/inet_diag.h.
const (
	socketSize = 72 // struct inet_diag_msg

	attrMemInfo     = 1
	attrInfo        = 2
	attrVegas       = 3
	attrCongestion  = 4
	attrTOS         = 5
	attrTClass      = 6
	attrSkMemInfo   = 7
	attrShutdown    = 8
	attrDCTCP       = 9
	attrProtocol    = 10
	attrV6Only      = 11
	attrLocals      = 12
	attrPeers       = 13
	attrPad         = 14
	attrMark        = 15
	attrBBR         = 16
	attrClassID     = 17
	attrMD5         = 18
	attrULP         = 19
	attrBPFStorages = 20
	attrCgroup      = 21
	attrOptions     = 22

	ulpName  = 1
	ulpMPTCP = 3

	// protocolMPTCP is IPPROTO_MPTCP; an answer carries its low byte only in some kernels, so the request decides.
	protocolMPTCP = 262
)

// Decode reads a struct inet_diag_msg and the attributes behind it: the payload of one message of a dump, a lookup or an event. It overwrites all of s,
// allocates nothing but room for a tcp_info and for an Extra, and returns the number of attributes it did not know or that did not have the size of their kind.
//
// Bytes too few for a socket, or an unknown address family, give an error that wraps ErrMalformed, and s is then undefined.
func Decode(b []byte, s *tcp.Socket) (unknown int, err error) {
	return decode(b, s, new(tcp.Extra), tcp.MakeInfo)
}

// inExtra are the facts that are in an Extra.
const inExtra = tcp.HasMark | tcp.HasCgroup | tcp.HasClassID | tcp.HasCongestion | tcp.HasMemory | tcp.HasULP | tcp.HasOptions

// decode is Decode with the room for an Extra, and with what makes an Info of a tcp_info; nil where that is a struct mptcp_info, which must not be taken for one.
func decode(b []byte, s *tcp.Socket, extra *tcp.Extra, makeInfo func([]byte) tcp.Info) (unknown int, err error) {
	*extra = tcp.Extra{}
	*s = tcp.Socket{Extra: extra}
	if len(b) < socketSize {
		return 0, fmt.Errorf("%w: socket of %d bytes, want at least %d", ErrMalformed, len(b), socketSize)
	}
	if err := decodeFixed(b[:socketSize:socketSize], s); err != nil {
		return 0, err
	}
	for rest := b[socketSize:]; len(rest) > 0; {
		typ, value, next, ok := nextAttr(rest)
		switch {
		case !ok:
			return unknown + 1, nil
		case typ == attrInfo:
			if makeInfo != nil {
				s.Info = makeInfo(value)
			}
		case !decodeAttr(typ, value, s):
			unknown++
		}
		rest = next
	}
	if s.Sent&inExtra == 0 {
		s.Extra = nil
	}
	return unknown, nil
}

// decodeFixed reads struct inet_diag_msg. Ports and addresses are in network order, the rest in the machine's.
func decodeFixed(b []byte, s *tcp.Socket) error {
	s.Family, s.State = tcp.Family(b[0]), tcp.State(b[1])
	s.Timer = tcp.Timer{Kind: tcp.TimerKind(b[2]), Count: b[3], Expires: expires(binary.NativeEndian.Uint32(b[52:]))}
	var local, peer netip.Addr
	switch s.Family {
	case tcp.IPv4:
		local, peer = netip.AddrFrom4([4]byte(b[8:12])), netip.AddrFrom4([4]byte(b[24:28]))
	case tcp.IPv6:
		local, peer = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	default:
		return fmt.Errorf("%w: address family %d", ErrMalformed, b[0])
	}
	s.Local = tcp.EndpointFrom(local, binary.BigEndian.Uint16(b[4:]))
	s.Peer = tcp.EndpointFrom(peer, binary.BigEndian.Uint16(b[6:]))
	s.Interface = binary.NativeEndian.Uint32(b[40:])
	// The cookie is two words, the low one first, whatever the byte order (sock_diag_save_cookie).
	s.Cookie = tcp.Cookie(binary.NativeEndian.Uint32(b[44:])) | tcp.Cookie(binary.NativeEndian.Uint32(b[48:]))<<32
	s.RecvQueue = binary.NativeEndian.Uint32(b[56:])
	s.SendQueue = binary.NativeEndian.Uint32(b[60:])
	s.UID = binary.NativeEndian.Uint32(b[64:])
	s.Inode = binary.NativeEndian.Uint32(b[68:])
	return nil
}

// expires converts idiag_expires from milliseconds. Kernels without jiffies_delta_to_msecs report an overdue timer as a huge number.
func expires(ms uint32) time.Duration {
	if ms > 1<<31 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// decodeAttr reads one attribute other than tcp_info and reports whether it was of a known kind and size. Known kinds that a TCP socket's reader has no use for count as known.
func decodeAttr(typ uint16, v []byte, s *tcp.Socket) bool {
	var has tcp.Attributes
	ok := true
	switch typ {
	case attrCongestion:
		has, ok = tcp.HasCongestion, decodeName(v, &s.Extend().Congestion)
	case attrSkMemInfo:
		has, ok = tcp.HasMemory, decodeMemory(v, &s.Extend().Memory)
	case attrShutdown:
		has, ok = tcp.HasShutdown, decodeByte(v, (*uint8)(&s.Shutdown))
	case attrTOS:
		has, ok = tcp.HasTOS, decodeByte(v, &s.TOS)
	case attrTClass:
		has, ok = tcp.HasTClass, decodeByte(v, &s.TClass)
	case attrV6Only:
		var b uint8
		has, ok = tcp.HasV6Only, decodeByte(v, &b)
		s.V6Only = b != 0
	case attrMark:
		has, ok = tcp.HasMark, decodeWord(v, &s.Extend().Mark)
	case attrClassID:
		has, ok = tcp.HasClassID, decodeWord(v, &s.Extend().ClassID)
	case attrCgroup:
		if ok = len(v) >= 8; ok {
			has, s.Extend().CgroupID = tcp.HasCgroup, binary.NativeEndian.Uint64(v)
		}
	case attrOptions:
		if ok = len(v) >= 2; ok {
			// Bit fields start at the low end of each byte on little-endian machines and at the high end on big-endian ones; the kernel's
			// structure is two bytes on both.
			has, s.Extend().Options = tcp.HasOptions, tcp.Options(v[0])|tcp.Options(v[1])<<8
		}
	case attrULP:
		has = tcp.HasULP | decodeULP(v, s)
	case attrMemInfo, attrVegas, attrDCTCP, attrProtocol, attrLocals, attrPeers, attrPad, attrBBR, attrMD5, attrBPFStorages:
	default:
		ok = false
	}
	if ok {
		s.Sent |= has
	}
	return ok
}

func decodeByte(v []byte, to *uint8) bool {
	if len(v) < 1 {
		return false
	}
	*to = v[0]
	return true
}

func decodeWord(v []byte, to *uint32) bool {
	if len(v) < 4 {
		return false
	}
	*to = binary.NativeEndian.Uint32(v)
	return true
}

// decodeName copies a NUL-terminated kernel name; a longer one than any kernel has is cut.
func decodeName(v []byte, to *tcp.Name) bool {
	for i, c := range v {
		if c == 0 || i == len(to) {
			break
		}
		to[i] = c
	}
	return len(v) > 0
}

// decodeMemory reads the array of SK_MEMINFO_* words, which has grown at its end.
func decodeMemory(v []byte, m *tcp.Memory) bool {
	words := [...]*uint32{
		&m.ReceiveAllocated, &m.ReceiveLimit, &m.SendAllocated, &m.SendLimit, &m.ForwardAllocated,
		&m.SendQueued, &m.OptionMemory, &m.Backlog, &m.Drops,
	}
	for i, to := range words {
		if len(v) < 4*(i+1) {
			break
		}
		*to = binary.NativeEndian.Uint32(v[4*i:])
	}
	return len(v) >= 4
}

// decodeULP reads the upper layer protocol's name and notices a subflow of Multipath TCP.
func decodeULP(v []byte, s *tcp.Socket) tcp.Attributes {
	var has tcp.Attributes
	for {
		typ, value, rest, ok := nextAttr(v)
		if !ok {
			return has
		}
		switch typ {
		case ulpName:
			decodeName(value, &s.Extend().ULP)
		case ulpMPTCP:
			has |= tcp.HasMPTCP
		}
		v = rest
	}
}
