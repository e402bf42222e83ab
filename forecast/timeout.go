package forecast

import (
	"math/bits"
	"time"
)

// Timeout returns the time that a number of retries amounts to (tcp_model_timeout): as long as that many retransmissions would take if the first
// came after 200 ms, each wait were twice the one before and none longer than rtoMax. Kernels before 6.15 have an rtoMax of 120 s; 0 stands for it.
//
// The base of 200 ms is a constant (TCP_RTO_MIN): a lower tcp_rto_min_us or route rto_min makes a socket retransmit more often, but not die earlier.
func Timeout(retries int, rtoMax time.Duration) time.Duration {
	if rtoMax <= 0 {
		rtoMax = rtoMaxDefault
	}
	return modelTimeout(int64(retries), rtoMinimum, rtoMax)
}

// modelTimeout is Timeout on any base; connection requests are modelled on one of 1 s (tcp_timeout_init).
func modelTimeout(retries int64, base, rtoMax time.Duration) time.Duration {
	const most = 1 << 20 // only kernels before 5.13 take more than 255
	retries = min(max(retries, 0), most)
	threshold := int64(bits.Len64(uint64(max(rtoMax/base, 1)))) - 1
	if retries <= threshold {
		return base * (2<<retries - 1)
	}
	return base*(2<<threshold-1) + time.Duration(retries-threshold)*rtoMax
}
