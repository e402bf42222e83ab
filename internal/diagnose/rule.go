package diagnose

import (
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// fresh is the age below which nothing is called stuck: connections that are just closing look like leaks for a moment.
const fresh = 5 * time.Second

// subject is one suspect socket with what was joined to it.
type subject struct {
	netns    int // index into the snapshot's namespaces
	index    int // of the socket in it
	socket   *tcp.Socket
	age      look.Age
	holders  []look.Holder
	known    bool        // whether holders is the whole truth
	listener *tcp.Socket // the one the connection came through, nil on the connecting side
}

// rule recognises one cause.
type rule struct {
	code, cause string
	// claims reports whether the socket bears the signature.
	claims func(*scene, *subject) bool
	// together is what the sockets of one finding have in common beyond namespace and owner; nil when that is all.
	together func(*subject) uint64
	// describe adds to a finding what only this rule knows: severity, culprits, evidence. What helps is in package remedies.
	describe func(*scene, *group, *report.Finding)
}

// rules is all of them in order of precedence: a socket belongs to the first that claims it. What sits in an accept queue has no owner to blame, what waits
// for an answer from the network is not leaked, and only what is left can be a leak.
func rules() []rule {
	return []rule{notAccepted, closingUnanswered, peerVanished, peerNotReading, localDrop, inTransit, leak}
}

// Suspect reports whether a socket may be stuck, judged by itself: the ones whose holders are worth looking for. It errs on the side of suspicion.
func Suspect(s *tcp.Socket) bool {
	switch s.State {
	case tcp.CloseWait:
		return true
	case tcp.Established:
		return s.Unaccepted() || waits(s)
	case tcp.FinWait1, tcp.Closing, tcp.LastAck:
		return waits(s)
	case tcp.Listen:
		return s.RecvQueue > 0 // whoever should accept is wanted, too
	case tcp.FinWait2:
		return s.Inode != 0 // the other end of a CLOSE_WAIT, if that is on this host
	}
	return false
}

// waits reports whether the kernel waits for an answer of the peer that did not come at once.
func waits(s *tcp.Socket) bool {
	backoff, _ := s.Info.Uint(tcp.Backoff)
	return (s.Timer.Kind == tcp.TimerRetransmit || s.Timer.Kind == tcp.TimerPersist) && (s.Timer.Count > 0 || backoff > 0)
}

// Undecided reports whether a verdict about the socket depends on seeing it again a moment later: it has bytes that may or may not be
// moving, or waits in a queue that may or may not be.
func Undecided(s *tcp.Socket) bool {
	if Age(s).Time < fresh {
		return false
	}
	return s.Unaccepted() || s.State == tcp.CloseWait && (s.RecvQueue > 1 || s.SendQueue > 0)
}

// silent returns how long the peer has not been heard; ok is false when the kernel does not say.
func silent(s *tcp.Socket) (d time.Duration, ok bool) { return s.Info.Duration(tcp.LastAckRecv) }

// windowClosed reports whether the peer's window is known to be zero, windowOpen whether it is known to have room for the next segment.
func windowClosed(s *tcp.Socket) bool {
	window, ok := s.Info.Uint(tcp.SndWnd)
	return ok && window == 0
}

func windowOpen(s *tcp.Socket) bool {
	window, ok := s.Info.Uint(tcp.SndWnd)
	queued, _ := s.Info.Uint(tcp.NotSentBytes)
	mss, _ := s.Info.Uint(tcp.SndMSS)
	return ok && window > 0 && window >= min(queued, mss)
}
