package record

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// endpoint is an address as text shows it.
type endpoint struct {
	addr   netip.Addr // without zone; not valid for "*"
	port   uint16
	device string
	bare   bool // IPv6 without brackets: netstat, and ss before 4.14
}

const noName = "the port has a name that is not the same everywhere; use -n"

// parseEndpoint reads 10.0.0.1:80, 127.0.0.1%lo:80, [::1]:80, [fe80::1]%eth0:80, *:80, :::80, ::ffff:1.2.3.4:80, and port * for 0. The reason says
// why a text is none of these.
func parseEndpoint(text string) (e endpoint, reason string) {
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return e, "no address and port"
	}
	var ok bool
	if e.port, ok = parsePort(text[colon+1:]); !ok {
		if strings.ContainsAny(text[colon+1:], ".[]()/") || text[colon+1:] == "" {
			return e, "no address and port"
		}
		return e, noName
	}
	host := text[:colon]
	if percent := strings.IndexByte(host, '%'); percent >= 0 {
		host, e.device = host[:percent], strings.TrimSuffix(host[percent+1:], "]")
		if strings.HasPrefix(host, "[") && !strings.HasSuffix(host, "]") {
			host += "]"
		}
	}
	if host == "*" {
		return e, ""
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() {
			return e, "the address is not complete"
		}
		e.addr = addr
		return e, ""
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return e, noAddress(host)
	}
	e.addr, e.bare = addr, addr.Is6()
	return e, ""
}

func noAddress(host string) string {
	if strings.Contains(host, ":") || host == "" {
		return "the address is not complete; use netstat -W"
	}
	for i := range len(host) {
		if c := host[i]; c != '.' && (c < '0' || c > '9') {
			return "a host name, not an address; use -n"
		}
	}
	return "the address is not complete"
}

func parsePort(text string) (uint16, bool) {
	if text == "*" {
		return 0, true
	}
	if n, ok := number(text, 65535); ok {
		return uint16(n), true
	}
	port, ok := services[text]
	return port, ok
}

// ends puts the two addresses into the socket. A "*" is the unspecified address of the other end's family; where both are, star is true and the
// family is IPv6, as it is for ss since 4.14. With mapped, IPv4 addresses are those of an IPv6 socket: netstat shows them without ::ffff: in front.
func ends(s *tcp.Socket, d *Detail, local, peer string, mapped bool) (l endpoint, star bool, reason string) {
	l, reason = parseEndpoint(local)
	if reason != "" {
		return l, false, reason
	}
	r, reason := parseEndpoint(peer)
	if reason != "" {
		return l, false, reason
	}
	if mapped {
		l.addr, r.addr = mapAddr(l.addr), mapAddr(r.addr)
	}
	star = !l.addr.IsValid()
	switch {
	case star && !r.addr.IsValid():
		l.addr, r.addr = netip.IPv6Unspecified(), netip.IPv6Unspecified()
	case star:
		l.addr = unspecified(r.addr)
	case !r.addr.IsValid():
		r.addr = unspecified(l.addr)
	}
	if l.addr.Is4() != r.addr.Is4() {
		return l, false, "the two ends are of different families"
	}
	s.Family = tcp.IPv6
	if l.addr.Is4() {
		s.Family = tcp.IPv4
	}
	s.Local, s.Peer = tcp.EndpointFrom(l.addr, l.port), tcp.EndpointFrom(r.addr, r.port)
	d.AddressKnown = true
	return l, star && r.addr.IsUnspecified(), ""
}

func mapAddr(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.AddrFrom16(a.As16())
	}
	return a
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// bind notes the device a socket is bound to. The loopback has index 1 in every namespace (LOOPBACK_IFINDEX); a device that lost its name is shown as "if7".
func (p *parser) bind(s *tcp.Socket, d *Detail, device string) {
	if device == "" {
		return
	}
	d.Device = p.keep(device)
	if device == "lo" {
		s.Interface = 1
	} else if index, err := strconv.ParseUint(strings.TrimPrefix(device, "if"), 10, 31); err == nil && strings.HasPrefix(device, "if") {
		s.Interface = uint32(index)
	}
}
