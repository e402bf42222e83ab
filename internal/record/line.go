package record

import (
	"strings"

	"github.com/closewait/closewait/tcp"
)

// stateNames are the state words of ss and netstat as they print them.
var stateNames = map[string]tcp.State{
	"ESTAB": tcp.Established, "SYN-SENT": tcp.SynSent, "SYN-RECV": tcp.SynReceived, "FIN-WAIT-1": tcp.FinWait1, "FIN-WAIT-2": tcp.FinWait2,
	"TIME-WAIT": tcp.TimeWait, "UNCONN": tcp.Closed, "CLOSE-WAIT": tcp.CloseWait, "LAST-ACK": tcp.LastAck, "LISTEN": tcp.Listen, "CLOSING": tcp.Closing,
	"ESTABLISHED": tcp.Established, "SYN_SENT": tcp.SynSent, "SYN_RECV": tcp.SynReceived, "FIN_WAIT1": tcp.FinWait1, "FIN_WAIT2": tcp.FinWait2,
	"TIME_WAIT": tcp.TimeWait, "CLOSE": tcp.Closed, "CLOSE_WAIT": tcp.CloseWait, "LAST_ACK": tcp.LastAck,
}

// otherProtocols are what ss (Netid) and netstat (Proto) print in front of sockets that are not TCP.
var otherProtocols = map[string]bool{
	"udp": true, "udp6": true, "udplite": true, "udpl": true, "raw": true, "raw6": true, "icmp": true, "icmp6": true, "sctp": true, "dccp": true, "mptcp": true,
	"unix": true, "u_str": true, "u_dgr": true, "u_seq": true, "nl": true, "p_raw": true, "p_dgr": true, "v_str": true, "v_dgr": true,
	"v_seq": true, "xdp": true, "tipc": true, "ti_st": true, "ti_sq": true, "ti_rd": true, "ti_dg": true, "???": true,
}

// line takes one line of the text, and joins two that were one.
func (p *parser) line(raw string) {
	raw = p.unnumbered(clean(raw))
	if first, _, _ := strings.Cut(strings.TrimLeft(raw, " \t"), " "); p.broken != "" && (strings.IndexByte(first, ':') > 0 || continues(raw)) && !begins(raw) {
		raw = p.broken + " " + strings.TrimLeft(raw, " \t")
		p.broken = ""
	}
	p.unbroken()
	if breaks(raw) {
		p.broken = raw
		return
	}
	p.read(raw)
}

// unbroken reads the beginning of a line whose end did not come.
func (p *parser) unbroken() {
	if p.broken != "" {
		broken := p.broken
		p.broken = ""
		p.source.Lines--
		p.read(broken)
		p.source.Lines++
	}
}

// breaks reports whether a line ends after the local address, as terminals and mail programs break lines, or after the state, which of netstat is where a terminal of 80 columns breaks them.
func breaks(line string) bool {
	w := words{line}
	first := w.next()
	if _, state := stateNames[first]; !state && first != "tcp" && first != "tcp6" {
		return false
	}
	if _, state := stateNames[w.peek()]; state {
		w.next() // after the protocol
	}
	_, received := queue(w.next())
	_, sent := queue(w.next())
	if !received || !sent || strings.IndexByte(w.next(), ':') <= 0 {
		return false
	}
	peer := w.next()
	_, state := stateNames[w.next()]
	return peer == "" || state && w.next() == ""
}

// continues reports whether a line is what netstat shows after the state: [PID/Program name] name (seconds/retransmissions/probes).
func continues(line string) bool {
	w := words{line}
	first := w.next()
	if pid, _, owner := strings.Cut(first, "/"); owner && digits(pid) {
		return true
	}
	if first == "-" {
		first = w.next()
	}
	_, timer := timerNames[first]
	return (timer || strings.HasPrefix(first, "unkn-")) && strings.HasPrefix(w.next(), "(")
}

// read takes a line for what it is.
func (p *parser) read(raw string) {
	p.indented = raw != "" && blank(raw[0])
	p.text = strings.TrimSpace(raw)
	// ss pads its lines. Two blanks at the end cannot come from a cut: they say that nothing followed.
	p.whole = strings.HasSuffix(raw, "  ")
	w := words{p.text}
	first := w.next()
	state, isState := stateNames[first]
	switch {
	case first == "":
		p.source.Ignored++
	case isState:
		p.stateFirst(state, w)
	case first == "tcp" || first == "tcp6":
		p.protocolFirst(first, w)
	case otherProtocols[first] && w.peek() != "":
		p.source.Ignored++
		p.section.last = passedOver
	case isRowNumber(first):
		p.proc(w)
	case stateless(first, w):
		p.ssStateless(first, w)
	case p.header(first):
	case p.isDetails(first):
		p.ssDetails()
	case p.fragment():
	case p.noise():
		p.source.Ignored++
	case p.indented && p.section.format == ssFormat:
		p.ssDetails()
	default:
		p.section.last = passedOver
		p.skip(foreign(first))
	}
}

// stateFirst is a line of ss, or a state with a timer alone.
func (p *parser) stateFirst(state tcp.State, w words) {
	second := w.peek()
	if _, ok := timerNames[second]; ok && p.fragment() {
		return
	}
	if second == "" {
		p.skip("a state alone")
		return
	}
	p.ss(state, w)
}

// protocolFirst is a line of netstat, or of ss when it shows several protocols: the next column tells.
func (p *parser) protocolFirst(protocol string, w words) {
	next := w.peek()
	if state, ok := stateNames[next]; ok {
		w.next()
		p.ss(state, w)
		return
	}
	if _, ok := queue(next); ok {
		p.netstat(protocol, w)
		return
	}
	p.skip("neither a line of ss nor of netstat")
}

// stateless reports whether the line begins with two queue lengths and an address.
func stateless(first string, w words) bool {
	_, ok := queue(first)
	_, also := queue(w.next())
	return ok && also && strings.IndexByte(w.next(), ':') >= 0
}

// header takes the lines above columns, which begin a new output.
func (p *parser) header(first string) bool {
	format := ""
	switch {
	case first == "sl" && strings.Contains(p.text, "local_address"):
		format = procFormat
	case (first == "State" || first == "Netid" || first == "Recv-Q" || first == "Local") && strings.Contains(p.text, "Address:Port"):
		format = ssFormat
	case first == "Proto" && strings.Contains(p.text, "Recv-Q"), first == "Active" && strings.Contains(p.text, "Internet connections"):
		format = netstatFormat
	case first == "Proto" && strings.Contains(p.text, "RefCnt"), first == "Active":
		// sockets of the Unix domain follow
	default:
		return false
	}
	p.source.Ignored++
	if p.section.format == format && p.section.start < len(p.sockets) {
		p.command = command{} // it was for the output before
	}
	p.begin(format)
	return true
}

// foreign says what a line is that looks like a socket and is not one of Linux.
func foreign(first string) string {
	switch first {
	case "tcp4", "tcp46", "TCP", "UDP":
		return "netstat of another operating system"
	}
	return "not a line of ss, netstat or /proc/net/tcp"
}
