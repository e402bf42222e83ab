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
	if !v.negotiated(optionSACK) || state != open && state != reduced || v.retransmits > 0 || v.backoff > 0 {
		return no
	}
	if v.payloadSent() && v.sent+v.expires < v.rto-2 {
		return yes // shorter than the time-out
	}
	rtt, ok := v.socket.Info.Duration(tcp.RTT)
	if ok && v.uint(tcp.Unacked) > 1 && v.Clock.jiffiesUp(2*rtt)+2 < v.rto-2 && v.payloadSent() {
		return no // with several segments in flight the probe comes earlier than this
	}
	// A single segment's probe waits as long as its time-out. The probe sends it again, which nothing but the count of retransmissions shows.
	if v.uint(tcp.TotalRetrans) == 0 {
		return likelyProbe
	}
	return unlikely
}

// probeLength is how far ahead the probe's timer was armed: never beyond the time-out.
func (v *view) probeLength() int64 {
	if length := v.sent + v.expires; v.payloadSent() && length < v.rto {
		return max(length, 1)
	}
	return v.rto
}
