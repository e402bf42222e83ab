package stage

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const device = "pair0" // the name of the cable's end in both namespaces

// cable is what a network knows of the cable that ends in it.
type cable struct {
	index     int
	hardware  [6]byte
	addresses [2]netip.Addr // IPv4, IPv6
	far       *cable
	own       *Network // that it ends in
}

// ErrNoCable is returned for a network that does not come from Pair.
var ErrNoCable = errors.New("this network has no cable")

// Pair makes two networks joined by an Ethernet cable (a veth pair). Their addresses are 10.77.0.1 and fd00:77::1 (a), 10.77.0.2 and fd00:77::2 (b).
// Neighbours are pinned: no packet waits for ARP or neighbour discovery. Both must be closed, also after an error unless they are nil.
//
// Errors: those for which [Absent] is true say that the kernel has no veth devices.
func Pair() (a, b *Network, err error) {
	if a, err = Unshare(); err != nil {
		return nil, nil, err
	}
	if b, err = Unshare(); err != nil {
		a.Close()
		return nil, nil, err
	}
	return a, b, Join(a, b)
}

// Join lays the cable of Pair between two networks that have none.
func Join(a, b *Network) error {
	a.link, b.link = newCable(1), newCable(2)
	a.link.far, b.link.far = b.link, a.link
	a.link.own, b.link.own = a, b
	steps := []func() error{
		func() error {
			return a.within(func() error { return newVeth(device, a.link.hardware, b.link.hardware, b.fd) })
		},
		func() error { return a.within(func() error { return SetUp(device) }) },
		func() error { return b.within(func() error { return SetUp(device) }) },
		// Addresses come last: a device without carrier, because its other end is down, would hold IPv6 back.
		func() error { return a.within(a.link.configure) },
		func() error { return b.within(b.link.configure) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// within is Do for what can fail.
func (n *Network) within(f func() error) error {
	var err error
	return errors.Join(n.Do(func() { err = f() }), err)
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
		if err := addAddress(c.index, address.AsSlice(), prefix(address)); err != nil {
			return fmt.Errorf("add address %s: %w", address, err)
		}
	}
	return errors.Join(c.pin(c.far.hardware), taken(c.addresses[1]))
}

// taken waits until the kernel takes packets for an IPv6 address: a worker inserts the route for that a moment after the address is there (addrconf_dad_work).
func taken(address netip.Addr) error {
	route := fmt.Sprintf("%x 80 ", address.AsSlice())
	for deadline := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		routes, err := os.ReadFile("/proc/thread-self/net/ipv6_route")
		if err != nil || strings.Contains(string(routes), route) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a local route for %s: %w", address, os.ErrDeadlineExceeded)
		}
	}
}

func prefix(address netip.Addr) uint8 {
	if address.Is6() {
		return 64
	}
	return 24
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

// BlackHole makes the path swallow everything this network sends to the other one of its Pair, without any error: packets go out to a hardware address that nobody
// has. The other direction goes on.
func (n *Network) BlackHole() error {
	return n.aim(func(*cable) [6]byte { return [6]byte{0x02, 0, 0, 0, 0x77, 0xff} })
}

// Heal ends what BlackHole began.
func (n *Network) Heal() error { return n.aim(func(c *cable) [6]byte { return c.far.hardware }) }

// Forbid makes this network discard what it would send to the other one before it leaves: a route of kind blackhole. TCP is told that sending failed.
func (n *Network) Forbid() error { return n.route(unix.RTN_BLACKHOLE) }

// Unroute makes the other network unreachable by a route that says so (EHOSTUNREACH).
func (n *Network) Unroute() error { return n.route(unix.RTN_UNREACHABLE) }

func (n *Network) route(kind uint8) error {
	return n.toFar(func(_ int, address netip.Addr) error { return addRoute(kind, address.AsSlice()) })
}

// Forget makes the other network's link layer address unknown and lets nobody answer who asks for it: neighbour discovery fails.
func (n *Network) Forget() error {
	if n.link == nil {
		return ErrNoCable
	}
	far := n.link.far
	err := far.own.within(func() error {
		var errs []error
		for _, address := range far.addresses {
			errs = append(errs, removeAddress(far.index, address.AsSlice(), prefix(address)))
		}
		return errors.Join(errs...)
	})
	return errors.Join(err, n.toFar(func(index int, address netip.Addr) error { return removeNeighbour(index, address.AsSlice()) }))
}

// toFar calls f inside the network for each address of the other one.
func (n *Network) toFar(f func(index int, address netip.Addr) error) error {
	if n.link == nil {
		return ErrNoCable
	}
	return n.within(func() error {
		var errs []error
		for _, address := range n.link.far.addresses {
			errs = append(errs, f(n.link.index, address))
		}
		return errors.Join(errs...)
	})
}

func (n *Network) aim(at func(*cable) [6]byte) error {
	if n.link == nil {
		return ErrNoCable
	}
	return n.within(func() error { return n.link.pin(at(n.link)) })
}
