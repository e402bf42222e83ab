package forecast_test

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// This file is a little kernel: a timer wheel and the timers of one socket, written down from net/ipv4/tcp_timer.c and kernel/time/timer.c with
// their names and in their order, and sharing no code with the model it judges. It plays a socket's life jiffy by jiffy and shows it as sock_diag
// would.

type simWheel struct {
	hz      int64
	jiffies int64
}

// calcWheelIndex returns the jiffy at which a timer runs, for a wheel whose own clock shows clk.
func calcWheelIndex(expires, clk int64) int64 {
	const lvlSize, lvlClkShift, lvlDepth = 64, 3, 9
	delta := expires - clk
	if delta < 0 {
		return clk
	}
	for lvl := range lvlDepth {
		lvlStart := int64(lvlSize-1) << (lvl * lvlClkShift) // LVL_START(lvl+1)
		if delta < lvlStart {
			shift := lvl * lvlClkShift
			return (expires>>shift + 1) << shift
		}
	}
	panic("too far ahead")
}

type pending uint8

const (
	icskNone pending = iota
	icskRetrans
	icskLossProbe
	icskProbe0
)

// simSock has the fields of struct tcp_sock and inet_connection_sock that the timers use. Times are jiffies unless they say otherwise.
type simSock struct {
	simWheel
	state tcp.State
	dead  bool // SOCK_DEAD
	// closeAt is when the owner closes it, -1 for never.
	closeAt int64

	rto, rtoMax, base, rtt int64
	backoff, retransmits   int64
	probesOut              int64
	probesTstamp           int64
	retransStamp           int64 // ms, 0 when not set
	rtoStamp               int64 // ms
	pending                pending
	timeout, armed         int64 // when it expires; how far ahead that was
	runs                   int64 // when the wheel runs it
	packetsOut, sndWnd     int64
	lsndtime, rcvTstamp    int64
	userTimeout            int64 // ms
	totalRTO, recoveries   int64
	answers                bool // the peer answers probes, window still closed
	thin                   bool
	slowStart, bbr         bool // tcp_in_initial_slowstart; whether the congestion control never ends it
	localDrops             bool
	retries2, orphanRetry  int64
	synRetries, synLinear  int64
	before66               bool // how long a peer that took its window back may be silent: TCP_RTO_MAX, whatever was sent meanwhile
	sack                   bool
	totalRetrans           int64

	keepTime, keepIntvl, keepProbes int64
	keepalive                       bool

	// crowded is from when on the host has more orphans than tcp_max_orphans, 0 for never.
	crowded int64

	nexthop *simNeighbour // nil for one that is there

	// late has a bit for each firing, the first lowest: whether it is served a jiffy after it was due.
	late   uint64
	behind int64 // by how much the handler at work is late
	// early has a bit for each firing: whether the processor that serves it has its tick before the one that counts them, so that it finds the count of the jiffy before. ahead is by how
	// much the clock of milliseconds is then ahead.
	early uint64
	ahead int64
	lag   int64 // by how much the wheel's clock is behind whenever a timer is armed, as when its processor is held up

	ended  bool
	errno  string
	killer string
}

func (s *simSock) ms() int64                     { return (s.jiffies + s.ahead) * 1000 / s.hz }
func (s *simSock) msecsToJiffies(ms int64) int64 { return (ms*s.hz + 999) / 1000 }

// resetXmitTimer is tcp_reset_xmit_timer; a handler finds the wheel's clock one ahead.
func (s *simSock) resetXmitTimer(what pending, when int64, handler bool) {
	s.armed = min(when, s.rtoMax)
	s.pending, s.timeout = what, s.jiffies+s.armed
	clk := s.jiffies
	if handler && s.behind == 0 { // else forward_timer_base sets it to jiffies
		clk++
	}
	s.runs = calcWheelIndex(s.timeout, clk-s.lag)
}

func (s *simSock) send(tlp bool) {
	s.packetsOut, s.lsndtime = 1, s.jiffies
	if s.state == tcp.SynSent {
		s.retransStamp = s.ms() // tcp_connect
	}
	if tlp {
		s.resetXmitTimer(icskLossProbe, s.rto, false)
		return
	}
	s.resetXmitTimer(icskRetrans, s.rto, false)
}

// step plays to the next jiffy at which something happens, but not beyond until.
func (s *simSock) step(until int64) {
	behind := int64(s.late & 1)
	due := s.runs + behind + int64(s.early&1)
	next := due
	if n := s.nexthop; n != nil && n.state == nudIncomplete {
		next = min(next, n.runs)
	}
	if s.closeAt > s.jiffies && s.closeAt < next {
		next = s.closeAt
	}
	if next > until {
		s.jiffies = until
		return
	}
	s.jiffies = next
	if s.jiffies == s.closeAt {
		s.dead = true
		if s.state == tcp.CloseWait {
			s.state = tcp.LastAck
		} else {
			s.state = tcp.FinWait1
		}
	}
	if n := s.nexthop; n != nil && n.state == nudIncomplete && s.jiffies == n.runs {
		if s.neighTimer(); s.jiffies != s.runs || s.ended {
			return
		}
	}
	if s.jiffies != due {
		return
	}
	s.behind, s.late = behind, s.late>>1
	s.ahead, s.early = int64(s.early&1), s.early>>1
	s.jiffies -= s.ahead
	defer func() { s.jiffies, s.ahead = s.jiffies+s.ahead, 0 }()
	switch what := s.pending; {
	case s.keepalive:
		s.keepaliveTimer()
	case what == icskLossProbe: // tcp_send_loss_probe
		s.totalRetrans++
		s.lsndtime = s.jiffies
		s.resetXmitTimer(icskRetrans, s.rto, true)
	case what == icskRetrans:
		s.retransmitTimer()
	case what == icskProbe0:
		s.probeTimer()
	}
}

func (s *simSock) end(killer, errno string) {
	s.ended, s.killer = true, killer
	if s.nexthop != nil && s.nexthop.softError != 0 {
		errno = "EHOSTUNREACH"
	}
	if !s.dead {
		s.errno = errno
	}
}

// modelTimeout is tcp_model_timeout, in ms.
func (s *simSock) modelTimeout(boundary, rtoBase int64) int64 {
	thresh := int64(0)
	for s.rtoMax/rtoBase>>(thresh+1) != 0 {
		thresh++
	}
	var timeout int64
	if boundary <= thresh {
		timeout = ((2 << boundary) - 1) * rtoBase
	} else {
		timeout = ((2<<thresh)-1)*rtoBase + (boundary-thresh)*s.rtoMax
	}
	return timeout * 1000 / s.hz
}

func (s *simSock) retransmitsTimedOut(boundary, timeout int64) bool {
	if s.retransmits == 0 {
		return false
	}
	if timeout == 0 {
		rtoBase := s.hz / 5
		if s.state == tcp.SynSent {
			rtoBase = s.hz
		}
		timeout = s.modelTimeout(boundary, rtoBase)
	}
	return s.ms()-s.retransStamp >= timeout
}

func (s *simSock) tcpOrphanRetries(alive bool) int64 {
	retries := s.orphanRetry
	if s.nexthop != nil && s.nexthop.softError != 0 && !alive {
		retries = 0
	}
	if retries == 0 && alive {
		retries = 8
	}
	return retries
}

// writeTimeout is tcp_write_timeout.
func (s *simSock) writeTimeout() bool {
	killer, retryUntil, expired := "retransmission", s.retries2, false
	if s.state == tcp.SynSent {
		retryUntil = s.synRetries
		expired = s.retransmits >= retryUntil+s.synLinear
	} else if s.dead {
		alive := s.rto < s.rtoMax
		killer, retryUntil = "orphan", s.tcpOrphanRetries(alive)
		if s.outOfResources() {
			return true
		}
	}
	if s.userTimeout > 0 {
		killer = "user_timeout"
	}
	if expired || s.retransmitsTimedOut(retryUntil, s.userTimeout) {
		s.end(killer, "ETIMEDOUT")
		return true
	}
	return false
}

// outOfResources is tcp_out_of_resources.
func (s *simSock) outOfResources() bool {
	if s.crowded == 0 || s.jiffies < s.crowded {
		return false
	}
	s.end("orphan", "")
	return true
}

// rtxProbe0TimedOut is tcp_rtx_probe0_timed_out.
func (s *simSock) rtxProbe0TimedOut() bool {
	if s.before66 {
		return s.jiffies-s.rcvTstamp > 120*s.hz
	}
	stamp := s.retransStamp
	if stamp == 0 {
		stamp = s.lsndtime * 1000 / s.hz
	}
	delta, timeout := s.ms()-stamp, 2*s.rtoMax
	if s.userTimeout > 0 {
		if delta > s.userTimeout {
			return true
		}
		timeout = min(timeout, s.msecsToJiffies(s.userTimeout))
	}
	if s.timeout-s.rcvTstamp <= timeout {
		return false
	}
	return s.msecsToJiffies(delta) > timeout
}

// retransmitTimer is tcp_retransmit_timer.
func (s *simSock) retransmitTimer() {
	if s.sndWnd == 0 && !s.dead && s.state != tcp.SynSent {
		if s.rtxProbe0TimedOut() {
			s.end("persist", "ETIMEDOUT")
			return
		}
		s.retransmitSkb()
		if s.answers {
			s.rcvTstamp = s.jiffies
		}
	} else {
		if s.writeTimeout() {
			return
		}
		s.slowStart = s.slowStart && s.bbr // tcp_enter_loss
		if s.retransmits == 0 {
			s.recoveries++
			s.rtoStamp = s.ms()
		}
		s.retransmits++
		s.totalRTO++
		s.retransmitSkb()
		if s.localDrops {
			s.resetXmitTimer(icskRetrans, s.hz/2, true)
			return
		}
	}
	switch {
	case s.state == tcp.Established && s.thin && !s.slowStart && s.retransmits <= 6:
		s.backoff, s.rto = 0, s.base
	case s.state != tcp.SynSent || s.totalRTO > s.synLinear:
		s.backoff++
		s.rto = min(s.rto<<1, s.rtoMax)
	}
	s.resetXmitTimer(icskRetrans, s.clampRTO(), true)
}

func (s *simSock) retransmitSkb() {
	if n := s.nexthop; n != nil && n.queued { // skb_still_in_host_queue
		n.throttled = true
		if s.retransStamp == 0 {
			s.retransStamp = s.lsndtime * 1000 / s.hz
		}
		return
	}
	if s.retransStamp == 0 {
		s.retransStamp = s.ms()
	}
	s.lsndtime = s.jiffies
	s.totalRetrans++
	s.neighOutput()
}

// clampRTO is tcp_clamp_rto_to_user_timeout.
func (s *simSock) clampRTO() int64 {
	if s.userTimeout == 0 {
		return s.rto
	}
	remaining := s.userTimeout - (s.ms() - s.retransStamp)
	if remaining <= 0 {
		return 1
	}
	return min(s.rto, s.msecsToJiffies(remaining))
}

// probe0When is tcp_probe0_when.
func (s *simSock) probe0When() int64 {
	thresh := int64(0)
	for s.rtoMax/(s.hz/5)>>(thresh+1) != 0 {
		thresh++
	}
	return min(max(s.rto, s.hz/5)<<min(thresh+1, s.backoff), s.rtoMax)
}

func (s *simSock) clampProbe0(when int64) int64 {
	if s.userTimeout == 0 || s.probesTstamp == 0 {
		return when
	}
	remaining := s.msecsToJiffies(s.userTimeout) - (s.jiffies - s.probesTstamp)
	return min(when, max(remaining, 2))
}

// probeTimer is tcp_probe_timer and tcp_send_probe0.
func (s *simSock) probeTimer() {
	if s.probesTstamp == 0 {
		s.probesTstamp = s.jiffies
	} else if s.userTimeout > 0 && s.jiffies-s.probesTstamp >= s.msecsToJiffies(s.userTimeout) {
		s.end("user_timeout", "ETIMEDOUT")
		return
	}
	maxProbes, killer := s.retries2, "persist"
	if s.dead {
		killer = "orphan"
		alive := min(s.rto<<s.backoff, s.rtoMax) < s.rtoMax
		maxProbes = s.tcpOrphanRetries(alive)
		if !alive && s.backoff >= maxProbes {
			s.end(killer, "")
			return
		}
		if s.outOfResources() {
			return
		}
	}
	if s.probesOut >= maxProbes {
		s.end(killer, "ETIMEDOUT")
		return
	}
	s.probesOut++
	if s.backoff < s.retries2 {
		s.backoff++
	}
	if s.answers {
		s.probesOut, s.rcvTstamp = 0, s.jiffies
	}
	s.resetXmitTimer(icskProbe0, s.clampProbe0(s.probe0When()), true)
}

// keepaliveTimer is tcp_keepalive_timer of an idle socket whose peer has vanished.
func (s *simSock) keepaliveTimer() {
	elapsed := s.jiffies - s.rcvTstamp
	if elapsed < s.keepTime {
		s.resetXmitTimer(icskNone, s.keepTime-elapsed, true)
		return
	}
	if s.userTimeout != 0 && elapsed >= s.msecsToJiffies(s.userTimeout) && s.probesOut > 0 {
		s.end("user_timeout", "ETIMEDOUT")
		return
	}
	if s.userTimeout == 0 && s.probesOut >= s.keepProbes {
		s.end("keepalive", "ETIMEDOUT")
		return
	}
	s.probesOut++
	s.resetXmitTimer(icskNone, s.keepIntvl, true)
}

// diag shows the socket as sock_diag does at a moment so many ms after the present jiffy began.
func (s *simSock) diag(phase int64) tcp.Socket {
	toMS := func(j int64) uint64 { return uint64(max(j, 0) * 1000 / s.hz) }
	d := tcp.Socket{Family: tcp.IPv4, State: s.state, Inode: 4711, SendQueue: 100}
	if s.dead {
		d.Inode = 0
	}
	if s.nexthop != nil && s.nexthop.ipv6 {
		d.Family = tcp.IPv6
	}
	d.Timer.Expires = time.Duration(toMS(s.timeout-s.jiffies)) * time.Millisecond
	switch {
	case s.keepalive:
		d.Timer.Kind, d.Timer.Count, d.SendQueue = tcp.TimerKeepalive, uint8(s.probesOut), 0
	case s.pending == icskProbe0:
		d.Timer.Kind, d.Timer.Count = tcp.TimerPersist, uint8(s.probesOut)
	default:
		d.Timer.Kind, d.Timer.Count = tcp.TimerRetransmit, uint8(s.retransmits)
	}
	put := d.Info.Put
	put(tcp.CAState, 0)
	put(tcp.Retransmits, uint64(s.retransmits))
	if s.slowStart {
		put(tcp.SndSSThresh, 0x7fffffff)
	} else {
		put(tcp.SndSSThresh, 7)
	}
	put(tcp.Probes, uint64(s.probesOut))
	put(tcp.Backoff, uint64(s.backoff))
	put(tcp.RTO, uint64(s.rto)*1e6/uint64(s.hz))
	put(tcp.Unacked, uint64(s.packetsOut))
	put(tcp.LastDataSent, toMS(s.jiffies-s.lsndtime))
	put(tcp.LastDataRecv, toMS(s.jiffies-s.rcvTstamp))
	put(tcp.LastAckRecv, toMS(s.jiffies-s.rcvTstamp))
	put(tcp.RTT, uint64(s.rtt)*1e6/uint64(s.hz))
	put(tcp.TotalRetrans, uint64(s.totalRetrans))
	put(tcp.SndWnd, uint64(s.sndWnd))
	put(tcp.TotalRTO, uint64(s.totalRTO))
	put(tcp.TotalRTORecoveries, uint64(s.recoveries))
	if s.retransmits > 0 {
		put(tcp.TotalRTOTime, uint64(s.ms()+phase-s.rtoStamp))
	} else {
		put(tcp.TotalRTOTime, 0)
	}
	if s.sack {
		negotiateSACK(&d)
	}
	return d
}
