package tcp

import (
	"bytes"
	"fmt"
	"strconv"
)

// Family is the address family of a socket. An IPv6 socket may carry an IPv4 connection: its addresses are then IPv4-mapped.
type Family uint8

// The two families, with the kernel's numbers.
const (
	IPv4 Family = 2  // AF_INET
	IPv6 Family = 10 // AF_INET6
)

// String returns "ipv4" or "ipv6".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	}
	return fmt.Sprintf("family_%d", uint8(f))
}

// Cookie identifies a socket for its whole life and is never used again while the host is up (sock_gen_cookie).
// A socket of another life on the same 4-tuple has another cookie.
type Cookie uint64

// NoCookie stands for "any socket with these addresses" in a request (INET_DIAG_NOCOOKIE twice).
const NoCookie Cookie = 1<<64 - 1

// String returns the cookie in hexadecimal: "0x1a2f".
func (c Cookie) String() string { return "0x" + strconv.FormatUint(uint64(c), 16) }

// ParseCookie reads what String writes; decimal is accepted, too.
func ParseCookie(text string) (Cookie, error) {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("socket cookie %q: want a number such as 0x1a2f", text)
	}
	return Cookie(n), nil
}

// Attributes says which optional facts of a [Socket] the kernel sent.
type Attributes uint16

// The optional facts. What a kernel sends depends on its version, the request and the caller's capabilities.
const (
	HasMark       Attributes = 1 << iota // Mark: only with CAP_NET_ADMIN in the namespace (INET_DIAG_MARK)
	HasCgroup                            // CgroupID (INET_DIAG_CGROUP_ID, since 5.8)
	HasShutdown                          // Shutdown (INET_DIAG_SHUTDOWN)
	HasTOS                               // TOS (INET_DIAG_TOS)
	HasTClass                            // TClass, of IPv6 sockets (INET_DIAG_TCLASS)
	HasClassID                           // ClassID (INET_DIAG_CLASS_ID)
	HasV6Only                            // V6Only, of IPv6 sockets (INET_DIAG_SKV6ONLY)
	HasCongestion                        // Congestion (INET_DIAG_CONG)
	HasMemory                            // Memory (INET_DIAG_SKMEMINFO)
	HasULP                               // ULP (INET_DIAG_ULP_INFO, since 5.5)
	HasOptions                           // Options (INET_DIAG_SOCKOPT, since 5.18)
	HasMPTCP                             // the socket is a subflow of, or is itself, a Multipath TCP connection
)

// Shutdown holds the directions that were shut down: the kernel's RCV_SHUTDOWN (1) and SEND_SHUTDOWN (2).
type Shutdown uint8

// The directions. A received FIN sets ShutdownReceive, close or shutdown by the owner ShutdownSend.
const (
	ShutdownReceive Shutdown = 1
	ShutdownSend    Shutdown = 2
)

// Options are the bits of struct inet_diag_sockopt, in the order of its declaration.
type Options uint16

// Name is a short kernel name kept without allocation, such as a congestion control ("cubic") or an upper layer protocol ("tls").
type Name [16]byte

// String returns the name.
func (n Name) String() string {
	if i := bytes.IndexByte(n[:], 0); i >= 0 {
		return string(n[:i])
	}
	return string(n[:])
}

// Memory is the socket's memory accounting in bytes, in the order of the kernel's SK_MEMINFO_* numbers.
type Memory struct {
	ReceiveAllocated uint32 // sk_rmem_alloc: charged for the receive queue
	ReceiveLimit     uint32 // sk_rcvbuf
	SendAllocated    uint32 // sk_wmem_alloc: in the hands of the device layer
	SendLimit        uint32 // sk_sndbuf
	ForwardAllocated uint32 // sk_forward_alloc: reserved and not used
	SendQueued       uint32 // sk_wmem_queued: charged for the send queue
	OptionMemory     uint32 // sk_omem_alloc
	Backlog          uint32 // packets waiting while the socket is locked
	Drops            uint32 // packets dropped (a count, not bytes; since 4.7)
}

// Extra holds those optional facts of a [Socket] that are long, seldom asked for, or the same of all sockets of a program.
type Extra struct {
	Mark       uint32
	ClassID    uint32
	CgroupID   uint64
	Options    Options
	Congestion Name
	ULP        Name
	Memory     Memory
}

// Socket is one TCP socket as the kernel reported it at one moment. There may be a million, so its fields are in an order without gaps.
//
// It is plain data: copying a Socket copies all of it, but for Extra, which copies share, and for what is said of Info where an [InfoBuffer] is behind it.
type Socket struct {
	Family Family
	State  State
	// Shutdown and the fields below that Attributes names are zero where the kernel did not send them: see Sent.
	Shutdown Shutdown
	TOS      uint8
	TClass   uint8
	V6Only   bool
	// Sent says which of the optional facts the kernel sent; see Has.
	Sent  Attributes
	Timer Timer

	// Local and Peer are the two ends. Peer is the unspecified address and port 0 for listening and unconnected sockets.
	Local, Peer Endpoint
	// Interface is the index of the device the socket is bound to, 0 when it is not.
	Interface uint32
	// Inode is the socket's inode number in sockfs, 0 when no file refers to it: a connection not yet accepted, an
	// orphan (closed by its owner), a mini socket.
	Inode uint32
	// UID is the user that created the socket, 0 for mini sockets.
	UID uint32

	// RecvQueue is the number of bytes received and not read; an unread FIN counts as one. For a listener: connections waiting
	// to be accepted.
	RecvQueue uint32
	// SendQueue is the number of bytes sent and not acknowledged, or not sent yet; a FIN counts as one. For a listener: its backlog.
	SendQueue uint32

	Cookie Cookie

	// Extra is nil where none of its facts was sent: they are read through More.
	*Extra

	// Info is the kernel's struct tcp_info; it is empty when the kernel sent none (mini sockets, or not asked for).
	Info Info
}

// More returns the facts of Extra, which are zero where there is none.
func (s *Socket) More() Extra {
	if s.Extra == nil {
		return Extra{}
	}
	return *s.Extra
}

// Extend returns Extra, made where there was none, for those who fill it: what [Extras] has kept is not to be changed.
func (s *Socket) Extend() *Extra {
	if s.Extra == nil {
		s.Extra = new(Extra)
	}
	return s.Extra
}

// Clone returns a copy that stays as it is, for those who are handed a Socket that the next will overwrite.
func (s *Socket) Clone() Socket {
	c := *s
	c.Info = s.Info.Clone()
	if s.Extra != nil {
		c.Extra = new(*s.Extra)
	}
	return c
}

// Has reports whether the kernel sent all the facts of a.
func (s *Socket) Has(a Attributes) bool { return s.Sent&a == a }

// Mini reports whether the socket is one of the kernel's small stand-ins (TIME_WAIT, or FIN_WAIT_2 after its owner is gone).
func (s *Socket) Mini() bool { return s.Timer.Kind == TimerTimeWait }

// Orphan reports whether the socket was closed by its owner and lives on in the kernel only. A socket without an inode
// in ESTABLISHED or CLOSE_WAIT is not an orphan but waits to be accepted: close moves such a socket on.
func (s *Socket) Orphan() bool {
	return s.Inode == 0 && SetOf(FinWait1, FinWait2, Closing, LastAck).Has(s.State)
}

// Unaccepted reports whether the connection is still in the accept queue of a listener: it has no inode, yet no close has happened.
func (s *Socket) Unaccepted() bool {
	return s.Inode == 0 && SetOf(Established, CloseWait).Has(s.State)
}

// Tuple identifies a connection within a network namespace.
type Tuple struct {
	Local, Peer Endpoint
}

// Tuple returns the socket's 4-tuple with IPv4-mapped addresses as IPv4, so that the two ends of a connection compare equal
// whatever the families of their sockets.
func (s *Socket) Tuple() Tuple { return Tuple{s.Local.Unmap(), s.Peer.Unmap()} }

// Reverse returns the tuple as the other end has it.
func (t Tuple) Reverse() Tuple { return Tuple{t.Peer, t.Local} }
