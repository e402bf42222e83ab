package redact

import (
	"encoding/binary"
	"net/netip"
)

// addresses gives out substitutes: network by network and, in each, address by address, both in the order in which they appear.
type addresses struct {
	seen     map[netip.Addr]netip.Addr
	networks map[netip.Prefix]*network
	given    [classes]uint32 // networks, for each class
}

// network is a /24 or /64 that has appeared: its substitute's first bytes, and how many of its addresses have appeared.
type network struct {
	first [8]byte
	hosts uint64
}

// class is a kind of address that stays recognisable.
type class uint8

const (
	public4 class = iota
	private10
	private172
	private192
	shared
	linkLocal4
	multicast4
	this
	public6
	private6
	linkLocal6
	multicast6
	classes
)

// own are the classes of IPv4 addresses whose substitutes are in the same prefix.
var own = [...]struct {
	class  class
	prefix netip.Prefix
}{
	{private10, netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), 8)},
	{private172, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16}), 12)},
	{private192, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168}), 16)},
	{shared, netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)},
	{linkLocal4, netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254}), 16)},
	{multicast4, netip.PrefixFrom(netip.AddrFrom4([4]byte{224}), 4)},
	{this, netip.PrefixFrom(netip.AddrFrom4([4]byte{}), 8)},
}

// public are the /24 that stand for public ones, as the first of a run and how many: the benchmark's 198.18.0.0/15 (RFC 2544), 240.0.0.0/4, which nobody has,
// and, should a look have more than a million networks, 11.0.0.0 to 126.255.255.0.
var public = [...]struct{ first, count uint32 }{{198<<16 | 18<<8, 512}, {240 << 16, 1<<20 - 1}, {11 << 16, 116 << 16}}

// nat64 is the prefix of IPv4 addresses that an IPv6 host reaches through a translator (RFC 6052).
var nat64 = [12]byte{0x00, 0x64, 0xff, 0x9b}

// of returns the substitute of an address without a zone.
func (a *addresses) of(addr netip.Addr) netip.Addr {
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsLoopback() {
		return addr
	}
	if known, ok := a.seen[addr]; ok {
		return known
	}
	substitute := a.make(addr)
	a.seen[addr] = substitute
	return substitute
}

func (a *addresses) make(addr netip.Addr) netip.Addr {
	switch b := addr.As16(); {
	case addr.Is4():
		return a.v4(addr)
	case addr.Is4In6():
		return netip.AddrFrom16(a.of(addr.Unmap()).As16())
	case [12]byte(b[:12]) == nat64:
		last := a.of(netip.AddrFrom4([4]byte(b[12:]))).As4()
		copy(b[12:], last[:])
		return netip.AddrFrom16(b)
	}
	return a.v6(addr)
}

func (a *addresses) v4(addr netip.Addr) netip.Addr {
	in := public4
	var start uint32
	for _, o := range own {
		if o.prefix.Contains(addr) {
			first := o.prefix.Addr().As4()
			in, start = o.class, binary.BigEndian.Uint32(first[:])>>8
		}
	}
	n := a.network(netip.PrefixFrom(addr, 24).Masked(), in, func(index uint32) (first [8]byte) {
		if in == public4 {
			start = publicNetwork(index)
			index = 0
		}
		binary.BigEndian.PutUint32(first[:], (start+index)<<8)
		return first
	})
	n.hosts++
	return netip.AddrFrom4([4]byte{n.first[0], n.first[1], n.first[2], byte(n.hosts)})
}

// publicNetwork returns the /24 with this index, as the number its three bytes make.
func publicNetwork(index uint32) uint32 {
	for _, run := range public {
		if index < run.count {
			return run.first + index
		}
		index -= run.count
	}
	return 0 // there are more sockets' networks than sockets
}

func (a *addresses) v6(addr netip.Addr) netip.Addr {
	b := addr.As16()
	var in class
	var start [8]byte
	switch {
	case addr.IsLinkLocalUnicast():
		in, start = linkLocal6, [8]byte{0xfe, 0x80}
	case addr.IsPrivate():
		in, start = private6, [8]byte{0xfd}
	case addr.IsMulticast():
		in, start = multicast6, [8]byte{b[0], b[1]}
	default:
		in, start = public6, [8]byte{0x20, 0x01, 0x0d, 0xb8} // for documentation (RFC 3849)
	}
	n := a.network(netip.PrefixFrom(addr, 64).Masked(), in, func(index uint32) [8]byte {
		binary.BigEndian.PutUint32(start[4:], index)
		return start
	})
	n.hosts++
	copy(b[:8], n.first[:])
	binary.BigEndian.PutUint64(b[8:], n.hosts)
	return netip.AddrFrom16(b)
}

// network returns the network with this prefix; fresh makes the first bytes of one that is new, the index-th of its class.
func (a *addresses) network(prefix netip.Prefix, in class, fresh func(index uint32) [8]byte) *network {
	n := a.networks[prefix]
	if n == nil {
		n = &network{first: fresh(a.given[in])}
		a.given[in]++
		a.networks[prefix] = n
	}
	return n
}
