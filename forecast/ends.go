package forecast

import "time"

// Kind says what is known of a socket's end.
type Kind uint8

// The kinds of answers.
const (
	Unknown Kind = iota // it cannot be said; Reason says why
	At                  // the kernel ends the socket at a moment that can be given
	Never               // no timer runs, or the running one cannot end the socket
)

// String returns "unknown", "at" or "never".
func (k Kind) String() string { return [...]string{"unknown", "at", "never"}[k] }

// Ends is when and how the kernel ends a socket. Times count from the moment the socket was looked at.
type Ends struct {
	Kind Kind
	// Best is the best estimate, Earliest and Latest the interval around it, for Kind At. For Kind Unknown, Earliest may give the next
	// moment at which something happens (a probe); 0 means it is not known.
	Best, Earliest, Latest time.Duration
	// Also is a second likely moment, 0 when there is none.
	Also time.Duration
	// By names the mechanism: "retransmission", "user_timeout", "persist", "orphan", "keepalive", "timewait", "fin_timeout", or "" when there is none.
	By string
	// Error is what the application will get: "ETIMEDOUT", "EPIPE", ...; "" when nobody is left to get it or it is not known.
	Error string
	// Limit is the setting that decides, its Name "" when none does.
	Limit Limit
	// Reason is one sentence for people.
	Reason string
}

// Limit is a kernel setting with the time it amounts to.
type Limit struct {
	Name  string
	Value int64
	Time  time.Duration
}
