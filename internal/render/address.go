package render

import (
	"net/netip"
	"strconv"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// appendEnd appends an end of a connection, IPv4-mapped addresses as the IPv4 addresses they are.
func appendEnd(b []byte, e tcp.Endpoint) []byte {
	octets, ok := e.As4()
	if !ok {
		return e.AppendTo(b)
	}
	for i, octet := range octets {
		if i > 0 {
			b = append(b, '.')
		}
		b = appendUint(b, uint64(octet))
	}
	return appendUint(append(b, ':'), uint64(e.Port()))
}

// endpoint writes an end as the report has it.
func endpoint(e report.Endpoint) string { return host(e.Address, &e.Port) }

// listener writes a listening end: the port alone when it listens on all addresses.
func listener(e report.Endpoint) string {
	if addr, err := netip.ParseAddr(e.Address); err == nil && addr.Unmap().IsUnspecified() {
		return ":" + strconv.Itoa(int(e.Port))
	}
	return endpoint(e)
}

// host writes an address and, when there is one, a port.
func host(address string, port *uint16) string {
	addr, err := netip.ParseAddr(address)
	switch {
	case err != nil && port != nil:
		return foreign(address) + ":" + strconv.Itoa(int(*port))
	case err != nil:
		return foreign(address)
	case port == nil:
		return foreign(addr.Unmap().String())
	}
	return foreign(netip.AddrPortFrom(addr.Unmap(), *port).String())
}

// foreign makes what should be an address fit for every style: addresses are ASCII, and what is not one is escaped.
func foreign(address string) string { return Style{ASCII: true}.text(address) }
