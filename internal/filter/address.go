package filter

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// parseHost parses the rest of "src" and "dst".
func parseHost(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "an address")
	if problem != nil {
		return nil, problem
	}
	family, text, problem := p.family(t)
	if problem != nil {
		return nil, problem
	}
	address, ports, problem := p.splitHost(t, text)
	if problem != nil {
		return nil, problem
	}
	pair, prefix := everyPort, everyAddress(family)
	if address != "" && address != "*" {
		if prefix, problem = p.prefix(t, address); problem != nil {
			return nil, problem
		}
		if family != 0 && prefix.Addr().Is4() != (family == tcp.IPv4) {
			return nil, p.fail(t, "", "%s is no %s address", address, family)
		}
	}
	if ports != nil {
		if pair, problem = p.ports(t, *ports); problem != nil {
			return nil, problem
		}
	}
	return newHostTest(w.side, is, prefix, pair), nil
}

// family cuts the name of an address family off the front of a host or port: "inet:10.0.0.1", "inet6::443".
func (p *parser) family(t token) (tcp.Family, string, *SyntaxError) {
	name, rest, found := strings.Cut(t.text, ":")
	if !found {
		return 0, t.text, nil
	}
	switch strings.ToLower(name) {
	case "inet":
		return tcp.IPv4, rest, nil
	case "inet6":
		return tcp.IPv6, rest, nil
	case "unix", "link", "packet", "netlink", "vsock", "tipc", "xdp":
		return 0, "", p.fail(t, "the families of TCP are inet and inet6", "closewait knows TCP sockets only, none of the family %s", name)
	}
	return 0, t.text, nil
}

// splitHost divides "address:ports"; ports is nil when there is no colon for it. The address keeps its prefix length and has lost its brackets.
func (p *parser) splitHost(t token, text string) (address string, ports *string, problem *SyntaxError) {
	if inside, ok := strings.CutPrefix(text, "["); ok {
		address, rest, closed := strings.Cut(inside, "]")
		if !closed {
			return "", nil, p.fail(t, "", "the bracket in %s is never closed", quote(t))
		}
		length := rest[:indexAny(rest, ":")]
		address, rest = address+length, rest[len(length):]
		if rest == "" {
			return address, nil, nil
		}
		rest = rest[1:]
		return address, &rest, nil
	}
	slash := max(strings.IndexByte(text, '/'), 0)
	colons := strings.Count(text[slash:], ":")
	if colons > 1 {
		return p.splitIPv6(t, text)
	}
	if colons == 0 {
		return text, nil, nil
	}
	at := strings.LastIndexByte(text, ':')
	rest := text[at+1:]
	return text[:at], &rest, nil
}

// splitIPv6 divides an IPv6 address without brackets from a port, if that can be done in one way only.
func (p *parser) splitIPv6(t token, text string) (string, *string, *SyntaxError) {
	at := strings.LastIndexByte(text, ':')
	head, port := text[:at], text[at+1:]
	_, notWhole := netip.ParseAddr(text)
	_, notHead := netip.ParseAddr(head)
	switch {
	case notWhole == nil && notHead == nil:
		return "", nil, p.fail(t, "write ["+text+"] or ["+head+"]:"+port, "%s can be read as an address or as an address with a port", quote(t))
	case notWhole == nil:
		return text, nil, nil
	case notHead == nil:
		return head, &port, nil
	}
	return "", nil, p.fail(t, "IPv6 addresses stand in brackets: [2001:db8::1]:443", "%s is not an address", quote(t))
}

// prefix reads an address with or without a prefix length or mask. As in ss the last parts of an IPv4 address may be left out before a length.
func (p *parser) prefix(t token, text string) (netip.Prefix, *SyntaxError) {
	bare, length, hasLength := strings.Cut(text, "/")
	if hasLength && !strings.Contains(bare, ":") {
		for dots := strings.Count(bare, "."); dots < 3 && bare != ""; dots++ {
			bare += ".0"
		}
	}
	addr, err := netip.ParseAddr(bare)
	switch {
	case err != nil:
		return netip.Prefix{}, p.notAddress(t, text)
	case addr.Zone() != "":
		return netip.Prefix{}, p.fail(t, "write the address without %"+addr.Zone()+", and: dev = "+addr.Zone(), "addresses are compared without a zone")
	case !hasLength:
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	n, ok := prefixLength(length)
	if !ok || n > addr.BitLen() {
		return netip.Prefix{}, p.fail(t, "", "%q is not a prefix length: for this address it goes from 0 to %d", length, addr.BitLen())
	}
	return netip.PrefixFrom(addr, n).Masked(), nil
}

// prefixLength reads the number of bits, or an IPv4 mask without holes.
func prefixLength(text string) (int, bool) {
	if mask, err := netip.ParseAddr(text); err == nil && mask.Is4() {
		b := mask.As4()
		inverse := ^(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
		return 32 - bits.Len32(inverse), inverse&(inverse+1) == 0
	}
	n, err := parseNumber(text, 16)
	return int(n), err == nil
}

// notAddress explains a text that should be an address: most often it is a name.
func (p *parser) notAddress(t token, text string) *SyntaxError {
	letter := func(r rune) bool { return r < 0x80 && isLetter(byte(r)) }
	switch {
	case strings.ContainsFunc(text, letter) && !strings.ContainsAny(text, ":/"):
		return p.fail(t, "give an address such as 10.0.0.1, 10.0.0.0/8 or [2001:db8::1]", "%q is a host name, and names are never looked up", text)
	case strings.Trim(text, "0123456789.") == "" && strings.Count(text, ".") < 3:
		return p.fail(t, "write all four parts, or a prefix: "+text+"/"+strconv.Itoa(8*(strings.Count(text, ".")+1)), "%q is only a part of an IPv4 address", text)
	}
	return p.fail(t, "for example: 10.0.0.1, 10.0.0.0/8, [2001:db8::1]:443, :443", "%q is not an address", text)
}
