package forecast

import (
	"strings"
	"time"

	"github.com/closewait/closewait/tcp"
)

// Model forecasts the ends of the sockets of one network namespace at one moment. The zero Model knows no limits; see [Defaults] and [LimitsOf].
type Model struct {
	Limits Limits
	Clock  Clock
	Kernel Kernel
	// Resources are those of the host.
	Resources Resources
	// Assumed says that the sockets were read from a text: as their limits have to be assumed, so has to be that they have no options of their own.
	Assumed bool
	// Rough is by how much the rest of a running timer may be off, as a text has rounded it.
	Rough time.Duration
	// Options are those of every socket for which [Model.EndsKnowing] is told no others.
	Options Options
}

// Ends says when the kernel ends a socket, as far as sock_diag's report of it tells.
func (m *Model) Ends(s *tcp.Socket) Ends { return m.EndsKnowing(s, &m.Options) }

// EndsKnowing is Ends for a socket of which more is known than sock_diag reports.
func (m *Model) EndsKnowing(s *tcp.Socket, o *Options) (e Ends) {
	// The order of the kernel's report (inet_sk_diag_fill): one timer hides the others.
	switch timer := o.timer(s); timer {
	case tcp.TimerNone, tcp.TimerDelack:
		return untimed(s)
	default:
		e = m.timed(timer, s, o)
	}
	if e.Kind == At {
		e.enclose()
	}
	return e
}

// timed is the answer where a timer runs.
func (m *Model) timed(timer tcp.TimerKind, s *tcp.Socket, o *Options) Ends {
	var v view
	v.look(m, s, o)
	switch timer {
	case tcp.TimerTimeWait:
		return v.mini()
	case tcp.TimerKeepalive:
		if v.orphan && s.State == tcp.FinWait2 {
			return v.finWait2()
		}
		return v.keepalive()
	case tcp.TimerRetransmit, tcp.TimerPersist:
		return v.sending()
	}
	if m.Assumed {
		return Ends{Reason: reasonUnshown}
	}
	return Ends{Reason: reasonStrange}
}

// sending is the answer while the write timer runs; orphans among such sockets depend on what the host can afford.
func (v *view) sending() (e Ends) {
	if v.socket.Timer.Kind == tcp.TimerPersist {
		e = v.persist()
	} else {
		e = v.writeTimer()
	}
	if v.orphan {
		e.Reason = strings.TrimSuffix(e.Reason, staysOpen)
		return v.reset(e)
	}
	return e
}

// timer is the socket's, or that of keepalive when it is switched on where none runs, or none when it is switched off (sk_setsockopt, tcp_set_keepalive).
func (o *Options) timer(s *tcp.Socket) tcp.TimerKind {
	running := s.Timer.Kind
	switch {
	case !o.Keepalive.Known || s.Orphan() || !tcp.SetOf(tcp.Established, tcp.CloseWait, tcp.FinWait2).Has(s.State):
	case o.Keepalive.Value && (running == tcp.TimerNone || running == tcp.TimerDelack):
		return tcp.TimerKeepalive
	case !o.Keepalive.Value && running == tcp.TimerKeepalive:
		return tcp.TimerNone
	}
	return running
}

// writeTimer tells apart what the write timer does (tcp_retransmit_timer, reqsk_timer_handler).
func (v *view) writeTimer() Ends {
	switch {
	case v.socket.State == tcp.SynSent:
		return v.synSent()
	case v.socket.State == tcp.SynReceived || v.socket.State == tcp.NewSynRecv:
		return v.request()
	case v.shrunk():
		return v.windowShrunk()
	case v.hidden():
		return Ends{By: ByRetransmission, Earliest: v.socket.Timer.Expires, Reason: reasonHidden}
	}
	return v.retransmission()
}

// untimed is the answer where no timer runs that could end anything. A delayed acknowledgement only sends one.
func untimed(s *tcp.Socket) Ends {
	ends := Ends{Kind: Never}
	switch s.State {
	case tcp.CloseWait, tcp.Established:
		if s.SendQueue > 0 { // its timer has fired, or was stopped, and is armed again in the same millisecond: the kernel reports the timer without locking the socket
			return Ends{Reason: reasonBetween}
		}
		if ends.Reason = reasonIdle; s.State == tcp.CloseWait {
			ends.Reason = reasonCloseWait
		}
	case tcp.Listen, tcp.Closed, tcp.Bound:
		ends.Reason = reasonUnconnected
	case tcp.FinWait2:
		ends.Reason = reasonFinWait2Held
	default:
		// A closing or connecting socket without a timer is between two events of the same millisecond.
		return Ends{Reason: reasonBetween}
	}
	return ends
}
