package diagnose

import (
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// timeWaitLength is TCP_TIMEWAIT_LEN (include/net/tcp.h), which no setting changes.
const timeWaitLength = 60 * time.Second

// Age returns how long the socket has been in its state, as far as its own facts tell.
//
// In CLOSE_WAIT the last segment with an acknowledgement is the FIN, unless we have sent something since (its acknowledgement is
// later) or keepalive probes have been answered: then the age is a lower bound. In other states the last sign of life of the peer gives a lower bound
// only where none can have come since the state was entered without ending it.
func Age(s *tcp.Socket) look.Age {
	if s.State == tcp.TimeWait && s.Mini() {
		return look.Age{Time: max(0, timeWaitLength-s.Timer.Expires), Kind: look.AgeAbout}
	}
	heard, ok := s.Info.Duration(tcp.LastAckRecv)
	if !ok {
		return look.Age{}
	}
	switch s.State {
	case tcp.CloseWait:
		if s.Timer.Kind == tcp.TimerNone && !sentSince(s, heard) {
			return look.Age{Time: heard, Kind: look.AgeAbout}
		}
		return look.Age{Time: heard, Kind: look.AgeAtLeast}
	case tcp.Established, tcp.FinWait2, tcp.LastAck, tcp.Closing, tcp.FinWait1:
		return look.Age{Time: heard, Kind: look.AgeAtLeast}
	}
	return look.Age{}
}

// sentSince reports whether data of ours went out after the peer was last heard, or so shortly before that what was heard last may be the
// acknowledgement of that data instead of the FIN.
func sentSince(s *tcp.Socket, heard time.Duration) bool {
	const delayedAck = 50 * time.Millisecond // TCP_DELACK_MIN and some slack
	sent, ok := s.Info.Duration(tcp.LastDataSent)
	if !ok {
		return true
	}
	segments, known := s.Info.Uint(tcp.DataSegsOut)
	rtt, _ := s.Info.Duration(tcp.RTT)
	return (!known || segments > 0) && sent < heard+rtt+delayedAck
}
