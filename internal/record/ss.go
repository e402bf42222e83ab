package record

import (
	"net/netip"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// ss reads a line of ss after the state: [Recv-Q Send-Q] Local:Port Peer:Port and what follows.
func (p *parser) ss(state tcp.State, w words) {
	p.enter(ssFormat)
	p.section.last = passedOver
	if p.section.otherOnly {
		p.source.Ignored++
		return
	}
	s := tcp.Socket{State: state, UID: UnknownUID}
	d := Detail{StateKnown: true}
	local := w.next()
	if n, ok := queue(local); ok {
		s.RecvQueue = n
		if s.SendQueue, ok = queue(w.next()); !ok {
			p.skip("no length of the send queue")
			return
		}
		d.QueuesKnown = true
		local = w.next()
	}
	l, star, reason := ends(&s, &d, local, w.next(), false)
	switch {
	case reason != "":
		p.skip(reason)
		return
	case state == tcp.Closed:
		p.skip("UNCONN: UDP, or a socket that is only bound")
		return
	}
	p.section.bare = p.section.bare || l.bare
	p.section.modern = p.section.modern || strings.HasPrefix(local, "[") || s.Family == tcp.IPv4 && s.Local.Addr().IsUnspecified() && !strings.HasPrefix(local, "*")
	p.bind(&s, &d, l.device)
	if p.add(&s, &d, mark{star: star, untimed: true}) {
		p.section.last = len(p.sockets) - 1
		p.details(w.rest)
	}
}

// ssStateless reads a line of ss without its state, which it leaves out when asked for a single one.
func (p *parser) ssStateless(first string, w words) {
	p.enter(ssFormat)
	if p.section.state == 0 {
		p.section.last = passedOver
		p.skip("no state: ss leaves it out when asked for one only; paste the command line as well, or use ss -ta")
		return
	}
	p.ss(p.section.state, words{first + w.rest})
}

// isDetails reports whether a line by its words goes on about the socket of the line before.
func (p *parser) isDetails(first string) bool {
	key, _, pair := strings.Cut(first, ":")
	if _, known := infoIndex[key]; known && pair || detailStarts[key] && (pair || ssFlags[key]) {
		return p.section.format == ssFormat || key != "timer"
	}
	return strings.Contains(p.text, " rto:") || strings.Contains(p.text, " cwnd:")
}

// detailStarts are the words besides the fields of tcp_info with which a further line of ss can begin.
var detailStarts = map[string]bool{
	"timer": true, "users": true, "skmem": true, "mem": true, "ino": true, "uid": true, "sk": true, "ts": true, "sack": true, "cgroup": true, "inet-sockopt": true, "tos": true,
}

// ssDetails reads a further line of ss.
func (p *parser) ssDetails() {
	switch last := p.section.last; {
	case p.section.format != ssFormat || last == noSocket:
		p.skip("details of a socket whose own line is missing")
	case last == passedOver:
		p.source.Ignored++
	case p.marks[last].line > 0 && (strings.Contains(p.text, " rto:") || strings.Contains(p.text, " cwnd:")):
		p.section.last = passedOver
		p.skip("details of a socket whose own line is missing")
	default:
		p.details(p.text)
	}
}

func ipv4Any(e tcp.Endpoint) tcp.Endpoint {
	return tcp.EndpointFrom(netip.IPv4Unspecified(), e.Port())
}
