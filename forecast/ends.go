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

// The mechanisms that end a socket, as [Ends.By] and the JSON contract name them.
const (
	ByRetransmission = "retransmission" // retransmissions went unanswered for too long
	ByUserTimeout    = "user_timeout"   // TCP_USER_TIMEOUT
	ByPersist        = "persist"        // probes of a closed window went unanswered
	ByOrphan         = "orphan"         // nobody holds the socket any more: tcp_orphan_retries
	ByKeepalive      = "keepalive"      // keepalive probes went unanswered, or met a peer that forgot the connection
	ByTimeWait       = "timewait"       // the minute of TIME_WAIT is over
	ByFinTimeout     = "fin_timeout"    // tcp_fin_timeout: the peer does not close its side
)

// Ends is when and how the kernel ends a socket. Times count from the moment the socket was looked at.
type Ends struct {
	Kind Kind
	// Best is the best estimate, Earliest and Latest the interval around it, for Kind At. For Kind Unknown, Earliest may give the next
	// moment at which something happens (a probe); 0 means it is not known.
	Best, Earliest, Latest time.Duration
	// Also is a second likely moment, 0 when there is none: a few milliseconds decide between two firings of the timer.
	Also time.Duration
	// By names the mechanism: "retransmission", "user_timeout", "persist", "orphan", "keepalive", "timewait", "fin_timeout", or "" when there is
	// none.
	By string
	// Error is what the application will get: "ETIMEDOUT", "EPIPE", ...; "" when nobody is left to get it or it is not known, because nothing leaves this host
	// any more.
	Error string
	// Limit is the setting that decides, its Name "" when none does.
	Limit Limit
	// Reason is one sentence for people.
	Reason string
	// Elapsed says how the time since the first retransmission was learned, on which the moment depends.
	Elapsed Source
}

// Same reports whether two forecasts of a socket say the same, but for what only the name of the limit tells.
func (e *Ends) Same(other *Ends) bool {
	return e.Kind == other.Kind && e.By == other.By && (e.Best-other.Best).Abs() < 10*time.Millisecond && (e.Also-other.Also).Abs() < 10*time.Millisecond
}

// Limit is a kernel setting with the time it amounts to.
type Limit struct {
	Name  string
	Value int64
	Time  time.Duration
}

// Source says where the time since the first retransmission comes from.
type Source uint8

// The sources, the best first but for the first.
const (
	NotNeeded     Source = iota // the answer does not depend on it
	Exact                       // handed in (BPF), or tcpi_total_rto_time of the only recovery so far (since 6.7)
	Reconstructed               // summed up from the time-outs that must have passed
	Bounded                     // hardly known: between the last time-out and all recoveries together
)

// String returns "not_needed", "exact", "reconstructed" or "bounded".
func (s Source) String() string {
	return [...]string{"not_needed", "exact", "reconstructed", "bounded"}[s]
}

// Later returns the ends counted from a moment that was so much earlier than the look.
func (e Ends) Later(by time.Duration) Ends {
	if by <= 0 || e.Kind == Never {
		return e
	}
	for _, t := range [...]*time.Duration{&e.Best, &e.Also, &e.Earliest, &e.Latest} {
		if *t > 0 {
			*t += by
		}
	}
	return e
}

// Blurred returns the ends of a socket whose running timer was shown cut off: it may run this much longer than the forecast was made for.
func (e Ends) Blurred(by time.Duration) Ends {
	if by <= 0 {
		return e
	}
	switch e.Kind {
	case At:
		e.Best, e.Latest = e.Best+by/2, e.Latest+by
		if e.Also > 0 {
			e.Also += by / 2
		}
	case Unknown:
		if e.Earliest > 0 {
			e.Earliest += by / 2
		}
	}
	return e
}

// enclose widens the interval to the moments named: a timer that is overdue may fire at once, whatever those after it would do.
func (e *Ends) enclose() {
	e.Earliest, e.Latest = min(e.Earliest, e.Best), max(e.Latest, e.Best)
	if e.Also > 0 {
		e.Earliest, e.Latest = min(e.Earliest, e.Also), max(e.Latest, e.Also)
	}
}
