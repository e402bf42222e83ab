package inetdiag

import (
	"encoding/binary"

	"github.com/closewait/closewait/tcp"
)

const (
	typeDumpBoth = 18 // TCPDIAG_GETSOCK: the first form of the protocol, which walks the sockets of both families in one go
	typeByFamily = 20 // SOCK_DIAG_BY_FAMILY
	typeDestroy  = 21 // SOCK_DESTROY

	protocolTCP = 6

	requestBytecode = 1 // INET_DIAG_REQ_BYTECODE
	requestProtocol = 3 // INET_DIAG_REQ_PROTOCOL
)

// Extensions asks for facts that a dump or lookup leaves out by default: bit n-1 stands for attribute n.
type Extensions uint8

// The extensions. All other attributes come unasked, if the kernel has them.
const (
	WithInfo       Extensions = 1 << (attrInfo - 1)       // Socket.Info
	WithCongestion Extensions = 1 << (attrCongestion - 1) // Socket.Congestion
	WithTOS        Extensions = 1 << (attrTOS - 1)        // Socket.TOS
	WithTClass     Extensions = 1 << (attrTClass - 1)     // Socket.TClass and ClassID
	WithMemory     Extensions = 1 << (attrSkMemInfo - 1)  // Socket.Memory
)

// Protocol says which sockets a query is about.
type Protocol uint8

// The protocols.
const (
	// TCP is the plain TCP sockets, the subflows of Multipath TCP among them.
	TCP Protocol = iota
	// MPTCP is the Multipath TCP sockets that programs hold; their Info is not that of TCP and stays unknown (since 5.9, needs CONFIG_INET_MPTCP_DIAG).
	MPTCP
)

// Query says which sockets to dump, and which of their facts.
type Query struct {
	// Family restricts the dump to one address family; 0 means both. IPv4-mapped connections belong to tcp.IPv6.
	Family tcp.Family
	// States restricts it to these states; 0 means all of tcp.AllStates.
	States tcp.StateSet
	// Condition is tested by the kernel on each socket; nil means all sockets.
	Condition tcp.Condition
	// Extensions asks for more facts. Each costs time: tcp_info about a quarter of a dump.
	Extensions Extensions
	// Protocol is TCP unless set.
	Protocol Protocol
	// Keep, when set, gets a copy of the message of each socket as the kernel sent it appended: its length in four bytes, little-endian, then struct
	// inet_diag_msg and the attributes in the machine's byte order. A dump that is repeated begins again where the first began.
	Keep *[]byte
}

func (q *Query) states() tcp.StateSet {
	states := q.States
	if states == 0 {
		return tcp.AllStates
	}
	if states.Has(tcp.SynReceived) {
		// Request sockets are in TCP_NEW_SYN_RECV and reported as TCP_SYN_RECV. Kernels differ in which bit of the mask selects them.
		states |= tcp.SetOf(tcp.NewSynRecv)
	}
	return states
}

// appendDump appends the request message for a dump of one family, or of both if family is 0.
func appendDump(b []byte, seq uint32, family tcp.Family, q *Query, bytecode []byte) []byte {
	start := len(b)
	typ := uint16(typeByFamily)
	if family == 0 {
		typ = typeDumpBoth
	}
	b = appendHeader(b, typ, flagRequest|flagDump, seq)
	if family == 0 {
		b = append(b, 0, 0, 0, byte(q.Extensions)) // struct inet_diag_req; the prefix lengths have never been used
		b = append(b, make([]byte, idSize)...)
		b = binary.NativeEndian.AppendUint32(b, uint32(q.states()))
		b = append(b, 0, 0, 0, 0)
	} else {
		b = append(b, byte(family), protocolTCP, byte(q.Extensions), 0) // struct inet_diag_req_v2
		b = binary.NativeEndian.AppendUint32(b, uint32(q.states()))
		b = append(b, make([]byte, idSize)...)
	}
	if len(bytecode) > 0 {
		b = appendAttr(b, requestBytecode, bytecode)
	}
	return finish(appendProtocol(b, q.Protocol), start)
}

// appendOne appends a request about a single socket: a lookup or a destroy.
func appendOne(b []byte, typ, flags uint16, seq uint32, ext Extensions, s *tcp.Socket) []byte {
	start := len(b)
	b = appendHeader(b, typ, flagRequest|flags, seq)
	b = append(b, byte(s.Family), protocolTCP, byte(ext), 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(tcp.AllStates))
	return finish(appendID(b, s), start)
}

// idSize is the size of struct inet_diag_sockid.
const idSize = 48

func appendID(b []byte, s *tcp.Socket) []byte {
	b = binary.BigEndian.AppendUint16(b, s.Local.Port())
	b = binary.BigEndian.AppendUint16(b, s.Peer.Port())
	for _, addr := range [...][]byte{s.Local.Addr().AsSlice(), s.Peer.Addr().AsSlice()} {
		var wide [16]byte
		copy(wide[:], addr)
		b = append(b, wide[:]...)
	}
	b = binary.NativeEndian.AppendUint32(b, s.Interface)
	b = binary.NativeEndian.AppendUint32(b, uint32(s.Cookie))
	return binary.NativeEndian.AppendUint32(b, uint32(s.Cookie>>32))
}

func appendProtocol(b []byte, p Protocol) []byte {
	if p != MPTCP {
		return b
	}
	return appendAttr(b, requestProtocol, binary.NativeEndian.AppendUint32(nil, protocolMPTCP))
}

func appendHeader(b []byte, typ, flags uint16, seq uint32) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	return append(b, 0, 0, 0, 0)
}

// finish writes the length of the message that began at start.
func finish(b []byte, start int) []byte {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}
