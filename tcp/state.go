package tcp

import (
	"fmt"
	"math/bits"
	"strings"
)

// State is the state of a TCP socket, with the numbers of the kernel's include/net/tcp_states.h.
type State uint8

// The states a kernel can report. Request sockets (half-open connections on the listening side) are reported as SynReceived.
const (
	Established  State = 1  // TCP_ESTABLISHED
	SynSent      State = 2  // TCP_SYN_SENT
	SynReceived  State = 3  // TCP_SYN_RECV, and TCP_NEW_SYN_RECV as sock_diag reports it
	FinWait1     State = 4  // TCP_FIN_WAIT1
	FinWait2     State = 5  // TCP_FIN_WAIT2
	TimeWait     State = 6  // TCP_TIME_WAIT
	Closed       State = 7  // TCP_CLOSE
	CloseWait    State = 8  // TCP_CLOSE_WAIT
	LastAck      State = 9  // TCP_LAST_ACK
	Listen       State = 10 // TCP_LISTEN
	Closing      State = 11 // TCP_CLOSING
	NewSynRecv   State = 12 // TCP_NEW_SYN_RECV, known to request masks and tracepoints only
	Bound        State = 13 // TCP_BOUND_INACTIVE, a pseudo state: bound, neither listening nor connected (since 6.8)
	statesLength       = 14
)

var stateWords = [statesLength]struct{ name, ss string }{
	Established: {"established", "ESTAB"},
	SynSent:     {"syn_sent", "SYN-SENT"},
	SynReceived: {"syn_received", "SYN-RECV"},
	FinWait1:    {"fin_wait_1", "FIN-WAIT-1"},
	FinWait2:    {"fin_wait_2", "FIN-WAIT-2"},
	TimeWait:    {"time_wait", "TIME-WAIT"},
	Closed:      {"closed", "UNCONN"},
	CloseWait:   {"close_wait", "CLOSE-WAIT"},
	LastAck:     {"last_ack", "LAST-ACK"},
	Listen:      {"listen", "LISTEN"},
	Closing:     {"closing", "CLOSING"},
	NewSynRecv:  {"syn_received", "SYN-RECV"},
	Bound:       {"bound", "BOUND"},
}

// stateAliases are the spellings beyond the two of stateWords: those of netstat, ss filters, RFC 9293 and the kernel.
var stateAliases = map[string]State{
	"close": Closed, "syn_recv": SynReceived, "estab": Established, "bound_inactive": Bound,
	"fin_wait1": FinWait1, "fin_wait2": FinWait2, "listening": Listen, "new_syn_recv": SynReceived, "syn_rcv": SynReceived, "unconnected": Closed,
}

// String returns the state's name as JSON, metrics and tables spell it: "close_wait". A number unknown to this package gives "state_N".
func (s State) String() string {
	if int(s) < len(stateWords) && stateWords[s].name != "" {
		return stateWords[s].name
	}
	return fmt.Sprintf("state_%d", uint8(s))
}

// SS returns the state as ss(8) prints it: "CLOSE-WAIT".
func (s State) SS() string {
	if int(s) < len(stateWords) && stateWords[s].ss != "" {
		return stateWords[s].ss
	}
	return fmt.Sprintf("STATE-%d", uint8(s))
}

// ParseState reads a state in any spelling in use: close_wait, CLOSE-WAIT (ss), CLOSE_WAIT (netstat), FIN_WAIT1, ESTAB,
// TCP_CLOSE_WAIT. Case does not matter.
func ParseState(text string) (State, error) {
	word := strings.ReplaceAll(strings.ToLower(text), "-", "_")
	word = strings.TrimPrefix(word, "tcp_")
	for s, w := range stateWords {
		if s != int(NewSynRecv) && w.name == word && word != "" {
			return State(s), nil
		}
	}
	if s, ok := stateAliases[word]; ok {
		return s, nil
	}
	if word == "unconn" {
		return Closed, nil
	}
	return 0, fmt.Errorf("unknown TCP state %q", text)
}

// StateSet is a set of states, bit n standing for state n: the idiag_states mask of struct inet_diag_req_v2.
type StateSet uint32

// Sets that ss(8) has names for, and one of this project's.
const (
	// AllStates is every state that a socket of any kernel can be reported in.
	AllStates StateSet = 1<<Established | 1<<SynSent | 1<<SynReceived | 1<<FinWait1 | 1<<FinWait2 | 1<<TimeWait |
		1<<Closed | 1<<CloseWait | 1<<LastAck | 1<<Listen | 1<<Closing | 1<<NewSynRecv | 1<<Bound
	// ConnectedStates is all but listen, closed and bound.
	ConnectedStates = AllStates &^ (1<<Listen | 1<<Closed | 1<<Bound)
	// SynchronizedStates is the connected states but syn_sent.
	SynchronizedStates = ConnectedStates &^ (1 << SynSent)
	// BucketStates is what the kernel keeps as mini sockets: time_wait and syn_received.
	BucketStates StateSet = 1<<TimeWait | 1<<SynReceived | 1<<NewSynRecv
	// BigStates is the opposite of BucketStates.
	BigStates = AllStates &^ BucketStates
)

// SetOf returns the set of the given states.
func SetOf(states ...State) StateSet {
	var set StateSet
	for _, s := range states {
		set |= 1 << s
	}
	return set
}

// Has reports whether s is in the set.
func (set StateSet) Has(s State) bool { return s < 32 && set&(1<<s) != 0 }

// Len returns the number of states in the set.
func (set StateSet) Len() int { return bits.OnesCount32(uint32(set)) }

// ParseStateSet reads the argument of ss's "state": the name of a state, or all, connected, synchronized, bucket, big.
func ParseStateSet(text string) (StateSet, error) {
	switch strings.ToLower(text) {
	case "all":
		return AllStates, nil
	case "connected":
		return ConnectedStates, nil
	case "synchronized":
		return SynchronizedStates, nil
	case "bucket":
		return BucketStates, nil
	case "big":
		return BigStates, nil
	}
	s, err := ParseState(text)
	if err != nil {
		return 0, err
	}
	set := SetOf(s)
	if s == SynReceived || s == NewSynRecv {
		set |= SetOf(SynReceived, NewSynRecv)
	}
	return set, nil
}
