package forecast

import "time"

// Setting is a value that may be unknown; the zero Setting is.
type Setting[T any] struct {
	Value T
	Known bool
}

// Is returns a known setting.
func Is[T any](value T) Setting[T] { return Setting[T]{value, true} }

// Or returns the value if it is known, and otherwise another.
func (s Setting[T]) Or(other T) T {
	if s.Known {
		return s.Value
	}
	return other
}

// Limits are the sysctls of a network namespace (net.ipv4.*) that decide when its sockets end. See Documentation/networking/ip-sysctl.rst.
type Limits struct {
	Retries2          Setting[int64]         // tcp_retries2: read at every firing of the timer
	OrphanRetries     Setting[int64]         // tcp_orphan_retries: 0 means 8, or none once the time-out is as long as it gets
	SynRetries        Setting[int64]         // tcp_syn_retries
	SynAckRetries     Setting[int64]         // tcp_synack_retries
	SynLinear         Setting[int64]         // tcp_syn_linear_timeouts: first time-outs that do not double (since 6.5)
	RTOMax            Setting[time.Duration] // tcp_rto_max_ms: copied into a socket when it is made (since 6.15)
	RTOMin            Setting[time.Duration] // tcp_rto_min_us (since 6.11)
	FinTimeout        Setting[time.Duration] // tcp_fin_timeout
	KeepaliveTime     Setting[time.Duration] // tcp_keepalive_time
	KeepaliveInterval Setting[time.Duration] // tcp_keepalive_intvl
	KeepaliveProbes   Setting[int64]         // tcp_keepalive_probes
	ThinLinear        Setting[bool]          // tcp_thin_linear_timeouts
	EarlyRetrans      Setting[int64]         // tcp_early_retrans: 3 and 4 allow tail loss probes
}

// LimitsOf reads the limits from sysctls by their names below net.ipv4 ("tcp_retries2"). What is absent stays unknown.
func LimitsOf(sysctls map[string]int64) Limits {
	count := func(name string) Setting[int64] {
		n, ok := sysctls[name]
		return Setting[int64]{n, ok}
	}
	period := func(name string, unit time.Duration) Setting[time.Duration] {
		n, ok := sysctls[name]
		return Setting[time.Duration]{time.Duration(n) * unit, ok}
	}
	thin := count("tcp_thin_linear_timeouts")
	return Limits{
		Retries2: count("tcp_retries2"), OrphanRetries: count("tcp_orphan_retries"),
		SynRetries: count("tcp_syn_retries"), SynAckRetries: count("tcp_synack_retries"), SynLinear: count("tcp_syn_linear_timeouts"),
		RTOMax: period("tcp_rto_max_ms", time.Millisecond), RTOMin: period("tcp_rto_min_us", time.Microsecond),
		FinTimeout:    period("tcp_fin_timeout", time.Second),
		KeepaliveTime: period("tcp_keepalive_time", time.Second), KeepaliveInterval: period("tcp_keepalive_intvl", time.Second),
		KeepaliveProbes: count("tcp_keepalive_probes"), EarlyRetrans: count("tcp_early_retrans"), ThinLinear: Setting[bool]{thin.Value != 0, thin.Known},
	}
}

// Defaults returns the limits a kernel compiles into every new network namespace, whatever those of its creator are.
func Defaults() Limits {
	return Limits{
		Retries2: Is[int64](15), OrphanRetries: Is[int64](0), SynRetries: Is[int64](6), SynAckRetries: Is[int64](5), SynLinear: Is[int64](synLinearDefault),
		RTOMax: Is(rtoMaxDefault), RTOMin: Is(rtoMinimum), FinTimeout: Is(time.Minute),
		KeepaliveTime: Is(2 * time.Hour), KeepaliveInterval: Is(75 * time.Second), KeepaliveProbes: Is[int64](9), ThinLinear: Is(false),
	}
}

// Options are facts of one socket that sock_diag does not report. They come from getsockopt on a duplicate of the descriptor or from a BPF iterator;
// PeerForgot from seeing the peer's end on this same host.
type Options struct {
	// UserTimeout is TCP_USER_TIMEOUT, 0 when off. Unknown means that the socket could not be asked: then it is taken to be off, unless the running timer betrays it,
	// but the socket may end at any firing (Earliest), and the reason says so.
	UserTimeout       Setting[time.Duration]
	RTOMax            Setting[time.Duration] // TCP_RTO_MAX_MS
	RTOMin            Setting[time.Duration] // TCP_RTO_MIN_US, or what the socket copied of tcp_rto_min_us when it was made (icsk_rto_min)
	Keepalive         Setting[bool]          // SO_KEEPALIVE that is being set now: its timer is armed anew. Otherwise the timer tells whether it is on
	KeepaliveTime     Setting[time.Duration] // TCP_KEEPIDLE
	KeepaliveInterval Setting[time.Duration] // TCP_KEEPINTVL
	KeepaliveProbes   Setting[int64]         // TCP_KEEPCNT
	Linger            Setting[time.Duration] // TCP_LINGER2; 0 when the socket has none of its own
	SynRetries        Setting[int64]         // TCP_SYNCNT
	ThinLinear        Setting[bool]          // TCP_THIN_LINEAR_TIMEOUTS
	// Congestion is the name of the congestion control (TCP_CONGESTION), "" when it is not known. What sock_diag reports counts for more ([tcp.Socket.Congestion]). It matters
	// where time-outs of thin streams do not double.
	Congestion string
	// Elapsed is the time since the first retransmission, exactly: now - tcp_sock.retrans_stamp.
	Elapsed Setting[time.Duration]
	// Probing is the time from the first probe of the peer's closed window to the nominal expiry of the running one: icsk_timeout - icsk_probes_tstamp.
	Probing Setting[time.Duration]
	// SoftError is the number of the error that was recorded for a time-out to report (sk_err_soft), 0 for none: the network said that the peer cannot be reached.
	SoftError Setting[int]
	// Neighbour is what is known of the next hop towards the peer.
	Neighbour Setting[Neighbour]
	// Armed is how the running timer hangs in the kernel's timer wheel. It counts where the clock is known.
	Armed Armed
	// PeerForgot says that the other end of the connection exists no more, so that it answers whatever arrives with a reset.
	PeerForgot bool
}

const (
	rtoMinimum    = 200 * time.Millisecond // TCP_RTO_MIN: the base of the model time-out, whatever the minimum in force
	rtoMaxDefault = 120 * time.Second      // TCP_RTO_MAX
	rtoMaxLeast   = time.Second            // the least TCP_RTO_MAX_MS takes
	timeWaitTime  = 60 * time.Second       // TCP_TIMEWAIT_LEN
	lingerMax     = 120 * time.Second      // TCP_FIN_TIMEOUT_MAX: the most TCP_LINGER2 takes
	localInterval = 500 * time.Millisecond // TCP_RESOURCE_PROBE_INTERVAL: the pause after a packet did not leave this host
	synTimeout    = time.Second            // TCP_TIMEOUT_INIT
	thinRetries   = 6                      // TCP_THIN_LINEAR_RETRIES

	synLinearDefault = 4 // tcp_syn_linear_timeouts of a new namespace
	orphanDefault    = 8 // what tcp_orphan_retries makes of 0 while the time-out still grows
)
