package tcp

import "net/netip"

// Endpoint is one end of a connection: an address and a port in 20 bytes, where a [netip.AddrPort] takes 32. It has no zone, as the kernel tells interfaces by their numbers (see
// Socket.Interface). Endpoints compare by ==; an IPv4-mapped address differs from the IPv4 address it stands for. The zero Endpoint is not valid.
type Endpoint struct {
	addr   [16]byte // of IPv4 as IPv6 maps it
	port   uint16
	family Family // 0 where there is no address
}

// EndpointFrom returns the end with an address and a port; a zone is left out.
func EndpointFrom(addr netip.Addr, port uint16) Endpoint {
	switch {
	case addr.Is4():
		return Endpoint{addr.As16(), port, IPv4}
	case addr.Is6():
		return Endpoint{addr.As16(), port, IPv6}
	}
	return Endpoint{port: port}
}

// EndpointOf is EndpointFrom for an address with its port.
func EndpointOf(ap netip.AddrPort) Endpoint { return EndpointFrom(ap.Addr(), ap.Port()) }

// MustParseEndpoint reads what String writes, and panics where that cannot be: for what is known to be right.
func MustParseEndpoint(text string) Endpoint { return EndpointOf(netip.MustParseAddrPort(text)) }

// Addr returns the address, the zero netip.Addr where there is none.
func (e Endpoint) Addr() netip.Addr {
	switch e.family {
	case IPv4:
		return netip.AddrFrom4([4]byte(e.addr[12:]))
	case IPv6:
		return netip.AddrFrom16(e.addr)
	}
	return netip.Addr{}
}

// Port returns the port.
func (e Endpoint) Port() uint16 { return e.port }

// AddrPort returns the address with the port.
func (e Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.Addr(), e.port) }

// IsValid reports whether there is an address.
func (e Endpoint) IsValid() bool { return e.family != 0 }

// As16 returns the address as IPv6 writes it, an IPv4 address as the one that it is mapped to.
func (e Endpoint) As16() [16]byte { return e.addr }

// As4 returns the IPv4 address that the address is or, IPv4-mapped, stands for; ok is false where it is none.
func (e Endpoint) As4() (octets [4]byte, ok bool) {
	return [4]byte(e.addr[12:]), e.family == IPv4 || e.mapped()
}

// Unmap returns the end with the IPv4 address that an IPv4-mapped one stands for, and others as they are.
func (e Endpoint) Unmap() Endpoint {
	if e.mapped() {
		e.family = IPv4
	}
	return e
}

func (e *Endpoint) mapped() bool {
	return e.family == IPv6 && [12]byte(e.addr[:]) == [12]byte{10: 0xff, 11: 0xff}
}

// String returns "192.0.2.1:80", "[2001:db8::1]:80", or "invalid AddrPort".
func (e Endpoint) String() string { return e.AddrPort().String() }

// AppendTo appends what String returns, and nothing for an Endpoint that is not valid.
func (e Endpoint) AppendTo(b []byte) []byte { return e.AddrPort().AppendTo(b) }

// MarshalBinary implements encoding.BinaryMarshaler, with the bytes of a netip.AddrPort.
func (e Endpoint) MarshalBinary() ([]byte, error) { return e.AddrPort().MarshalBinary() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (e *Endpoint) UnmarshalBinary(b []byte) error {
	var ap netip.AddrPort
	if err := ap.UnmarshalBinary(b); err != nil {
		return err
	}
	*e = EndpointOf(ap)
	return nil
}
