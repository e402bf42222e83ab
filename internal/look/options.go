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
}

// Telling reports whether the options of a socket can change the forecast of its end: a timer runs that may end it. A half-open connection has no options yet.
func Telling(s *tcp.Socket) bool {
	switch s.Timer.Kind {
	case tcp.TimerRetransmit, tcp.TimerPersist, tcp.TimerKeepalive:
		return s.State != tcp.SynReceived
	}
	return false
}

// apart leaves out what may be the namespace's: it is known without asking, and a change of the namespace's setting that is tried out would reach the socket.
func (o *Options) apart(common *forecast.Limits) forecast.Options {
	own := forecast.Options{
		UserTimeout: forecast.Is(o.UserTimeout), ThinLinear: forecast.Is(o.ThinLinear), Congestion: o.Congestion,
		KeepaliveTime:     unlike(o.KeepaliveTime, common.KeepaliveTime),
		KeepaliveInterval: unlike(o.KeepaliveInterval, common.KeepaliveInterval),
		KeepaliveProbes:   unlike(int64(o.KeepaliveProbes), common.KeepaliveProbes),
		SynRetries:        unlike(int64(o.SynRetries), common.SynRetries),
	}
	if o.RTOMax != 0 { // every socket has its own, copied when it was made
		own.RTOMax = forecast.Is(o.RTOMax)
	}
	return own
}

func unlike[T comparable](value T, common forecast.Setting[T]) forecast.Setting[T] {
	if common.Known && common.Value == value {
		return forecast.Setting[T]{}
	}
	return forecast.Is(value)
}
