package nstest

import (
	"net/netip"
	"testing"

	"github.com/closewait/closewait/internal/stage"
)

// Pair makes two namespaces joined by an Ethernet cable, as [stage.Pair] does.
func Pair(t testing.TB) (a, b *Namespace) {
	t.Helper()
	a, b = New(t), New(t)
	err := stage.Join(a.network, b.network)
	if stage.Absent(err) {
		Missing(t, "veth devices ("+err.Error()+")")
	}
	a.check(err)
	return a, b
}

// Address returns the namespace's address: its end of the cable when it comes from Pair, the loopback address otherwise.
func (ns *Namespace) Address(fam Family) netip.Addr { return ns.network.Address(fam) }

// BlackHole makes the path swallow everything this namespace sends to the other one of its Pair, without any error. The other direction goes on.
func (ns *Namespace) BlackHole() { ns.t.Helper(); ns.check(ns.network.BlackHole()) }

// Heal ends what BlackHole began.
func (ns *Namespace) Heal() { ns.t.Helper(); ns.check(ns.network.Heal()) }
