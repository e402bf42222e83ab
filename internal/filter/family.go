package filter

import (
	"net/netip"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// familyTest is "family", "ipv4" and "ipv6": the family of the socket, whatever the form of its addresses.
type familyTest struct {
	is     comparison
	family tcp.Family
}

func (n familyTest) eval(row *look.Row) truth { return n.is.of(known(row.Socket.Family == n.family)) }

// limits tests for IPv6 in both cases: an IPv4 prefix would let IPv4-mapped addresses in.
func (n familyTest) limits(holds bool) limits {
	wantsIPv6 := (n.family == tcp.IPv6) == (n.is == equal)
	return exactCondition(tcp.Prefix{Side: tcp.LocalSide, Prefix: everyIPv6()}, wantsIPv6 == holds)
}

func (n familyTest) String() string { return "family " + n.is.String() + " " + n.family.String() }

func everyIPv4() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }
func everyIPv6() netip.Prefix { return netip.PrefixFrom(netip.IPv6Unspecified(), 0) }

// families are the names of the families, ours and those of ss.
var families = map[string]tcp.Family{
	"ipv4": tcp.IPv4, "inet": tcp.IPv4, "4": tcp.IPv4, "ipv6": tcp.IPv6, "inet6": tcp.IPv6, "6": tcp.IPv6,
}

func parseFamily(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "ipv4 or ipv6")
	if problem != nil {
		return nil, problem
	}
	family, ok := families[strings.ToLower(t.text)]
	if !ok {
		return nil, p.fail(t, didYouMean(t.text, []string{"ipv4", "ipv6"}, "families"), "unknown family %s", quote(t))
	}
	return familyTest{is, family}, nil
}

// parseFamilyWord parses "ipv4" or "ipv6" standing alone.
func parseFamilyWord(p *parser, w *word) (node, *SyntaxError) {
	return familyTest{equal, families[w.Name]}, p.noComparison(w)
}
