package neighbour

import (
	"net/netip"

	"github.com/closewait/closewait/internal/look"
)

// Table is what the kernel knows of neighbours at one moment.
type Table struct {
	entries map[place]entry
	asking  map[tableOf]asking
}

// Route is where packets go next.
type Route struct{ place }

// Of says what is known of a next hop; ok is false where the kernel has never heard of it, as on interfaces without link layer addresses.
func (t *Table) Of(r Route) (n look.Neighbour, ok bool) {
	e, ok := t.entries[r.place]
	if !ok {
		return n, false
	}
	family := byte(addressFamily)
	if r.address.Is6() {
		family = 10 // AF_INET6
	}
	how, known := t.asking[tableOf{family, r.device}]
	if !known {
		how = t.asking[tableOf{family, 0}]
	}
	n = look.Neighbour{State: look.NeighbourResolved, Since: e.since, Asks: how.application + how.multicast, Every: how.every}
	switch {
	case e.state&givenUp != 0:
		n.State = look.NeighbourGivenUp
	case e.state&unresolved != 0:
		n.State = look.NeighbourAsked
	case e.state&reprobed != 0 && e.probes > 1:
		// The first of these is unanswered for a moment wherever somebody lives.
		n.State, n.Asks = look.NeighbourProbed, how.application+how.unicast
	}
	return n, true
}

// Empty reports whether no neighbour is known at all.
func (t *Table) Empty() bool { return len(t.entries) == 0 }

// Way is what decides about the next hop: the addresses, and the interface that the socket is bound to, 0 for none.
type Way struct {
	From, To netip.Addr
	Device   uint32
}
