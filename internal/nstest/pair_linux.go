package nstest

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
)

const device = "pair0" // the name of the cable's end in both namespaces

// cable is what a namespace knows of the cable that ends in it.
type cable struct {
	index     int
	hardware  [6]byte
	addresses [2]netip.Addr // IPv4, IPv6
	far       *cable
}

// Pair makes two namespaces joined by an Ethernet cable (a veth pair). Their addresses are 10.77.0.1 and fd00:77::1 (a), 10.77.0.2 and fd00:77::2 (b).
// Neighbours are pinned: no packet waits for ARP or neighbour discovery.
func Pair(t testing.TB) (a, b *Namespace) {
	t.Helper()
	a, b = New(t), New(t)
	a.link = newCable(1)
	b.link = newCable(2)
	a.link.far, b.link.far = b.link, a.link
	var err error
	a.Do(func() { err = newVeth(device, a.link.hardware, b.link.hardware, b.fd) })
	if absent(err) {
		Missing(t, "veth devices ("+err.Error()+")")
	}
	for _, ns := range []*Namespace{a, b} {
		if err == nil {
			ns.Do(func() { err = setUp(device) })
		}
	}
	// Addresses come last: a device without carrier, because its other end is down, would hold IPv6 back.
	for _, ns := range []*Namespace{a, b} {
		if err == nil {
			ns.Do(func() { err = ns.link.configure() })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func newCable(end byte) *cable {
	return &cable{
		hardware: [6]byte{0x02, 0, 0, 0, 0x77, end},
		addresses: [2]netip.Addr{
			netip.AddrFrom4([4]byte{10, 77, 0, end}),
			netip.AddrFrom16([16]byte{0: 0xfd, 3: 0x77, 15: end}),
		},
	}
}

func (c *cable) configure() error {
	end, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	c.index = end.Index
	for _, address := range c.addresses {
		bits := uint8(24)
		if address.Is6() {
			bits = 64
		}
		if err := addAddress(c.index, address.AsSlice(), bits); err != nil {
			return fmt.Errorf("add address %s: %w", address, err)
		}
	}
	return c.pin(c.far.hardware)
}

// pin says where packets to the far end go.
func (c *cable) pin(hardware [6]byte) error {
	for _, address := range c.far.addresses {
		if err := setNeighbour(c.index, address.AsSlice(), hardware); err != nil {
			return fmt.Errorf("pin neighbour %s: %w", address, err)
		}
	}
	return nil
}

// Address returns the namespace's address: its end of the cable when it comes from Pair, the loopback address otherwise.
func (ns *Namespace) Address(fam Family) netip.Addr {
	if ns.link == nil {
		return fam.loopback()
	}
	switch fam {
	case IPv4:
		return ns.link.addresses[0]
	case IPv6:
		return ns.link.addresses[1]
	}
	return netip.AddrFrom16(ns.link.addresses[0].As16())
}

// BlackHole makes the path swallow everything this namespace sends to the other one of its Pair, without any error: packets go out to a hardware address that nobody
// has. The other direction goes on.
func (ns *Namespace) BlackHole() {
	ns.t.Helper()
	ns.aim([6]byte{0x02, 0, 0, 0, 0x77, 0xff})
}

// Heal ends what BlackHole began.
func (ns *Namespace) Heal() {
	ns.t.Helper()
	ns.aim(ns.mustCable().far.hardware)
}

func (ns *Namespace) aim(hardware [6]byte) {
	ns.t.Helper()
	link := ns.mustCable()
	var err error
	ns.Do(func() { err = link.pin(hardware) })
	if err != nil {
		ns.t.Fatal(err)
	}
}

func (ns *Namespace) mustCable() *cable {
	ns.t.Helper()
	if ns.link == nil {
		ns.t.Fatal("this namespace has no cable: it does not come from nstest.Pair")
	}
	return ns.link
}
