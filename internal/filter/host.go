package filter

import (
	"net/netip"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// hostTest is "src" and "dst" with an address, and a port if one was given.
type hostTest struct {
	side   tcp.Side
	is     comparison
	prefix netip.Prefix
	ports  portRange
}

// newHostTest leaves out what is not restricted: the prefix if it is not valid, the ports if they are all.
func newHostTest(side tcp.Side, is comparison, prefix netip.Prefix, ports portRange) node {
	switch {
	case prefix.IsValid():
		return hostTest{side, is, prefix, ports}
	case ports != everyPort:
		return portTest{side, is, ports.low, ports.high}
	case is == differs:
		return negation{stateTest{tcp.AllStates}}
	}
	return stateTest{tcp.AllStates}
}

func (n hostTest) eval(row *look.Row) truth {
	port := endOf(row, n.side).Port()
	prefix := tcp.Prefix{Side: n.side, Prefix: n.prefix}
	return n.is.of(known(n.ports.low <= port && port <= n.ports.high && prefix.Match(row.Socket)))
}

func (n hostTest) limits(holds bool) limits {
	var c tcp.Condition = tcp.Prefix{Side: n.side, Prefix: n.prefix}
	if n.ports != everyPort {
		switch ports := n.ports.condition(n.side).(type) {
		case tcp.And:
			c = append(tcp.And{c}, ports...)
		default:
			c = tcp.And{c, ports}
		}
	}
	return exactCondition(c, holds == (n.is == equal))
}

// String spells addresses as ss reads them: brackets around an IPv6 address and its prefix length.
func (n hostTest) String() string {
	address := n.prefix.String()
	if n.prefix.IsSingleIP() {
		address = n.prefix.Addr().String()
	}
	if n.prefix.Addr().Is6() {
		address = "[" + address + "]"
	}
	if n.ports != everyPort {
		address += n.ports.String()
	}
	return [...]string{"src ", "dst "}[n.side] + n.is.String() + " " + address
}

func endOf(row *look.Row, side tcp.Side) tcp.Endpoint {
	if side == tcp.LocalSide {
		return row.Socket.Local
	}
	return row.Socket.Peer
}

// everyAddress is the prefix of all addresses of a family, not valid when there is no family.
func everyAddress(family tcp.Family) netip.Prefix {
	switch family {
	case tcp.IPv4:
		return everyIPv4()
	case tcp.IPv6:
		return everyIPv6()
	}
	return netip.Prefix{}
}
