package forecast

import "github.com/closewait/closewait/tcp"

// probing is how likely it is that the running timer is a tail loss probe. The kernel reports one write timer for both.
type probing uint8

const (
	no probing = iota
	unlikely
	likelyProbe
	yes
)

// lossProbe says whether the running timer may be a tail loss probe (tcp_schedule_loss_probe): only with selective acknowledgements, outside loss
// recovery, and before the first time-out.
func (v *view) lossProbe() probing {
	const open, reduced = 0, 2 // TCP_CA_Open, TCP_CA_CWR
	state := v.uint(tcp.CAState)
	if !v.negotiated(optionSACK) || state != open && state != reduced || v.retransmits > 0 || v.backoff > 0 || v.probesOff() {
		return no
	}
	// One probe is sent at most (tlp_high_seq): it sends the last segment again, which nothing but the count of retransmissions shows.
	total, reported := v.socket.Info.Uint(tcp.TotalRetrans)
	fresh := reported && total == 0
	wait, several := v.severalWait()
	length := v.sent + v.expires
	switch {
	case several && (v.expires > wait+v.unsharp() || wait < v.rto-2 && v.payloadSent() && length >= v.rto-2 && v.hasAcked && v.acked >= v.sent):
		return no // the probe that is armed with the last of several comes earlier; the one before it sent data that waited, which no count shows
	case fresh && v.Limits.EarlyRetrans.Known:
		return yes
	case v.payloadSent() && length < v.rto-2:
		if probed := length + wait + 1 - v.rto; !fresh && several && max(probed, -probed) <= slotOf(wait)+2 {
			return no // a FIN that followed the probe set the time-out anew: it counts from when the first segment in flight was sent (tcp_rearm_rto)
		}
		return yes // shorter than the time-out
	case several && wait < v.rto-2 && v.payloadSent():
		return no // the probe comes earlier than this
	case fresh:
		return likelyProbe
	}
	return unlikely // a single segment's probe waits as long as its time-out
}

// probesOff says that tcp_early_retrans is known to allow none.
func (v *view) probesOff() bool {
	mode := v.Limits.EarlyRetrans
	return mode.Known && mode.Value != 3 && mode.Value != 4
}

// severalWait is how long a probe waits with several segments in flight: two round-trip times, and not for a delayed acknowledgement.
func (v *view) severalWait() (jiffies int64, several bool) {
	const least = 2 // TCP_TIMEOUT_MIN
	rtt, ok := v.socket.Info.Duration(tcp.RTT)
	return v.Clock.jiffiesUp(2*rtt) + least, ok && v.uint(tcp.Unacked) > 1
}

// unsharp is by how many jiffies what is left of a short timer may be misread.
func (v *view) unsharp() int64 {
	rough := v.Clock.jiffies(v.Rough)
	if v.Clock.HZ == 0 {
		rough += v.Clock.jiffies(2 * coarsest) // TCP_TIMEOUT_MIN is two jiffies, of whatever length
	}
	return rough
}

// shortened is how far ahead the timer was armed that runs before anything was retransmitted by a time-out: never beyond the time-out.
func (v *view) shortened() int64 {
	if length := v.sent + v.expires; v.payloadSent() && length < v.rto {
		return max(length, 1)
	}
	return v.rto
}
