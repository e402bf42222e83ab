package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// What a forecast has to keep to (the bounds of the issue).
const (
	worstExact    = 250 * time.Millisecond // the error with jiffies known
	p95Exact      = 10 * time.Millisecond
	mostAlso      = 0.01
	meanRough     = 80 * time.Millisecond // without jiffies, for limits up to tcp_retries2 = 6
	leastInside   = 0.99
	observed      = 3 * time.Millisecond // how late a death is seen at most on a quiet machine
	roughTimers   = 20 * time.Millisecond
	settled       = 2 * time.Second // how long before the end of the run a death must be due to count as missing
	noiseWindow   = 30 * time.Millisecond
	jiffyLate     = 1  // how many jiffies late the kernel serves timers without being held up (tick_sched_do_timer runs on one processor only)
	halfSlotShare = 15 // half a slot is at most this part of a timer's length
)

// row collects the forecasts of one kind in one lane.
type row struct {
	Kind                                      string
	Lane                                      string
	N, Unknown, Also, Outside, Beyond         int
	Machine, Late, Unnamed                    int
	MeanMS, P95MS, MaxMS, WidthMS, InsideRate float64
	SmallMeanMS                               float64         // of retransmission with tcp_retries2 up to 6 and time-outs as usual
	all, errors, widths, small                []time.Duration // errors are all but those of a firing served late
	deaths                                    map[*life]bool
}

// judgement compares what was said of one life with its end.
type judgement struct {
	report    *report
	noise     *noise
	chronicle *chronicle
	ends      time.Time
}

func judge(s *stage, firm bool) *report {
	r := &report{firm: firm, rows: map[[2]string]*row{}, Missing: s.missing, Looks: s.oracle.looks, Lives: len(s.lives), long: s.ends.Sub(s.began) > time.Minute}
	chronicle := s.tracing.end()
	if chronicle != nil {
		r.ServedLate = chronicle.share()
		if chronicle.unread > 0 {
			r.Missing = append(r.Missing, fmt.Sprintf("%d of the kernel's events", chronicle.unread))
		}
	}
	s.noise.mu.Lock()
	defer s.noise.mu.Unlock()
	j := judgement{r, &s.noise, chronicle, s.ends}
	for _, err := range s.oracle.failed {
		r.find(failure, nil, fmt.Sprintf("a look failed: %v", err))
	}
	for _, l := range s.lives {
		l.mu.Lock()
		chronicle.correct(l)
		j.life(l)
		l.mu.Unlock()
	}
	for _, q := range []float64{0.5, 0.95, 0.99, 0.999, 1} {
		r.NoiseMS = append(r.NoiseMS, ms(s.noise.quantile(q)))
	}
	r.sum()
	return r
}

func (j *judgement) life(l *life) {
	switch {
	case l.failed != nil:
		j.report.find(failure, nil, fmt.Sprintf("%v could not be led: %v", l, l.failed))
		return
	case !l.died.IsZero():
		j.report.Deaths++
		if l.immortal {
			j.report.find(failure, nil, fmt.Sprintf("%v died with %v though its peer lives", l, name(l.errno)))
		}
	case !l.immortal:
		j.report.Alive = append(j.report.Alive, l.String())
	}
	for i := range l.said {
		p := &l.said[i]
		if p.version != l.version {
			continue
		}
		for lane := range lanes {
			j.forecast(l, p, lane)
		}
	}
}

// forecast judges what was said at one moment in one lane.
func (j *judgement) forecast(l *life, p *said, lane int) {
	if lane == jiffies && !p.clock.Known {
		return
	}
	e := &p.lanes[lane]
	kind := l.kind
	if l.disturbed && !sign(p) {
		kind += unseen
	}
	r := j.report.row(kind, lane)
	dead := !l.died.IsZero()
	switch {
	case e.Kind == forecast.Unknown:
		r.Unknown++
	case e.Kind == forecast.Never && dead:
		j.report.find(kindOf(wrongNever, lane, r), l, j.describe(l, p, lane))
	case e.Kind == forecast.At && l.immortal, e.Kind == forecast.At && !dead && p.at.Add(e.Latest).Before(j.ends.Add(-settled)):
		j.report.find(kindOf(wrongAt, lane, r), l, j.describe(l, p, lane))
	case e.Kind == forecast.At && dead:
		j.moment(r, l, p, lane)
	}
}

func (j *judgement) moment(r *row, l *life, p *said, lane int) {
	e := &p.lanes[lane]
	rest := l.died.Sub(p.at)
	off := (rest - e.Best).Abs()
	if e.Also != 0 {
		r.Also++
		if lane != jiffies {
			off = min(off, (rest - e.Also).Abs())
		}
	}
	r.N++
	r.deaths[l] = true
	machine := max(j.noise.worst(p.at.Add(-noiseWindow), p.until), j.noise.worst(l.died.Add(-noiseWindow), l.died.Add(noiseWindow)))
	outside := max(e.Earliest-rest, rest-e.Latest) - observed
	bound := worstExact
	if lane != jiffies {
		bound = halfSlots(l, p, rest)
	}
	late := j.late(l, p, lane)
	heard := j.chronicle != nil && l.diedAt != 0 // or else the death is when this program came to see it
	if over := max(off-bound, outside); over > 0 && (!heard && machine >= over || late > jiffyLate) {
		r.Machine++
		return
	}
	r.all = append(r.all, off)
	missed := off > bound
	switch {
	case !missed || outside > 0:
	case late > 0:
		r.Late, missed = r.Late+1, false
		j.report.find(kindOf(servedLate, lane, r), l, j.describe(l, p, lane))
	case e.Also != 0 && (rest-e.Also).Abs() <= bound:
		r.Late, missed = r.Late+1, false
		j.report.find(kindOf(atSecond, lane, r), l, j.describe(l, p, lane))
	}
	if off <= bound || missed {
		r.errors = append(r.errors, off)
	}
	r.widths = append(r.widths, e.Latest-e.Earliest)
	if e.By == forecast.ByRetransmission && e.Limit.Name == "tcp_retries2" && e.Limit.Value <= 6 && usual(p, uint64(e.Limit.Value)) {
		r.small = append(r.small, off)
	}
	if outside > 0 {
		r.Outside++
		j.report.find(kindOf(outsideOf, lane, r), l, j.describe(l, p, lane))
	}
	if missed {
		r.Beyond++
		j.report.find(kindOf(offBy, lane, r), l, j.describe(l, p, lane))
	}
	switch got := name(l.errno); {
	case l.fd < 0 && e.Error == "", e.Error == got:
	case e.Error == "":
		r.Unnamed++
	default:
		j.report.find(kindOf(wrongError, lane, r), l, j.describe(l, p, lane))
	}
}

// late is by how many jiffies a firing that matters was served late: one of those to come, and where no count of jiffies says in which slot of the wheel the timer hangs, the one before
// as well, from which that is inferred, and how far the kernel's own count was behind when the socket was read.
func (j *judgement) late(l *life, p *said, lane int) int64 {
	late := j.chronicle.latest(l, p.at)
	if lane == jiffies {
		return max(late, p.missed)
	}
	return max(late, j.chronicle.before(l, p.at), p.behind)
}

// unseen marks the kinds of disturbed sockets that show no sign of it yet.
const unseen = ", no sign"

// sign says whether a socket shows that its path is broken: its next hop does not answer, back-offs were undone (RFC 6069), the last time-out sent nothing, or a probe is unanswered.
func sign(p *said) bool {
	if p.hop.State > forecast.NeighbourResolved {
		return true
	}
	info := &p.socket.Info
	retransmits, _ := info.Uint(tcp.Retransmits)
	backoff, _ := info.Uint(tcp.Backoff)
	total, _ := info.Uint(tcp.TotalRetrans)
	rto, _ := info.Duration(tcp.RTO)
	sent, _ := info.Duration(tcp.LastDataSent)
	payload := p.socket.SendQueue > 1
	if p.socket.Timer.Kind == tcp.TimerPersist {
		return p.socket.Timer.Count > 0
	}
	return retransmits > backoff || retransmits > total || retransmits > 1 && payload && sent+p.socket.Timer.Expires > rto+rto/7+roughTimers
}

// usual says whether no time-out up to the limit is longer than those that hang in slots of a quarter of a second (63 * 64 jiffies at HZ=250), for which the mean was promised: with a
// base of 252 ms, the sixth hangs in one of two seconds.
func usual(p *said, retries uint64) bool {
	const longest = 63 * 64 * 4 * time.Millisecond
	rto, _ := p.socket.Info.Duration(tcp.RTO)
	backoff, _ := p.socket.Info.Uint(tcp.Backoff)
	return rto>>backoff<<retries < longest
}

// halfSlots is about half a slot for each timer that was still to come, the running one included, and some ticks.
func halfSlots(l *life, p *said, rest time.Duration) time.Duration {
	running := p.socket.Timer.Expires
	rto, _ := p.socket.Info.Duration(tcp.RTO)
	backoff, _ := p.socket.Info.Uint(tcp.Backoff)
	switch {
	case l.mini:
		running = time.Minute
	case p.socket.Timer.Kind == tcp.TimerPersist:
		rto = max(rto, 200*time.Millisecond) << min(backoff, 10)
	case p.socket.Timer.Kind == tcp.TimerKeepalive:
		rto = max(p.lanes[jiffies].Limit.Time, 3*time.Second)
	}
	return (max(running, rto)+rest)/halfSlotShare + roughTimers
}

func name(errno unix.Errno) string {
	if errno == 0 {
		return ""
	}
	return unix.ErrnoName(errno)
}

// describe says everything known about one forecast.
func (j *judgement) describe(l *life, p *said, lane int) string {
	e := &p.lanes[lane]
	var b strings.Builder
	fmt.Fprintf(&b, "%v, %s: ", l, laneNames[lane])
	switch rest := l.died.Sub(p.at); {
	case l.died.IsZero():
		b.WriteString("lives")
	default:
		fmt.Fprintf(&b, "dies after %.3f s with %q", rest.Seconds(), name(l.errno))
	}
	fmt.Fprintf(&b, "; said %v best %.3f also %.3f in [%.3f, %.3f] by %s limit %s %d (%v) error %q elapsed %v", e.Kind, e.Best.Seconds(), e.Also.Seconds(),
		e.Earliest.Seconds(), e.Latest.Seconds(), e.By, e.Limit.Name, e.Limit.Value, e.Limit.Time, e.Error, e.Elapsed)
	fmt.Fprintf(&b, "\n      %v timer %v/%v/%d", p.socket.State, p.socket.Timer.Kind, p.socket.Timer.Expires, p.socket.Timer.Count)
	for _, f := range []tcp.Field{
		tcp.CAState, tcp.Retransmits, tcp.Backoff, tcp.Probes, tcp.RTO, tcp.RTT, tcp.RTTVar, tcp.TotalRTOTime, tcp.TotalRTORecoveries, tcp.TotalRetrans,
		tcp.LastDataSent, tcp.LastAckRecv, tcp.LastDataRecv, tcp.Unacked, tcp.NotSentBytes, tcp.SndWnd,
	} {
		if d, ok := p.socket.Info.Duration(f); ok {
			fmt.Fprintf(&b, " %v=%v", f, d)
		} else if n, ok := p.socket.Info.Uint(f); ok {
			fmt.Fprintf(&b, " %v=%d", f, n)
		}
	}
	if p.hop.State != forecast.NeighbourUntold {
		fmt.Fprintf(&b, " next hop %v for %v shared %v", p.hop.State, p.hop.Since, p.hop.Shared)
	}
	fmt.Fprintf(&b, " wqueue=%d jiffies=%d and %v", p.socket.SendQueue, p.clock.Jiffies, p.clock.Into)
	if l.diedAt != 0 {
		fmt.Fprintf(&b, ", died at %+d, served up to %d late, %d before; the count was %d behind", l.diedAt-p.clock.Jiffies, j.chronicle.latest(l, p.at),
			j.chronicle.before(l, p.at), p.behind)
	}
	fmt.Fprintf(&b, "\n      looked at %.3f s for %.1f ms; %s; machine late by %.1f ms at the look, %.1f ms at the death, %.1f ms between", p.at.Sub(l.stage.began).Seconds(),
		ms(p.until.Sub(p.at)), strings.Join(l.history, ", "), ms(j.noise.worst(p.at.Add(-noiseWindow), p.until)),
		ms(j.noise.worst(l.died.Add(-noiseWindow), l.died.Add(noiseWindow))), ms(j.noise.worst(p.at, l.died)))
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sum works the figures of all rows out.
func (r *row) sum() {
	slices.Sort(r.errors)
	slices.Sort(r.all)
	slices.Sort(r.widths)
	if n := len(r.errors); n > 0 {
		r.MaxMS = ms(r.errors[n-1])
	}
	if n := len(r.all); n > 0 {
		r.MeanMS, r.P95MS = ms(mean(r.all)), ms(r.all[n*95/100])
		r.WidthMS, r.InsideRate = ms(r.widths[n/2]), 1-float64(r.Outside)/float64(n)
	}
	r.SmallMeanMS = ms(mean(r.small))
}

func mean(all []time.Duration) time.Duration {
	sum := time.Duration(0)
	for _, d := range all {
		sum += d
	}
	return sum / time.Duration(max(len(all), 1))
}
