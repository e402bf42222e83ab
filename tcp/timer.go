package tcp

import (
	"fmt"
	"time"
)

// TimerKind says which timer of a socket is running, with the numbers of idiag_timer in struct inet_diag_msg.
type TimerKind uint8

// The timers sock_diag reports. The kernel names the first that matches, in the order retransmission, persist, keepalive.
const (
	TimerNone       TimerKind = 0 // no timer runs: the kernel will do nothing by itself
	TimerRetransmit TimerKind = 1 // retransmission time-out, tail loss probe or RACK reordering; SYN-ACK of a request socket
	TimerKeepalive  TimerKind = 2 // keepalive, and the part of tcp_fin_timeout above 60 s
	TimerTimeWait   TimerKind = 3 // TIME_WAIT or FIN_WAIT_2 mini socket
	TimerPersist    TimerKind = 4 // zero-window probe
	TimerDelack     TimerKind = 5 // delayed acknowledgement (reported since 7.1)
)

var timerWords = [...]string{"none", "retransmit", "keepalive", "timewait", "persist", "delack"}

// String returns the timer's name as JSON and tables spell it; a number unknown to this package gives "unknown".
func (k TimerKind) String() string {
	if int(k) < len(timerWords) {
		return timerWords[k]
	}
	return "unknown"
}

// ParseTimerKind reads a timer's name: ours, or the ones of ss and netstat (on, off, probe).
func ParseTimerKind(text string) (TimerKind, error) {
	for k, w := range timerWords {
		if w == text {
			return TimerKind(k), nil
		}
	}
	switch text {
	case "off":
		return TimerNone, nil
	case "on":
		return TimerRetransmit, nil
	case "probe":
		return TimerPersist, nil
	}
	return 0, fmt.Errorf("unknown timer %q", text)
}

// Timer is the running timer of a socket.
type Timer struct {
	Kind TimerKind
	// Count is idiag_retrans: retransmission time-outs without progress for TimerRetransmit, unanswered probes for
	// TimerPersist and TimerKeepalive, 0 otherwise.
	Count uint8
	// Expires is the time until the timer fires, 0 when it is overdue or none runs.
	Expires time.Duration
}
