package record

import (
	"math"
	"strings"
	"time"

	"github.com/closewait/closewait/tcp"
)

// timerNames are the timers of ss and netstat. ss before 7.1 calls those it does not know "unknown", and so does this package.
var timerNames = map[string]tcp.TimerKind{
	"off": tcp.TimerNone, "on": tcp.TimerRetransmit, "keepalive": tcp.TimerKeepalive, "timewait": tcp.TimerTimeWait, "persist": tcp.TimerPersist,
	"probe": tcp.TimerPersist, "delack": tcp.TimerDelack, "unknown": TimerUnknown,
}

// overdue is where the times of old kernels begin that mean "a little ago": the difference, negative, as an unsigned number of milliseconds.
const overdue = (1 << 31) * time.Millisecond

// timer reads (on,1min50sec,13).
func (d *detail) timer(value string) bool {
	inner, open := strings.CutPrefix(value, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	name, rest, _ := strings.Cut(inner, ",")
	shown, count, _ := strings.Cut(rest, ",")
	kind, known := timerNames[name]
	expires, resolution, ok := ssTime(shown)
	n, counted := number(count, math.MaxUint8)
	if !open || !closed || !known || !ok || !counted {
		return false
	}
	d.section.shown.timers = true
	d.section.shown.coarse = d.section.shown.coarse || resolution > time.Millisecond
	d.more.Expires, d.more.TimerKnown, d.mark.untimed = resolution, kind != TimerUnknown, false
	d.socket.Timer = tcp.Timer{Kind: kind, Count: uint8(n), Expires: expires}
	d.counts()
	return true
}

// counts puts the timer's count where tcp_info has it: sock_diag takes it from the same fields. Mini and request sockets have no tcp_info.
func (d *detail) counts() {
	s := d.socket
	if s.State == tcp.SynReceived || s.State == tcp.TimeWait {
		return
	}
	switch s.Timer.Kind {
	case tcp.TimerRetransmit:
		s.Info.Put(tcp.Retransmits, uint64(s.Timer.Count))
	case tcp.TimerPersist, tcp.TimerKeepalive:
		s.Info.Put(tcp.Probes, uint64(s.Timer.Count))
	}
}

// ssTime undoes print_ms_timer of ss: 1min50sec, 119min, 59sec, 9.004sec (9.004ms before 6.11), 196ms, nothing for 0. From 10 min on it leaves out seconds, from
// 10 s on milliseconds.
func ssTime(text string) (shown, resolution time.Duration, ok bool) {
	resolution = time.Millisecond
	if minutes, rest, found := strings.Cut(text, "min"); found {
		n, good := number(minutes, 1<<32)
		if !good {
			return 0, 0, false
		}
		shown, text = time.Duration(n)*time.Minute, rest
		resolution = time.Second
		if n > 9 {
			resolution = time.Minute
		}
	}
	if text == "" {
		return sooner(shown), resolution, true
	}
	text, seconds := strings.CutSuffix(text, "sec")
	if !seconds {
		if text, ok = strings.CutSuffix(text, "ms"); !ok {
			return 0, 0, false
		}
	}
	whole, millis, fraction := strings.Cut(text, ".")
	if !seconds && !fraction {
		whole, millis = "0", text
	}
	n, ok := number(whole, 1<<32)
	if !ok {
		return 0, 0, false
	}
	ms := uint64(0)
	if fraction || !seconds {
		if ms, ok = number(millis, 999); !ok || len(millis) != 3 {
			return 0, 0, false
		}
	}
	shown += time.Duration(n)*time.Second + time.Duration(ms)*time.Millisecond
	if n > 9 {
		resolution = max(resolution, time.Second)
	}
	return sooner(shown), resolution, true
}

// sooner takes the huge times of old kernels for what they mean.
func sooner(d time.Duration) time.Duration {
	if d >= overdue-time.Minute {
		return 0
	}
	return d
}
