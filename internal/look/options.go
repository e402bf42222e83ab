package look

import (
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// Options are what a socket itself says of its timers, beyond what sock_diag reports. Where it has no time or count of its own it says that of its namespace,
// and the two cannot be told apart.
type Options struct {
	UserTimeout       time.Duration // TCP_USER_TIMEOUT, 0 when off
	RTOMax            time.Duration // TCP_RTO_MAX_MS, 0 when the kernel has no such option (before 6.15)
	KeepaliveTime     time.Duration // TCP_KEEPIDLE
	KeepaliveInterval time.Duration // TCP_KEEPINTVL
	KeepaliveProbes   int           // TCP_KEEPCNT
	SynRetries        int           // TCP_SYNCNT
	ThinLinear        bool          // TCP_THIN_LINEAR_TIMEOUTS
	Congestion        string        `redact:"keep"` // TCP_CONGESTION; "" unless ThinLinear is on, where it matters

	// What follows no option of a socket tells, only a BPF program that sees inside: see Inside.
	Inside    bool
	SoftError int // number of the error that a time-out will report (sk_err_soft), 0 for none
	// Recoveries is the number of recoveries by time-out for which Ahead holds, 0 when it is not known: the time since the first retransmission, on which limits count, is that
	// much more than the time in recoveries that sock_diag reports (since 6.7).
	Recoveries int
	Ahead      time.Duration
	// RTOMin is the least time-out before back-off, 0 when not known: TCP_RTO_MIN_US tells it too, but is no older than 6.15.
	RTOMin time.Duration
	// Linger is TCP_LINGER2, negative when the socket waits for no FIN at all, 0 when it has none of its own. Sockets that nobody holds are the ones it is about.
	Linger time.Duration
	// Probing is from the first probe of the peer's closed window, from which TCP_USER_TIMEOUT counts, to the nominal expiry of the running one; 0 when not known.
	Probing time.Duration
	// Armed is how the running timer hangs in the kernel's timer wheel.
	Armed Armed
}

// Armed is how a timer hangs in the kernel's timer wheel, as forecasts want it.
type Armed = forecast.Armed

// Telling reports whether the options of a socket can change the forecast of its end: a timer runs that may end it. A half-open connection has no options yet.
func Telling(s *tcp.Socket) bool {
	switch s.Timer.Kind {
	case tcp.TimerRetransmit, tcp.TimerPersist, tcp.TimerKeepalive:
		return s.State != tcp.SynReceived
	}
	return false
}

// elapsed is the time since a socket's first retransmission, as far as Ahead tells it at the moment of the look.
func (o *Options) elapsed(s *tcp.Socket) forecast.Setting[time.Duration] {
	total, ok := s.Info.Duration(tcp.TotalRTOTime)
	recoveries, _ := s.Info.Uint(tcp.TotalRTORecoveries)
	retransmits, _ := s.Info.Uint(tcp.Retransmits)
	if !ok || o.Recoveries == 0 || recoveries != uint64(o.Recoveries) || retransmits == 0 {
		return forecast.Setting[time.Duration]{}
	}
	return forecast.Is(total + o.Ahead)
}

// apart leaves out what may be the namespace's: it is known without asking, and a change of the namespace's setting that is tried out would reach the socket.
func (o *Options) apart(common *forecast.Limits) forecast.Options {
	own := forecast.Options{
		UserTimeout: forecast.Is(o.UserTimeout), ThinLinear: forecast.Is(o.ThinLinear), Congestion: o.Congestion, Armed: o.Armed,
		KeepaliveTime:     unlike(o.KeepaliveTime, common.KeepaliveTime),
		KeepaliveInterval: unlike(o.KeepaliveInterval, common.KeepaliveInterval),
		KeepaliveProbes:   unlike(int64(o.KeepaliveProbes), common.KeepaliveProbes),
		SynRetries:        unlike(int64(o.SynRetries), common.SynRetries),
	}
	if o.Inside {
		own.SoftError, own.Linger = forecast.Is(o.SoftError), forecast.Is(o.Linger)
	}
	if o.Probing != 0 {
		own.Probing = forecast.Is(o.Probing)
	}
	if o.RTOMax != 0 { // every socket has its own, copied when it was made
		own.RTOMax = forecast.Is(o.RTOMax)
	}
	if o.RTOMin != 0 { // likewise
		own.RTOMin = forecast.Is(o.RTOMin)
	}
	return own
}

func unlike[T comparable](value T, common forecast.Setting[T]) forecast.Setting[T] {
	if common.Known && common.Value == value {
		return forecast.Setting[T]{}
	}
	return forecast.Is(value)
}
