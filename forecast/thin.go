package forecast

import (
	"strings"

	"github.com/closewait/closewait/tcp"
)

// thin says whether the socket's first time-outs do not double (tcp_retransmit_timer): only in ESTABLISHED, and visible in the back-off. With little
// in flight the stream counts as thin (tcp_stream_is_thin).
func (v *view) thin() bool {
	if v.socket.State != tcp.Established || v.uint(tcp.Unacked) >= 4 {
		return false
	}
	// A first time-out that doubled was none of a thin stream's, nor is any during the initial slow start (tcp_in_initial_slowstart), which BBR never leaves.
	if v.backoff > 0 && v.retransmits <= thinRetries {
		return false
	}
	if v.slowStarting() && v.retransmits > 0 {
		return false
	}
	// Where no setting is known, the absence of any doubling, as well as of those the first time-outs left out, shows it.
	seen := v.retransmits > 1 && v.backoff == max(v.retransmits-thinRetries, 0)
	if v.options.ThinLinear.Known || v.Limits.ThinLinear.Known {
		return v.options.ThinLinear.Value || v.Limits.ThinLinear.Value || seen && !v.options.ThinLinear.Known
	}
	return seen
}

// slowStarting says whether the socket has never lost anything (tcp_in_initial_slowstart).
func (v *view) slowStarting() bool {
	threshold, ok := v.socket.Info.Uint(tcp.SndSSThresh)
	return ok && threshold >= 0x7fffffff // TCP_INFINITE_SSTHRESH
}

// threshold is what a congestion control makes of the slow start threshold at the first time-out (its ssthresh, called by tcp_enter_loss).
type threshold uint8

const (
	untoldThreshold threshold = iota
	lowered                   // it becomes finite: the initial slow start is over
	kept                      // it stays infinite: the stream never counts as thin
)

// threshold judges by the name of the congestion control. Those the kernel brings lower it, all but BBR in its versions, whose ssthresh returns what is there
// (bbr_ssthresh); of others nothing is known, and those written in BPF may call themselves what they like.
func (v *view) threshold() threshold {
	name := v.options.Congestion
	if v.socket.Has(tcp.HasCongestion) {
		name = v.socket.More().Congestion.String()
	}
	switch name {
	case "reno", "cubic", "bic", "cdg", "dctcp", "dctcp-reno", "highspeed", "htcp", "hybla", "illinois", "lp", "nv", "scalable", "vegas", "veno", "westwood", "yeah":
		return lowered
	}
	if strings.HasPrefix(name, "bbr") {
		return kept
	}
	return untoldThreshold
}

// followThin follows the time-outs of a stream that may be thin. Before the first of them it may still be in its initial slow start, which that time-out ends, unless the
// congestion control is one that never does.
func (v *view) followThin(p *plan) fate {
	if !v.thin() {
		return v.follow(p)
	}
	p.thin = v.base()
	if v.retransmits > 0 || !v.slowStarting() {
		return v.follow(p)
	}
	doubling := *p
	doubling.thin = 0
	switch v.threshold() {
	case lowered:
		return v.follow(p)
	case kept:
		return v.follow(&doubling)
	}
	return v.follow(p).or(v.follow(&doubling))
}
