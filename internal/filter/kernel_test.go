package filter_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/tcp"
)

func TestCondition(t *testing.T) {
	ten := netip.MustParsePrefix("10.0.0.0/8")
	port := func(side tcp.Side, is tcp.Comparison, n uint16) tcp.Port {
		return tcp.Port{Side: side, Is: is, Port: n}
	}
	closeWait := tcp.SetOf(tcp.CloseWait)
	for text, want := range map[string]struct {
		states    tcp.StateSet
		condition tcp.Condition
		exact     bool
	}{
		"":                                   {tcp.AllStates, nil, true},
		"stuck":                              {tcp.AllStates, nil, false},
		"state close-wait":                   {closeWait, nil, true},
		"state close-wait stuck":             {closeWait, nil, false},
		"state close-wait or state listen":   {closeWait | tcp.SetOf(tcp.Listen), nil, true},
		"state close-wait or stuck":          {tcp.AllStates, nil, false},
		"not ( state close-wait or stuck )":  {tcp.AllStates &^ closeWait, nil, false},
		"not ( state close-wait and stuck )": {tcp.AllStates, nil, false},
		"sport = :22 or stuck":               {tcp.AllStates, nil, false},
		"not ( sport = :22 or stuck )":       {tcp.AllStates, tcp.Not{Condition: port(0, tcp.Equal, 22)}, false},
		"sport > :22":                        {tcp.AllStates, tcp.Not{Condition: port(0, tcp.AtMost, 22)}, true},
		"not sport > :22":                    {tcp.AllStates, port(0, tcp.AtMost, 22), true},
		"dport = :1-2":                       {tcp.AllStates, tcp.And{port(1, tcp.AtLeast, 1), port(1, tcp.AtMost, 2)}, true},
		"dst 10/8:1":                         {tcp.AllStates, tcp.And{tcp.Prefix{Side: 1, Prefix: ten}, port(1, tcp.Equal, 1)}, true},
		"( state listen sport = :1 ) or ( state close-wait sport = :2 )": {closeWait | tcp.SetOf(tcp.Listen), tcp.Or{port(0, tcp.Equal, 1), port(0, tcp.Equal, 2)}, false},
		"state listen and ( sport = :1 or sport = :2 )":                  {tcp.SetOf(tcp.Listen), tcp.Or{port(0, tcp.Equal, 1), port(0, tcp.Equal, 2)}, true},
		"( state listen sport = :1 ) or ( state listen sport = :2 )":     {tcp.SetOf(tcp.Listen), tcp.Or{port(0, tcp.Equal, 1), port(0, tcp.Equal, 2)}, true},
		"dev != 2":                {tcp.AllStates, tcp.Not{Condition: tcp.Device{Index: 2}}, true},
		"fwmark 1/3":              {tcp.AllStates, tcp.Mark{Value: 1, Mask: 3}, true},
		"cgroup 5 autobound":      {tcp.AllStates, tcp.And{tcp.Cgroup{ID: 5}, tcp.AutoBound{}}, true},
		"unaccepted":              {closeWait | tcp.SetOf(tcp.Established), nil, false},
		"not unaccepted":          {tcp.AllStates, nil, false},
		"timer timewait":          {tcp.SetOf(tcp.TimeWait, tcp.FinWait2), nil, false},
		"state syn-recv":          {tcp.SetOf(tcp.SynReceived, tcp.NewSynRecv), nil, true},
		"state listen and orphan": {0, nil, false},
		"( sport = :1 and pid 5 ) or ( sport = :2 and rtt > 1s )": {tcp.AllStates, tcp.Or{port(0, tcp.Equal, 1), port(0, tcp.Equal, 2)}, false},
	} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if f.States() != want.states || f.Exact() != want.exact {
			t.Errorf("%q: states %b, exact %v", text, f.States(), f.Exact())
		}
		if diff := cmp.Diff(want.condition, f.Condition(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
}

func TestNeeds(t *testing.T) {
	for text, want := range map[string]string{
		"": "nothing", "state close-wait dport = :443 recvq > 0 uid 5": "nothing", "comm x or not pid 5": "owners", "stuck code CW1*": "causes",
		"ends never": "ends", "age > 5m rtt > 1s": "age+info", "fwmark 1 cgroup 2": "mark+cgroup", "autobound": "kernel",
	} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if f.Needs().String() != want {
			t.Errorf("%q needs %s, want %s", text, f.Needs(), want)
		}
	}
}

func TestFilter_zero(t *testing.T) {
	var f filter.Filter
	if !f.Match(leaking()) || f.States() != tcp.AllStates || f.Condition() != nil || !f.Exact() || f.String() != "" {
		t.Errorf("%+v does not match everything", f)
	}
}
