package neighbour

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/closewait/closewait/internal/netlink"
)

// Numbers of include/uapi/linux/{rtnetlink,neighbour}.h.
const (
	neighSize    = 12 // struct ndmsg
	neighAddress = 1  // NDA_DST
	neighCache   = 3  // NDA_CACHEINFO
	neighProbes  = 4  // NDA_PROBES

	tableSize       = 4 // struct ndtmsg
	tableParameters = 6 // NDTA_PARMS
	ofInterface     = 1 // NDTPA_IFINDEX
	ofRetransmit    = 5 // NDTPA_RETRANS_TIME
	ofApplication   = 9 // NDTPA_APP_PROBES
	ofUnicast       = 10
	ofMulticast     = 11

	routeSize     = 12 // struct rtmsg
	routeDevice   = 4  // RTA_OIF
	routeGateway  = 5  // RTA_GATEWAY
	routeVia      = 18 // RTA_VIA: a gateway of another family
	routeUnicast  = 1  // RTN_UNICAST
	typeOfRoute   = 7  // rtm_type
	userHZ        = 100
	tick          = time.Second / userHZ
	unresolved    = 1    // NUD_INCOMPLETE
	reprobed      = 0x10 // NUD_PROBE
	givenUp       = 0x20 // NUD_FAILED
	addressFamily = 2    // AF_INET
)

// entry is a neighbour as the kernel reports it.
type entry struct {
	state  uint16
	since  time.Duration // ndm_updated
	probes int
}

// asking is how the neighbours on an interface are asked for.
type asking struct {
	application, unicast, multicast int
	every                           time.Duration
}

// place is an address on an interface.
type place struct {
	device  uint32
	address netip.Addr
}

// decodeNeighbour reads a message of RTM_GETNEIGH's answer; ok is false where it is none of an IP address.
func decodeNeighbour(body []byte) (p place, e entry, ok bool) {
	if len(body) < neighSize {
		return p, e, false
	}
	p.device = binary.NativeEndian.Uint32(body[4:])
	e.state = binary.NativeEndian.Uint16(body[8:])
	netlink.Attributes(body[neighSize:], func(kind uint16, value []byte) {
		switch {
		case kind == neighAddress:
			p.address, ok = netip.AddrFromSlice(value)
		case kind == neighCache && len(value) >= 16:
			e.since = time.Duration(binary.NativeEndian.Uint32(value[8:])) * tick
		case kind == neighProbes && len(value) >= 4:
			e.probes = int(binary.NativeEndian.Uint32(value))
		}
	})
	return p, e, ok
}

// tableOf names what asks: the two families are asked for in ways of their own.
type tableOf struct {
	family byte
	device uint32 // 0 for what interfaces begin with
}

// decodeTable reads a message of RTM_GETNEIGHTBL's answer.
func decodeTable(body []byte) (t tableOf, a asking, ok bool) {
	if len(body) < tableSize {
		return t, a, false
	}
	t.family = body[0]
	netlink.Attributes(body[tableSize:], func(kind uint16, value []byte) {
		if kind != tableParameters {
			return
		}
		ok = true
		netlink.Attributes(value, func(kind uint16, value []byte) {
			var n uint64
			switch len(value) {
			case 4:
				n = uint64(binary.NativeEndian.Uint32(value))
			case 8:
				n = binary.NativeEndian.Uint64(value)
			}
			switch kind {
			case ofInterface:
				t.device = uint32(n)
			case ofRetransmit:
				a.every = time.Duration(min(n, 1<<40)) * time.Millisecond
			case ofApplication:
				a.application = int(uint32(n))
			case ofUnicast:
				a.unicast = int(uint32(n))
			case ofMulticast:
				a.multicast = int(uint32(n))
			}
		})
	})
	return t, a, ok
}

// decodeRoute reads RTM_GETROUTE's answer: where packets to a peer go next. ok is false where they go nowhere else.
func decodeRoute(body []byte, peer netip.Addr) (next place, ok bool) {
	if len(body) < routeSize || body[typeOfRoute] != routeUnicast {
		return place{}, false
	}
	next.address = peer
	netlink.Attributes(body[routeSize:], func(kind uint16, value []byte) {
		switch {
		case kind == routeDevice && len(value) == 4:
			next.device = binary.NativeEndian.Uint32(value)
		case kind == routeGateway:
			if a, valid := netip.AddrFromSlice(value); valid {
				next.address = a
			}
		case kind == routeVia && len(value) > 2:
			if a, valid := netip.AddrFromSlice(value[2:]); valid {
				next.address = a
			}
		}
	})
	return next, next.device != 0
}
