package forecast

import (
	"strconv"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// Kernel is what is known of the kernel's version; the zero Kernel knows nothing. What sockets report counts more than the version, because
// distributions bring single changes back to old kernels.
type Kernel struct{ release version }

// version is major<<8 | minor.
type version uint16

// KernelOf reads a release as uname prints it: "6.18.44-generic". A text it cannot read gives the zero Kernel.
func KernelOf(release string) Kernel {
	major, rest, ok := strings.Cut(release, ".")
	minor := rest
	if end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		minor = rest[:end]
	}
	a, errA := strconv.ParseUint(major, 10, 8)
	b, errB := strconv.ParseUint(minor, 10, 8)
	if !ok || errA != nil || errB != nil {
		return Kernel{}
	}
	return Kernel{version(a<<8 | b)}
}

// Before reports whether the kernel is known to be older than a version. Distributions bring fixes back, so it may have one all the same.
func (k Kernel) Before(major, minor uint8) bool {
	return k != Kernel{} && k.release < version(major)<<8|version(minor)
}

// fact is a way in which kernels differ.
type fact uint8

const (
	// factClamp: the time-out is cut short to what TCP_USER_TIMEOUT leaves (tcp_clamp_rto_to_user_timeout).
	factClamp fact = iota
	// factSynCount: SYN_SENT ends by the count of retransmissions as well (tcp_write_timeout).
	factSynCount
	// factProbesStamp: TCP_USER_TIMEOUT counts from the first probe of a closed window (icsk_probes_tstamp) and cuts their interval short.
	factProbesStamp
	// factSynLinear: tcp_syn_linear_timeouts.
	factSynLinear
	// factShrunkTwice: a window taken back ends the socket after 2*rto_max of silence, before after 120 s (tcp_rtx_probe0_timed_out).
	factShrunkTwice
	// factAlignedTicks: ticks come at multiples of their period on CLOCK_MONOTONIC (tick_setup_device); before, a count of jiffies taken for one moment may be one too high for
	// another.
	factAlignedTicks
	factsLength
)

// facts says since when each holds.
var facts = [factsLength]version{
	factClamp:       4<<8 | 19,
	factSynCount:    5<<8 | 10,
	factProbesStamp: 5<<8 | 11, // and 5.4.92, 5.10.10
	factSynLinear:   6<<8 | 5,
	factShrunkTwice: 6<<8 | 6, // and stable kernels of the time

	factAlignedTicks: 6<<8 | 4,
}

// growth says which kernel added which field to struct tcp_info, from new to old.
var growth = [...]struct {
	field tcp.Field
	since version
}{
	{tcp.TotalRTOTime, 6<<8 | 7},
	{tcp.RcvWnd, 6<<8 | 2},
	{tcp.SndWnd, 5<<8 | 4},
	{tcp.BytesSent, 4<<8 | 19},
}

// has says whether the kernel that reported a structure behaves so. Where neither the structure's length nor the version decides, it is the newer
// behaviour.
func (k Kernel) has(f fact, info *tcp.Info) bool {
	since := facts[f]
	if info.Known() {
		// The absence of a field says something in the kernel's own structure only, not in the text of ss, which never shows this one.
		whole := info.Has(tcp.CAState)
		for _, g := range growth {
			if info.Has(g.field) {
				if g.since >= since {
					return true
				}
				break
			}
			if whole && g.since <= since {
				return false
			}
		}
	}
	return k.release == 0 || k.release >= since
}
