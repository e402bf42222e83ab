package stage

import (
	"fmt"
	"net/netip"

	"github.com/closewait/closewait/tcp"
)

// Family is what a connection is made of.
type Family uint8

// The three kinds of connection.
const (
	IPv4   Family = iota // IPv4 sockets
	IPv6                 // IPv6 sockets
	Mapped               // IPv6 sockets carrying IPv4, with addresses like ::ffff:127.0.0.1
)

// Families returns all families.
func Families() []Family { return []Family{IPv4, IPv6, Mapped} }

// String returns "ipv4", "ipv6" or "mapped".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	case Mapped:
		return "mapped"
	}
	return fmt.Sprintf("family_%d", uint8(f))
}

// Kernel returns the address family of the sockets.
func (f Family) Kernel() tcp.Family {
	if f == IPv4 {
		return tcp.IPv4
	}
	return tcp.IPv6
}

// Loopback returns the loopback address of the kind.
func (f Family) Loopback() netip.Addr {
	switch f {
	case IPv4:
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case IPv6:
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom16(netip.AddrFrom4([4]byte{127, 0, 0, 1}).As16())
}

// Unspecified returns the peer of a socket without one, as the kernel reports it.
func (f Family) Unspecified() netip.AddrPort {
	if f == IPv4 {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
}
