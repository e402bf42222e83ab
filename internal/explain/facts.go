package explain

import (
	"maps"
	"math"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
)

// Facts are what is known of the host that a page is written for. The zero Facts know nothing; the text then says so.
type Facts struct {
	// Sysctls are settings by their names below net.ipv4 ("tcp_retries2"), in the kernel's units. What is absent is not known.
	Sysctls map[string]int64
	// Kernel is the release as uname prints it, "" when it is not known.
	Kernel string
	// RTT is the round-trip time of a path to show figures for, besides the usual ones; 0 for none.
	// It is at most LongestRTT.
	RTT time.Duration
}

// LongestRTT bounds the paths that figures are made for: no path is slower.
const LongestRTT = 10 * time.Second

// sane leaves out what no kernel holds: settings are ints, and the ones that count here are not negative.
func (f Facts) sane() Facts {
	f.Sysctls = maps.Clone(f.Sysctls)
	maps.DeleteFunc(f.Sysctls, func(_ string, value int64) bool { return value < 0 || value > math.MaxInt32 })
	f.Kernel = plain(f.Kernel)
	if f.RTT < 0 || f.RTT > LongestRTT {
		f.RTT = 0
	}
	return f
}

// plain keeps what fits into a line of a release that may come from anywhere.
func plain(release string) string {
	const most = 30
	release = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, release)
	return release[:min(len(release), most)]
}

// limits are the settings as the model takes them.
func (f Facts) limits() forecast.Limits { return forecast.LimitsOf(f.Sysctls) }

// rtoMax is the longest time-out of sockets made now: a kernel without the setting has 120 s.
func (f Facts) rtoMax() time.Duration {
	if set := f.limits().RTOMax; set.Known && set.Value > 0 {
		return min(set.Value, defaultRTOMax())
	}
	return defaultRTOMax()
}

func defaultRTOMax() time.Duration { return forecast.Defaults().RTOMax.Value }

// firstWait is the time-out of the first transmission on a path.
func (f Facts) firstWait(rtt time.Duration) time.Duration {
	return min(firstWait(rtt, f.limits().RTOMin.Or(forecast.Defaults().RTOMin.Value)), f.rtoMax())
}

// jiffy is the tick of a kernel with CONFIG_HZ=250, which the model takes where it is not told.
const jiffy = 4 * time.Millisecond

// firstWait is the round-trip time and the least variance, rounded up to a jiffy (tcp_set_rto).
func firstWait(rtt, least time.Duration) time.Duration {
	return max((rtt + least + jiffy - 1).Truncate(jiffy), jiffy)
}
