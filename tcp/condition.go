package tcp

import (
	"net/netip"
)

// Condition is a test on a socket that the kernel can make while it dumps its tables (as inet_diag bytecode) and that Match makes on a reported socket. The
// two agree on every socket, but for facts the kernel tests and does not report: see Mark and AutoBound.
//
// The set of conditions is closed: And, Or, Not, Prefix, Port, Device, Mark, Cgroup and AutoBound.
type Condition interface {
	// Match reports whether the socket fulfils the condition.
	Match(*Socket) bool
	condition()
}

// Side says which end of a connection a condition looks at.
type Side uint8

// The two ends.
const (
	LocalSide Side = iota // the socket's own end: "src", "sport"
	PeerSide              // the other end: "dst", "dport"
)

// Comparison is how a port is compared.
type Comparison uint8

// The comparisons the kernel knows; all others are made of them with Not.
const (
	Equal Comparison = iota
	AtLeast
	AtMost
)

type (
	// And is fulfilled when all its conditions are; without any it is always fulfilled.
	And []Condition
	// Or is fulfilled when one of its conditions is; without any it never is.
	Or []Condition
	// Not is fulfilled when its condition is not.
	Not struct{ Condition Condition }

	// Prefix compares an end's address. An IPv4 prefix matches IPv4-mapped addresses as well, an IPv6 prefix only IPv6 sockets.
	Prefix struct {
		Side   Side
		Prefix netip.Prefix
	}
	// Port compares an end's port.
	Port struct {
		Side Side
		Is   Comparison
		Port uint16
	}
	// Device compares the index of the interface the socket is bound to.
	Device struct{ Index uint32 }
	// Mark compares the socket's mark under a mask. The kernel refuses the test (EPERM) without CAP_NET_ADMIN, and then does not report
	// marks either: Match takes a mark that was not reported for 0.
	Mark struct{ Value, Mask uint32 }
	// Cgroup compares the ID of the version 2 cgroup the socket belongs to. Mini sockets have ID 0.
	Cgroup struct{ ID uint64 }
	// AutoBound is fulfilled by sockets whose local port the kernel chose. The kernel does not report this, so Match is always true:
	// the condition is only of use where the kernel's answer stands, not inside Or and Not on the reported side.
	AutoBound struct{}
)

func (And) condition()       {}
func (Or) condition()        {}
func (Not) condition()       {}
func (Prefix) condition()    {}
func (Port) condition()      {}
func (Device) condition()    {}
func (Mark) condition()      {}
func (Cgroup) condition()    {}
func (AutoBound) condition() {}

// Match implements Condition.
func (c And) Match(s *Socket) bool {
	for _, sub := range c {
		if !sub.Match(s) {
			return false
		}
	}
	return true
}

// Match implements Condition.
func (c Or) Match(s *Socket) bool {
	for _, sub := range c {
		if sub.Match(s) {
			return true
		}
	}
	return false
}

// Match implements Condition.
func (c Not) Match(s *Socket) bool { return !c.Condition.Match(s) }

// Match implements Condition, as inet_diag_bc_run does for INET_DIAG_BC_S_COND and INET_DIAG_BC_D_COND.
func (c Prefix) Match(s *Socket) bool {
	addr := c.Side.of(s).Addr()
	if c.Prefix.Addr().Is4() {
		if addr = addr.Unmap(); !addr.Is4() {
			return false
		}
	} else if s.Family != IPv6 {
		return false
	}
	return c.Prefix.Bits() == 0 || c.Prefix.Contains(addr)
}

// Match implements Condition.
func (c Port) Match(s *Socket) bool {
	port := c.Side.of(s).Port()
	switch c.Is {
	case AtLeast:
		return port >= c.Port
	case AtMost:
		return port <= c.Port
	}
	return port == c.Port
}

// Match implements Condition.
func (c Device) Match(s *Socket) bool { return s.Interface == c.Index }

// Match implements Condition.
func (c Mark) Match(s *Socket) bool { return s.More().Mark&c.Mask == c.Value }

// Match implements Condition.
func (c Cgroup) Match(s *Socket) bool { return s.More().CgroupID == c.ID }

// Match implements Condition.
func (AutoBound) Match(*Socket) bool { return true }

func (side Side) of(s *Socket) Endpoint {
	if side == LocalSide {
		return s.Local
	}
	return s.Peer
}
