package forecast_test

import (
	"time"

	"github.com/closewait/closewait/forecast"
)

type nudState uint8

const (
	nudNone nudState = iota
	nudIncomplete
	nudFailed
)

// simNeighbour is a struct neighbour that nobody answers for, written down from net/core/neighbour.c.
type simNeighbour struct {
	state             nudState
	updated, runs     int64
	probes            int
	retransTime       int64
	ipv6              bool
	queued, throttled bool // the socket's segment waits in arp_queue; TSQ_THROTTLED
	softError         int
}

// neighOutput is neigh_resolve_output and __neigh_event_send.
func (s *simSock) neighOutput() {
	n := s.nexthop
	if n == nil {
		return
	}
	n.queued, n.throttled = true, false
	if n.state == nudIncomplete {
		return
	}
	n.state, n.updated, n.probes = nudIncomplete, s.jiffies, 1
	clk := s.jiffies
	if s.behind == 0 {
		clk++
	}
	n.runs = calcWheelIndex(s.jiffies+n.retransTime, clk)
}

// neighTimer is neigh_timer_handler, and what neigh_invalidate leads to.
func (s *simSock) neighTimer() {
	n := s.nexthop
	if n.probes < 3 {
		n.probes++
		n.runs = calcWheelIndex(s.jiffies+n.retransTime, s.jiffies+1)
		return
	}
	n.state, n.updated = nudFailed, s.jiffies
	if !n.queued {
		return
	}
	n.queued = false
	s.behind = 0
	if s.ldRTORevert() {
		return // tcp_v4_err records the error when that is done
	}
	n.softError = 113
	if n.throttled && s.retransmits > 0 { // tcp_tsq_write, tcp_xmit_retransmit_queue
		s.retransmitSkb()
		s.resetXmitTimer(icskRetrans, s.rto, true)
	}
}

// ldRTORevert is tcp_ld_RTO_revert; it says whether the socket ended.
func (s *simSock) ldRTORevert() (ended bool) {
	n := s.nexthop
	if n.ipv6 || s.retransmits == 0 || s.backoff == 0 {
		return false
	}
	s.backoff--
	s.rto = min(s.base<<s.backoff, s.rtoMax)
	remaining := s.rto - (s.jiffies - s.lsndtime) - 1 // usecs_to_jiffies rounds up
	if remaining <= 0 {
		s.retransmitTimer()
		return s.ended
	}
	s.resetXmitTimer(icskRetrans, remaining, true)
	return false
}

// shown is the neighbour as rtnetlink does: in hundredths of a second.
func (n *simNeighbour) shown(s *simSock) forecast.Neighbour {
	states := [...]forecast.NeighbourState{forecast.NeighbourUntold, forecast.NeighbourAsked, forecast.NeighbourGivenUp}
	return forecast.Neighbour{
		State: states[n.state], Since: time.Duration((s.jiffies-n.updated)*100/s.hz) * 10 * time.Millisecond,
		Asks: 3, Every: time.Duration(n.retransTime) * time.Second / time.Duration(s.hz),
	}
}
