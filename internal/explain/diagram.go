package explain

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// diagram is the life of a connection (RFC 9293, figure 5) as Linux has it. Each state stands between two spaces, which marks replace.
//
//go:embed diagram.txt
var diagram string

// Side is the end of a connection that a socket is.
type Side uint8

// The sides: who connected, who accepted.
const (
	SideUnknown Side = iota
	Connected
	Accepted
)

// labels are the states as the diagram spells them.
var labels = map[tcp.State]string{
	tcp.SynSent: "SYN_SENT", tcp.SynReceived: "SYN_RECV", tcp.Established: "ESTABLISHED", tcp.FinWait1: "FIN_WAIT_1", tcp.FinWait2: "FIN_WAIT_2",
	tcp.Closing: "CLOSING", tcp.TimeWait: "TIME_WAIT", tcp.CloseWait: "CLOSE_WAIT", tcp.LastAck: "LAST_ACK", tcp.Listen: "LISTEN", tcp.Closed: "CLOSED",
}

// before are the states that a socket must have been in. TIME_WAIT comes after FIN_WAIT_2 or CLOSING, and nothing tells which.
var before = map[tcp.State][]tcp.State{
	tcp.FinWait1: {tcp.Established}, tcp.FinWait2: {tcp.Established, tcp.FinWait1}, tcp.Closing: {tcp.Established, tcp.FinWait1},
	tcp.TimeWait: {tcp.Established, tcp.FinWait1}, tcp.CloseWait: {tcp.Established}, tcp.LastAck: {tcp.Established, tcp.CloseWait},
}

// Diagram returns the lines of the diagram of states, in at most 77 columns of 7-bit text. The state is marked by brackets, those before it by parentheses; one that is not in the
// diagram marks nothing.
func Diagram(state tcp.State, side Side) []string {
	text := mark(strings.ReplaceAll(diagram, "\n", " \n"), state, '[', ']')
	way := slices.Clone(before[state])
	if state == tcp.Established || len(way) > 0 {
		switch side {
		case Connected:
			way = append(way, tcp.SynSent)
		case Accepted:
			way = append(way, tcp.SynReceived)
		}
	}
	for _, s := range way {
		text = mark(text, s, '(', ')')
	}
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return lines
}

func mark(text string, s tcp.State, open, shut byte) string {
	label, ok := labels[s]
	if !ok {
		return text
	}
	return strings.Replace(text, " "+label+" ", string(open)+label+string(shut), 1)
}
