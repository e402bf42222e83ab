package diagnose

import (
	"math"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// fresh is the age below which nothing is called stuck: connections that are just closing look like leaks for a moment.
const fresh = 5 * time.Second

// subject is one suspect socket with what was joined to it. There may be a million, so its fields are in an order without gaps.
type subject struct {
	socket *tcp.Socket
	place
	listener *tcp.Socket // the one the connection came through, nil on the connecting side
	// pid and fd are its holder, as a rule the only one; several are all where there are more, and then these are zeros.
	pid, fd int32
	several *[]look.Holder
	age     time.Duration
	// What was made of the socket, see renew: the position, from 1, of the draft it belongs to, 0 for none; who is to blame; answers that several rules ask for, kept once they were given, of which
	// instance, the number of one among those of the process from 1, and seen are an interest; and what the second look says.
	draft, culprit int32
	instance       int16
	seen           marks
	half, turn     answer
	moved          bool

	ageKind look.AgeKind
	joined  marks
}

// marks are several things that hold or do not.
type marks uint8

// What may hold of what was joined to a socket.
const (
	allHolders marks = 1 << iota // its holders are the whole truth
	shared                       // others listen on the address it came through
	madeHere                     // this side made the connection, as far as that shows: a listener that is gone leaves connections behind that look alike
)

func (m *marks) set(what marks, holds bool) {
	if holds {
		*m |= what
	}
}

func (m marks) has(what marks) bool { return m&what != 0 }

func (s *subject) known() bool     { return s.joined.has(allHolders) }
func (s *subject) shares() bool    { return s.joined.has(shared) }
func (s *subject) connected() bool { return s.joined.has(madeHere) }

// renew forgets what was made of the socket.
func (s *subject) renew(moved bool) {
	s.draft, s.culprit, s.instance, s.seen, s.half, s.turn, s.moved = 0, 0, 0, 0, unasked, unasked, moved
}

// holders is how many descriptors are known to refer to the socket.
func (s *subject) holders() int {
	switch {
	case s.several != nil:
		return len(*s.several)
	case s.pid != 0:
		return 1
	}
	return 0
}

// holder returns the nth of those who hold the socket.
func (s *subject) holder(nth int) look.Holder {
	if s.several != nil {
		return (*s.several)[nth]
	}
	return look.Holder{PID: int(s.pid), FD: int(s.fd)}
}

func (s *subject) held() bool { return s.pid != 0 || s.several != nil }

// heldBy reports whether one of those who hold the socket is as asked.
func (s *subject) heldBy(is func(look.Holder) bool) bool {
	for i := range s.holders() {
		if is(s.holder(i)) {
			return true
		}
	}
	return false
}

// settled reports whether nothing will change of what is joined to the socket: a look that asks who holds a socket asks for all who do, so that one who does stays alone.
// Of several some may prove to be passing by, and tell which of those that share an address is the listener.
func (s *subject) settled() bool { return s.pid != 0 && !s.shares() }

// hold makes a copy of a list the socket's holders.
func (s *subject) hold(list []look.Holder) {
	s.pid, s.fd, s.several = 0, 0, nil
	switch {
	case len(list) == 1 && list[0].PID > 0 && list[0].PID <= math.MaxInt32: // nowhere else are there more
		s.pid, s.fd = int32(list[0].PID), int32(list[0].FD) //nolint:gosec // no descriptor has a larger number
	case len(list) > 0:
		s.several = new(slices.Clone(list))
	}
}

// blame notes the process that the rule which claims the socket holds responsible.
func (s *subject) blame(pid int) { s.culprit = int32(pid) } //nolint:gosec // the kernel gives none that is larger, and a recording with such is refused

// blamed is that process, 0 for the socket's holder.
func (s *subject) blamed() int { return int(s.culprit) }

// answer is yes or no or neither, or not given yet; the firmer the yes the greater.
type answer uint8

const (
	unasked answer = iota
	no
	perhaps
	yes
)

// The codes by which rules know of each other.
const (
	codeLeak           = "CW101"
	codeNotReading     = "CW102"
	codePoolIdle       = "CW103"
	codeNotAccepted    = "CW104"
	codeWorkersBlocked = "CW105"
	codeLoopBlocked    = "CW106"
	codeHandlerBusy    = "CW107"
	codeRelayWaiting   = "CW108"
	codeInherited      = "CW109"
	codeDeadFDs        = "CW110"
	codeProcessStopped = "CW111"
	codeProbeDrip      = "CW114"
	codePeerVanished   = "CW201"
	codePeerNotReading = "CW202"
	codeLocalDrop      = "CW203"
	codeClosing        = "CW204"
	codeFinWait2       = "CW205"
	codeFDLimit        = "CW401"
)

// rule recognises one cause.
type rule struct {
	code, cause string
	// claims reports whether the socket bears the signature.
	claims func(*scene, *subject) bool
	// together is what the sockets of one finding have in common beyond namespace and owner; nil when that is all.
	together func(*scene, *subject) uint64
	// describe adds to a finding what only this rule knows: severity, culprits, evidence. What helps is in package remedies.
	describe func(*scene, *group, *report.Finding)
}

// rules is all of them in order of precedence: a socket belongs to the first that claims it.
//
// What keeps a whole process from seeing to its sockets comes before what may be wrong with one of them: a process that does not run, workers and loops that are elsewhere. Only then
// is nobody accepting, and only then does a silent peer stand for itself. Of a program that could look and does not, the ways in which that is normal or has a reason come before the
// leak, which is what is left.
func rules() []rule {
	return []rule{
		processStopped, loopBlocked, workersBlocked, notAccepted, closingUnanswered, peerVanished, peerNotReading, localDrop, kernelOwned, inTransit,
		finWait2Held, inherited, relayWaiting, relayWaitingWithin, handlerBusy, poolIdle, notReading, leak,
	}
}

// Suspect reports whether a socket may be stuck, judged by itself: the ones whose holders are worth looking for. It errs on the side of suspicion.
func Suspect(s *tcp.Socket) bool {
	switch s.State {
	case tcp.CloseWait:
		return true
	case tcp.Established:
		return s.Unaccepted() || waits(s) || ignored(s) || piledUp(s)
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
	return (s.Timer.Kind == tcp.TimerRetransmit || s.Timer.Kind == tcp.TimerPersist) && (s.Timer.Count > 0 || backoff > 0) || probed(s)
}

// Undecided reports whether a verdict about the socket depends on seeing it again a moment later: it has bytes that may or may not be
// moving, waits in a queue that may or may not be, is read slowly or not at all, or has no holder, who may have ended while holders were looked for, or a slow one, who may come to it.
func Undecided(now *look.Snapshot, s *tcp.Socket) bool {
	if full(s) || ignored(s) {
		return true
	}
	if Age(s).Time < fresh {
		return false
	}
	if s.State == tcp.CloseWait && s.Inode != 0 && now.Holders.Held() < now.Holders.Wanted() && now.Sought(s) && !now.Holders.Has(s.Inode) {
		return true
	}
	return s.Unaccepted() || s.State == tcp.CloseWait && (s.RecvQueue > 1 || s.SendQueue > 0 || heldByOneAtWork(now, s))
}

// full reports whether a program has so much to read that its peer may send nothing more: it may be reading, however slowly.
func full(s *tcp.Socket) bool {
	window, known := s.Info.Uint(tcp.RcvWnd)
	return unread(s) && known && window == 0
}

// ignored reports whether a program has had something to read for a while, of a peer that still waits.
func ignored(s *tcp.Socket) bool {
	came, known := s.Info.Duration(tcp.LastDataRecv)
	return unread(s) && known && came >= fresh
}

// piledUp reports whether much waits for a program that has sent nothing for a while, however lately the last came: as a rule one that takes what comes as fast as it can, or else one that does not run.
func piledUp(s *tcp.Socket) bool {
	const much = 16 << 10
	sent, known := s.Info.Duration(tcp.LastDataSent)
	return unread(s) && s.RecvQueue >= much && known && sent >= fresh
}

// unread reports whether a program has something to read of a peer that has not left.
func unread(s *tcp.Socket) bool { return s.State == tcp.Established && s.RecvQueue > 0 && s.Inode != 0 }

// heldByOneAtWork reports whether the holder has but one thread, which has begun with something else no longer ago than a slow answer takes: it may come to an end with it.
func heldByOneAtWork(now *look.Snapshot, s *tcp.Socket) bool {
	var room [1]look.Holder // as a rule there is one
	holders := now.Holders.Append(room[:0], s.Inode)
	if len(holders) == 0 {
		return false
	}
	p := now.Processes[holders[0].PID]
	if p == nil || p.Activity == nil || len(p.Activity.Threads) != 1 {
		return false
	}
	only := &p.Activity.Threads[0]
	return only.Resting < slowest && only.First.Call.Kind != look.CallPoll && only.First.Call.Kind != look.CallAccept
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
