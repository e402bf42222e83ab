package neighbour_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/neighbour"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/stage"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// TestConn asks the kernel about a neighbour that is there and then is not, on a cable of its own.
func TestConn(t *testing.T) {
	near, far, err := stage.Pair()
	for _, n := range []*stage.Network{near, far} {
		if n != nil {
			t.Cleanup(n.Close)
		}
	}
	if err != nil {
		if stage.Absent(err) {
			nstest.Missing(t, "veth devices: "+err.Error())
		}
		t.Fatal(err)
	}
	families := [...]stage.Family{stage.IPv4, stage.IPv6}
	way := func(family stage.Family) neighbour.Way {
		return neighbour.Way{From: near.Address(family), To: far.Address(family)}
	}
	for _, family := range families {
		if n := ask(t, near, way(family)); n.State != look.NeighbourResolved || n.Every != time.Second || n.Asks != 3 {
			t.Errorf("%v: pinned: %+v", family, n)
		}
	}
	if err := near.Forget(); err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		begin(t, near, family, far.Address(family))
		if n := ask(t, near, way(family)); n.State != look.NeighbourAsked || n.Since > 3*time.Second {
			t.Errorf("%v: nobody there: %+v", family, n)
		}
	}
}

// begin sends a connection request into the void.
func begin(t *testing.T, in *stage.Network, family stage.Family, to netip.Addr) {
	t.Helper()
	if err := in.Do(func() {
		s, err := stage.Open(family)
		if err == nil {
			t.Cleanup(s.Close)
			err = s.Begin(netip.AddrPortFrom(to, 80))
		}
		if err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// ask asks from inside a network.
func ask(t *testing.T, in *stage.Network, way neighbour.Way) (n look.Neighbour) {
	t.Helper()
	if err := in.Do(func() {
		conn, err := neighbour.Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		route, ok, err := conn.Route(t.Context(), way)
		if err != nil || !ok {
			t.Errorf("no route to %v: %v", way.To, err)
			return
		}
		table, err := conn.Table(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if n, ok = table.Of(route); !ok {
			t.Errorf("%v is not known", way.To)
		}
		if _, ok, _ := conn.Route(t.Context(), neighbour.Way{To: way.From}); ok {
			t.Error("a next hop to an address of this host")
		}
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
