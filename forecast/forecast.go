package forecast

import (
	"fmt"
	"time"

	"github.com/closewait/closewait/tcp"
)

// Of says what the socket's own facts tell of its end: that no timer runs, so that it never comes; when a TIME_WAIT or FIN_WAIT_2 mini socket is
// removed; and otherwise which timer runs, without computing yet when it gives up.
//
// It allocates nothing but the reason of an answer with a figure in it.
func Of(s *tcp.Socket) Ends {
	switch s.Timer.Kind {
	case tcp.TimerNone, tcp.TimerDelack:
		return untimed(s)
	case tcp.TimerTimeWait:
		return miniSocket(s)
	case tcp.TimerKeepalive:
		return keepalive(s)
	case tcp.TimerRetransmit:
		return Ends{By: "retransmission", Reason: "retransmission runs: the kernel gives up at one of the next time-outs if no answer comes"}
	case tcp.TimerPersist:
		return Ends{By: "persist", Earliest: s.Timer.Expires, Reason: "the kernel probes the peer's closed window: it gives up only if the probes stay unanswered"}
	}
	return Ends{Reason: "the kernel reports a timer this version does not know"}
}

// untimed is the answer where no timer runs that could end anything. A delayed acknowledgement only sends one.
func untimed(s *tcp.Socket) Ends {
	ends := Ends{Kind: Never}
	switch s.State {
	case tcp.CloseWait:
		ends.Reason = "no kernel timer runs: the socket stays until the program closes it"
	case tcp.Listen, tcp.Closed, tcp.Bound:
		ends.Reason = "no kernel timer runs on a socket that is not connected"
	case tcp.FinWait2:
		ends.Reason = "a program still holds the socket, so tcp_fin_timeout does not apply"
	case tcp.Established:
		ends.Reason = "nothing is in flight and keepalive is off: the kernel will not notice if the peer is gone"
	default:
		// A closing or connecting socket without a timer is between two events of the same millisecond.
		return Ends{Reason: "no timer was running at the moment of the look"}
	}
	return ends
}

func miniSocket(s *tcp.Socket) Ends {
	by := "timewait"
	if s.State == tcp.FinWait2 {
		by = "fin_timeout"
	}
	return Ends{
		Kind: At, Best: s.Timer.Expires, Earliest: s.Timer.Expires, Latest: s.Timer.Expires + slot, By: by,
		Reason: "the kernel removes the mini socket when its timer fires",
	}
}

// slot is how late a timer of up to about two minutes can fire: one slot of the timer wheel's level at HZ=250 (kernel/time/timer.c), the widest of
// the usual HZ.
const slot = 2048 * time.Millisecond

func keepalive(s *tcp.Socket) Ends {
	if s.State == tcp.FinWait2 && s.Inode == 0 {
		// tcp_fin_timeout above 60 s: the keepalive slot carries the excess, then a mini socket carries the rest.
		return Ends{Earliest: s.Timer.Expires, By: "fin_timeout", Reason: "tcp_fin_timeout is above 60 s: its first part runs on this timer"}
	}
	return Ends{
		Earliest: s.Timer.Expires, By: "keepalive",
		Reason: fmt.Sprintf("keepalive probes next in %.0f s: what happens then depends on whether the peer still knows the connection", s.Timer.Expires.Seconds()),
	}
}
