package record

import (
	"net/netip"
	"strings"
	"time"

	"github.com/closewait/closewait/tcp"
)

// fragment reads a timer that was pasted without its socket, with the state or nothing before it: "on (110.84/13/0)", "CLOSE_WAIT on (110.84/13/0)",
// "timer:(on,1min50sec,13)". Of the rest nothing is known, and the state, if missing, is taken for established.
func (p *parser) fragment() bool {
	text := strings.Trim(p.text, "`'\"")
	s := tcp.Socket{
		Family: tcp.IPv4, State: tcp.Established, UID: UnknownUID,
		Local: tcp.EndpointFrom(netip.IPv4Unspecified(), 0), Peer: tcp.EndpointFrom(netip.IPv4Unspecified(), 0),
	}
	d := Detail{}
	w := words{text}
	if state, ok := stateNames[w.peek()]; ok && state != tcp.Closed {
		s.State, d.StateKnown = state, true
		w.next()
	}
	rest := strings.TrimSpace(w.rest)
	if value, ok := strings.CutPrefix(rest, "timer:"); ok {
		return p.ssFragment(s, d, value)
	}
	name, inner, open := strings.Cut(rest, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	t, c, ok := parseNetstatTimer(strings.TrimSpace(name), inner)
	if !open || !closed || !ok {
		return false
	}
	p.enter(timerFormat)
	s.Timer = t
	if t.Kind == tcp.TimerTimeWait && !d.StateKnown {
		s.State = tcp.TimeWait
	}
	c.put(&s)
	d.TimerKnown = t.Kind != TimerUnknown
	if t.Kind != tcp.TimerNone {
		d.Expires = tick
	}
	p.section.shown.timers = true
	p.add(&s, &d, mark{})
	return true
}

func (p *parser) ssFragment(s tcp.Socket, d Detail, value string) bool {
	read := detail{parser: p, socket: &s, more: &d, mark: &mark{}}
	kept := p.section.shown
	ok := read.timer(value)
	p.section.shown = kept
	if !ok {
		return false
	}
	if s.Mini() && !d.StateKnown {
		s.State = tcp.TimeWait
		s.Info = tcp.Info{}
	}
	p.enter(timerFormat)
	p.section.shown.timers, p.section.shown.coarse = true, d.Expires > time.Millisecond
	p.add(&s, &d, mark{})
	return true
}
