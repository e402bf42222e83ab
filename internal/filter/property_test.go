package filter_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// leaves are single tests of all kinds; random filters are made of them.
var leaves = []string{
	"state listen", "state close-wait,last-ack", "state syn-recv", "exclude time-wait", "exclude syn-recv", "state connected", "state all", "exclude all",
	"sport = :22", "sport != :443", "sport = :80-1024", "sport != :80-1024", "dport > :80", "dport < :443", "dport >= :8080", "sport <= :80", "sport = :*",
	"src 10.0.0.1", "src 10.0.0.0/8", "src != 10.0.0.0/8", "dst 10.0.0.1:443", "dst != 10.0.0.1:80-443", "src [::1]:22", "dst [2001:db8::/32]",
	"src [::ffff:10.0.0.0]/104", "src 0.0.0.0/0", "src [::]/0", "dst != *", "sport = inet:80", "dport > inet6::22", "sport != inet6:80",
	"family ipv4", "family != ipv4", "ipv6", "mapped", "dev = 2", "dev != 0", "fwmark = 1", "fwmark = 0x1/0x3", "fwmark != 0", "cgroup = 1", "cgroup != 2",
	"age > 5m", "age < 5m", "idle > 1s", "ends < 10m", "ends > 10m", "ends = never", "ends != unknown", "recvq > 0", "sendq >= 4K", "timer = retransmit",
	"timer = timewait", "timer != timewait", "retrans >= 3", "probes = 0", "backoff > 0", "rto > 100ms", "rtt < 1s", "unacked > 0",
	"pid 123", "pid != 123", "comm ngin*", "comm != java", "workload nginx", "unit nginx", "container 3f2a", "pod cart-*", "netns host", "netns 7",
	"uid 0", "uid != 0", "inode = 0", "cookie 0x1a", "orphan", "unaccepted", "stuck", "cause leak", "cause != leak", "code CW1*", "severity >= warning",
	"severity != critical", "comm \"a b\\\\ \\\" )\"", "unit ''\\ ",
}

// randomFilter draws a filter of at most the given depth. Its tree is built from nodes, so that printing is tested and not presupposed.
func randomFilter(t *rapid.T, depth int) *filter.Filter {
	operator := "test"
	if depth > 0 {
		operator = rapid.SampledFrom([]string{"and", "or", "not", "test"}).Draw(t, "operator")
	}
	if operator == "test" {
		f, err := filter.Parse(rapid.SampledFrom(leaves).Draw(t, "leaf"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var parts []*filter.Filter
	for range rapid.IntRange(1, 3).Draw(t, "operands") {
		parts = append(parts, randomFilter(t, depth-1))
	}
	return filter.Join(operator, parts...)
}

func TestString_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := randomFilter(t, 4)
		again, err := filter.Parse(f.String())
		if err != nil {
			t.Fatal(err)
		}
		if again.String() != f.String() || !filter.Same(f, again) {
			t.Fatalf("%q became %q", f, again)
		}
		if row := randomRow().Draw(t, "row"); f.Match(row) != again.Match(row) {
			t.Fatalf("%q and what it prints differ on a row", f)
		}
	})
}

func inLimits(f *filter.Filter, s *tcp.Socket) bool {
	c := f.Condition()
	return f.States().Has(s.State) && (c == nil || c.Match(s))
}

func TestKernel_weakening(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, row := randomFilter(t, 4), randomRow().Draw(t, "row")
		if f.Match(row) && !inLimits(f, row.Socket) {
			t.Fatalf("%q matches a socket outside of states %b and condition %v", f, f.States(), f.Condition())
		}
		both := tcp.SetOf(tcp.SynReceived, tcp.NewSynRecv)
		if got := f.States() & both; got != 0 && got != both {
			t.Fatalf("%q asks for half of the request sockets", f)
		}
	})
}

func TestKernel_exact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, row := randomFilter(t, 3), randomRow().Draw(t, "row")
		row.Socket.Sent |= tcp.HasMark | tcp.HasCgroup
		if f.Exact() && f.Match(row) != inLimits(f, row.Socket) {
			t.Fatalf("%q is not what the kernel tests: states %b, condition %v", f, f.States(), f.Condition())
		}
	})
}

func TestMatch_laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, g, row := randomFilter(t, 3), randomFilter(t, 3), randomRow().Draw(t, "row")
		notF, notG := filter.Join("not", f), filter.Join("not", g)
		check := func(law string, a, b bool) {
			if a != b {
				t.Fatalf("%s: %q, %q", law, f, g)
			}
		}
		check("not both", f.Match(row) && notF.Match(row), false)
		check("double negation", filter.Join("not", notF).Match(row), f.Match(row))
		check("and", filter.Join("and", f, g).Match(row), f.Match(row) && g.Match(row))
		check("or", filter.Join("or", f, g).Match(row), f.Match(row) || g.Match(row))
		check("de morgan", filter.Join("not", filter.Join("or", f, g)).Match(row), filter.Join("and", notF, notG).Match(row))
	})
}

func TestMatch_doesNotAllocate(t *testing.T) {
	rows := []*look.Row{leaking(), listening(), timeWaiting()}
	for _, text := range leaves {
		f, err := filter.Parse("not not " + text + " or " + text)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if n := testing.AllocsPerRun(10, func() { f.Match(row) }); n != 0 {
				t.Errorf("%q allocates %v times", text, n)
			}
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for name, text := range map[string]string{
		"kernel": "state close-wait ( dport = :443 or dst 10.0.0.0/8 )",
		"mixed":  "state close-wait and age > 5m and ( comm jav* or unit nginx ) and not rtt > 1s",
	} {
		b.Run(name, func(b *testing.B) {
			f, err := filter.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			row := leaking()
			b.ReportAllocs()
			for b.Loop() {
				f.Match(row)
			}
		})
	}
}
