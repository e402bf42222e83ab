package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// synSent is the answer for a connection request (tcp_write_timeout): it ends at the first firing at which either the count of retransmissions or
// the time since the request was sent has reached its limit. The first time-outs may not double (tcp_syn_linear_timeouts); they raise the count, not
// the time.
func (v *view) synSent() Ends {
	if n := &v.options.Neighbour; n.Known && n.Value.State == NeighbourAsked && n.Value.silent() {
		return v.synWaiting()
	}
	ends := Ends{By: ByRetransmission, Reason: reasonSyn}
	retries := v.options.SynRetries
	if !retries.Known || retries.Value == 0 {
		retries = v.Limits.SynRetries
	}
	user := v.options.UserTimeout.Value
	if !retries.Known && user == 0 {
		return ends
	}
	if v.rto == 0 {
		v.rto = v.Clock.jiffies(synTimeout) << min(max(v.retransmits-v.synLinear(), 0), 7)
	}
	rtoMax := time.Duration(v.rtoMax) * v.tick
	limit := modelTimeout(retries.Value, synTimeout, rtoMax)
	p := synPlan{plan: plan{
		retransmits: v.retransmits, rto: v.rto, armed: v.rto, stamped: true,
		timeout: timeout{user: user, clamp: v.Kernel.has(factClamp, &v.socket.Info), growing: limit, capped: limit, count: -1, sysctl: retries.Value},
	}}
	if retries.Known && v.Kernel.has(factSynCount, &v.socket.Info) {
		p.timeout.count = retries.Value + v.synLinear()
	}
	p.elapsed = v.synElapsed(&p.plan)
	p.elapsed.look[early] -= v.ragged
	p.linear = v.synLinear() - p.retransmits
	armed := p.armed
	if p.retransmits == 0 {
		armed += outside
	}
	f := p.walkSyn(v.firing(armed, 1), v.rtoMax)
	if !f.known {
		return ends
	}
	v.describe(&ends, &p.plan, &f, false)
	if ends.By == ByRetransmission {
		ends.Reason = reasonSyn
		v.doubt(&ends)
	}
	return ends
}

// synLinear is the number of time-outs that do not double. The kernel counts all of the socket's life (total_rto), which for a new socket are these.
func (v *view) synLinear() int64 {
	if !v.Kernel.has(factSynLinear, &v.socket.Info) {
		return 0
	}
	return v.Limits.SynLinear.Or(synLinearDefault)
}

// synElapsed is the time since the request was first sent: tcp_connect sets retrans_stamp then, and no firing sets it anew.
func (v *view) synElapsed(p *plan) elapsed {
	e := elapsed{phase: v.into(), below: v.tick, above: v.tick, source: Reconstructed}
	initial := v.Clock.jiffies(synTimeout)
	add := func(jiffies func(lane int) int64) {
		for lane := range e.look {
			e.look[lane] += time.Duration(jiffies(lane)) * v.tick
		}
	}
	e.look[late] -= v.tick // the request was sent some way into a jiffy, to which the stamp is not rounded
	if p.retransmits == 0 {
		add(func(int) int64 { return p.armed - v.expires })
		return e
	}
	add(func(lane int) int64 { return initial + v.Clock.lateness(lane, initial) })
	if total, ok := v.socket.Info.Duration(tcp.TotalRTOTime); ok && v.uint(tcp.TotalRTORecoveries) == 1 {
		exact := v.exactly(total)
		for lane := range e.look {
			e.look[lane] += exact.look[lane]
		}
		e.phase, e.source = exact.phase, Exact
		return e
	}
	rto, linear := initial, v.synLinear()
	for i := int64(1); i < p.retransmits; i++ {
		if i > linear {
			rto = min(2*rto, v.rtoMax)
		}
		add(func(lane int) int64 { return rto + v.Clock.lateness(lane, rto) })
	}
	add(func(int) int64 { return p.armed - v.expires })
	return e
}

// synPlan is a plan whose first firings do not double the time-out.
type synPlan struct {
	plan
	linear int64 // how many firings are left that do not
}

func (p *synPlan) walkSyn(l lanes, rtoMax int64) fate {
	for ; p.linear > 0; p.linear-- {
		// walk doubles before it arms: these firings are taken one by one.
		if p.retransmits > 0 {
			var f fate
			if p.fires(&f, &l, &p.elapsed, p.retransmits, false, p.cut) || f.known {
				return f
			}
		}
		p.retransmits++
		p.cut = p.arm(&l, &p.elapsed, p.rto)
	}
	return p.walk(&l, rtoMax)
}

// request is the answer for a half-open connection (reqsk_timer_handler): a request socket lives for tcp_synack_retries time-outs that double from 1
// s. A full queue shortens that; the owner never hears of it.
//
// What is reported is how often the SYN-ACK was sent again (num_retrans), be it that a time-out was over (num_timeout) or that the peer repeated its SYN, which begins
// the running time-out anew (tcp_check_req). So fewer time-outs may be over than that, but no fewer than make one as long as what is left of it, and none beyond
// the last.
func (v *view) request() Ends {
	ends := Ends{By: ByRetransmission, Reason: reasonRequest}
	if !v.Limits.SynAckRetries.Known || v.socket.Info.Known() && v.rto > 0 {
		return ends // or the child of a Fast Open listener, which has a timer of its own kind
	}
	retries := v.Limits.SynAckRetries.Value
	least := int64(0)
	most := min(v.retransmits, retries)
	for least < most && v.requestInterval(least) < v.expires {
		least++
	}
	l, longest := v.requestWalk(most, retries), v.requestWalk(least, retries)
	ends.Kind = At
	v.moments(&ends, fate{first: min(l.first(), longest.first()), best: l.now[likely], last: l.last()}, v.into())
	if longest.now[likely] != l.now[likely] {
		ends.Also = max(time.Duration(longest.now[likely])*v.tick-v.into(), 0)
	}
	// A peer that goes on asking doubles its intervals as we do, and begins each of ours anew; only its first few are a second long (tcp_syn_linear_timeouts).
	ends.Latest = max(ends.Latest, 2*time.Duration(longest.last())*v.tick+synLinearDefault*synTimeout)
	ends.Limit = Limit{"tcp_synack_retries", retries, modelTimeout(retries, synTimeout, time.Duration(v.rtoMax)*v.tick)}
	return ends
}

// requestInterval is reqsk_timeout.
func (v *view) requestInterval(timeouts int64) int64 {
	return min(v.Clock.jiffies(synTimeout)<<min(timeouts, 20), v.rtoMax)
}

// requestWalk goes from time-out to time-out of which so many are over.
func (v *view) requestWalk(timeouts, retries int64) lanes {
	l := v.firing(v.requestInterval(timeouts), 1)
	for n := timeouts; n < min(retries, 255); n++ {
		l.arm(v.requestInterval(n + 1))
	}
	return l
}
