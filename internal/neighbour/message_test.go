package neighbour

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netlink"
)

func attr(kind uint16, value []byte) []byte { return netlink.Attribute(nil, kind, value) }

func u32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// neighbourOf is what the kernel says of one on an interface.
func neighbourOf(state uint16, device uint32, address string, updated, probes uint32) []byte {
	fixed := [neighSize]byte{}
	binary.NativeEndian.PutUint32(fixed[4:], device)
	binary.NativeEndian.PutUint16(fixed[8:], state)
	body := append(fixed[:], attr(neighAddress, netip.MustParseAddr(address).AsSlice())...)
	cache := make([]byte, 16)
	binary.NativeEndian.PutUint32(cache[8:], updated)
	return append(append(body, attr(neighCache, cache)...), attr(neighProbes, u32(probes))...)
}

// tableFor is what it says of how the neighbours on an interface are asked for.
func tableFor(family byte, device uint32, every uint64, application, unicast, multicast uint32) []byte {
	var parameters []byte
	if device != 0 {
		parameters = attr(ofInterface, u32(device))
	}
	parameters = append(parameters, attr(ofRetransmit, binary.NativeEndian.AppendUint64(nil, every))...)
	for kind, n := range map[uint16]uint32{ofApplication: application, ofUnicast: unicast, ofMulticast: multicast} {
		parameters = append(parameters, attr(kind, u32(n))...)
	}
	return append([]byte{family, 0, 0, 0}, attr(tableParameters|0x8000, parameters)...)
}

func TestTable(t *testing.T) {
	table := &Table{map[place]entry{}, map[tableOf]asking{}}
	for _, body := range [][]byte{
		neighbourOf(unresolved, 3, "10.0.0.1", 123, 5), neighbourOf(givenUp, 3, "10.0.0.2", 7, 6), neighbourOf(2, 3, "10.0.0.3", 900, 0),
		neighbourOf(reprobed, 3, "fd00::1", 200, 1), neighbourOf(reprobed, 4, "fd00::1", 200, 2), neighbourOf(0x80, 3, "10.0.0.4", 1, 9),
	} {
		p, e, ok := decodeNeighbour(body)
		if !ok {
			t.Fatalf("not decoded: %x", body)
		}
		table.entries[p] = e
	}
	for _, body := range [][]byte{tableFor(2, 0, 1000, 0, 3, 3), tableFor(2, 3, 500, 1, 4, 2), tableFor(10, 0, 2000, 0, 5, 3)} {
		of, how, ok := decodeTable(body)
		if !ok {
			t.Fatalf("not decoded: %x", body)
		}
		table.asking[of] = how
	}
	for _, test := range []struct {
		device  uint32
		address string
		want    look.Neighbour
	}{
		{3, "10.0.0.1", look.Neighbour{State: look.NeighbourAsked, Since: 1230 * time.Millisecond, Asks: 3, Every: 500 * time.Millisecond}},
		{3, "10.0.0.2", look.Neighbour{State: look.NeighbourGivenUp, Since: 70 * time.Millisecond, Asks: 3, Every: 500 * time.Millisecond}},
		{3, "10.0.0.3", look.Neighbour{State: look.NeighbourResolved, Since: 9 * time.Second, Asks: 3, Every: 500 * time.Millisecond}},
		{3, "fd00::1", look.Neighbour{State: look.NeighbourResolved, Since: 2 * time.Second, Asks: 3, Every: 2 * time.Second}}, // its first probe may be on its way
		{4, "fd00::1", look.Neighbour{State: look.NeighbourProbed, Since: 2 * time.Second, Asks: 5, Every: 2 * time.Second}},
		{3, "10.0.0.4", look.Neighbour{State: look.NeighbourResolved, Since: 10 * time.Millisecond, Asks: 3, Every: 500 * time.Millisecond}},
	} {
		got, ok := table.Of(Route{place{test.device, netip.MustParseAddr(test.address)}})
		if !ok || got != test.want {
			t.Errorf("%s on %d: %+v, %v, want %+v", test.address, test.device, got, ok, test.want)
		}
	}
	if n, ok := table.Of(Route{place{9, netip.MustParseAddr("10.0.0.1")}}); ok {
		t.Errorf("an interface that has no such neighbour: %+v", n)
	}
}

func TestDecodeRoute(t *testing.T) {
	peer, gateway, other := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::1")
	route := func(kind byte, attributes ...[]byte) []byte {
		fixed := [routeSize]byte{typeOfRoute: kind}
		body := fixed[:]
		for _, a := range attributes {
			body = append(body, a...)
		}
		return body
	}
	for _, test := range []struct {
		name string
		body []byte
		want netip.Addr
	}{
		{"on the link", route(routeUnicast, attr(routeDevice, u32(3))), peer},
		{"by a gateway", route(routeUnicast, attr(routeDevice, u32(3)), attr(routeGateway, gateway.AsSlice())), gateway},
		{"by one of the other family", route(routeUnicast, attr(routeDevice, u32(3)), attr(routeVia, append([]byte{10, 0}, other.AsSlice()...))), other},
		{"local", route(2, attr(routeDevice, u32(1))), netip.Addr{}},
		{"cut", route(routeUnicast, attr(routeDevice, u32(3)))[:8], netip.Addr{}},
	} {
		next, ok := decodeRoute(test.body, peer)
		if ok != test.want.IsValid() || ok && next != (place{3, test.want}) {
			t.Errorf("%s: %v, %v", test.name, next, ok)
		}
	}
}

// FuzzDecode: whatever comes is decoded without harm.
func FuzzDecode(f *testing.F) {
	f.Add(neighbourOf(unresolved, 3, "10.0.0.1", 1, 1))
	f.Add(tableFor(2, 3, 1000, 0, 3, 3))
	for _, hop := range [][]byte{attr(routeGateway, []byte{10, 0, 0, 1}), attr(routeVia, append([]byte{10, 0}, make([]byte, 16)...)), attr(routeGateway, []byte{10})} {
		f.Add(append(append((&[routeSize]byte{typeOfRoute: routeUnicast})[:], attr(routeDevice, u32(3))...), hop...))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		decodeNeighbour(body)
		decodeTable(body)
		if next, ok := decodeRoute(body, netip.IPv4Unspecified()); ok && next.device == 0 {
			t.Errorf("a next hop on no interface: %v", next)
		}
	})
}
