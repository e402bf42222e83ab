package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// queueKeeper says why a listener's queue is not emptied, and which processes are to blame. Without a code it may be being emptied, however slowly.
type queueKeeper struct {
	code string
	pids []int
}

// keeper judges the holders of a listener, once. All of them may accept, so one that does its work is enough to clear the others.
func (sc *scene) keeper(netns int32, l *tcp.Socket) queueKeeper {
	if k, ok := sc.keepers[l]; ok {
		return k
	}
	k := sc.judgeKeeper(netns, l)
	sc.keepers[l] = k
	return k
}

func (sc *scene) judgeKeeper(netns int32, l *tcp.Socket) queueKeeper {
	none := queueKeeper{code: codeNotAccepted}
	holders, known := sc.holders(l)
	if !known || len(holders) == 0 {
		return none
	}
	var halted, looping, working []int
	for i, h := range holders {
		if i > 0 && holders[i-1].PID == h.PID {
			continue
		}
		d := sc.doing(h.PID)
		in := d.interest(l.Inode, h.FD)
		switch {
		case sc.onErrand(d, holders) && sc.serves(netns, d, l):
			continue // it has the listener and the connection by accident
		case sc.gave(l, h, holders):
			continue // it leaves the listener to the program that it has started for it
		case d.halted != "":
			halted = append(halted, h.PID)
		case in.waited || d.rings() || d.process.Activity == nil || len(d.process.Activity.Threads) == 0:
			return none // it could accept, or nobody knows what it does
		case in.set != nil && !in.armed && d.polls(in.set) && len(stuck(d.strong)) == 0:
			return none // its loop runs and does not want to hear of connections: what for, its threads do not tell
		case d.mayNotAccept():
			return none // it waits until it may accept again, or tries in vain
		case (sc.lags(d, in) || sc.allLocked(d) && lately(d.locked)) && sc.serves(netns, d, l):
			return queueKeeper{}
		case len(d.off) > 0 && sc.replies(d) && (d.single() || in.set != nil && in.armed && sc.manifold(d, in.set)):
			return queueKeeper{} // its thread was not elsewhere all the time
		case sc.loopOff(d, in):
			looping = append(looping, h.PID)
		case len(d.working) > 0 && sc.paced(d) && sc.serves(netns, d, l):
			return queueKeeper{}
		case len(stuck(d.strong)) > 0 || len(stuck(d.working)) > 0 && sc.serves(netns, d, l) && (d.single() || !sc.replies(d)) || sc.allLocked(d):
			working = append(working, h.PID)
		}
	}
	switch {
	case len(looping) > 0:
		return queueKeeper{codeLoopBlocked, looping}
	case len(working) == 1 && sc.inSession(netns, sc.doing(working[0]), l):
		return queueKeeper{codeHandlerBusy, working}
	case len(working) > 0:
		return queueKeeper{codeWorkersBlocked, working}
	case len(halted) > 0:
		return queueKeeper{codeProcessStopped, halted}
	}
	return none
}

// gave reports whether a holder of a listener has handed it to a program that it started for that, under another number: it does not accept itself while that runs (socket activation).
func (sc *scene) gave(l *tcp.Socket, h look.Holder, holders []look.Holder) bool {
	if sc.doing(h.PID).interest(l.Inode, h.FD).waited {
		return false
	}
	return slices.ContainsFunc(holders, func(c look.Holder) bool {
		p := sc.doing(c.PID).process
		return p.PPID == h.PID && p.Activity != nil && p.Activity.Executed && !sc.sameNumber(l, c.PID, h.PID)
	})
}

// inSession reports whether a process listens for further connections of one client alone, which has left, as for the data of FTP: it serves that, which came through another listener, and nobody else.
func (sc *scene) inSession(netns int32, d *doing, l *tcp.Socket) bool {
	if !d.single() || sc.serves(netns, d, l) {
		return false
	}
	var client *tcp.Socket
	for _, own := range d.process.Activity.Sockets {
		if s := sc.socketOf(own.Inode); s != nil && s != client && sc.accepted(own.Inode) {
			if client != nil {
				return false
			}
			client = s
		}
	}
	return client != nil && client.State == tcp.CloseWait
}

// allLocked reports whether all connections a process has in hand may be in the hands of threads that wait for another. That the idle members of a pool do as well, but with
// connections waiting to be accepted and none of the threads there to accept them, those are not idle.
func (sc *scene) allLocked(d *doing) bool {
	l := sc.loadOf(d)
	return d.known && (l.inHand > 0 && l.inHand <= len(still(d.parked()))+d.unclear || sc.heldUp(d))
}

// heldUp reports whether each connection whose request was read and not answered has a thread of its own that has waited for another since that came: a thread that goes idle does so when it has answered.
func (sc *scene) heldUp(d *doing) bool {
	asked := sc.outstanding(d)
	var rests []time.Duration
	for _, w := range still(d.parked()) {
		rests = append(rests, w.thread.Resting)
	}
	if len(asked) == 0 || len(asked) > len(rests) {
		return false
	}
	slices.Sort(rests)
	next := 0
	for _, came := range asked {
		for next < len(rests) && rests[next] < came-within {
			next++
		}
		if next == len(rests) || rests[next] > came+within {
			return false
		}
		next++
	}
	return asked[0] >= fresh
}

// serves reports whether a process, which holds the listener, holds a connection that came through it.
func (sc *scene) serves(netns int32, d *doing, l *tcp.Socket) bool {
	return slices.ContainsFunc(d.process.Activity.Sockets, func(fd look.Descriptor) bool {
		p, ok := sc.placeOf(fd.Inode)
		if !ok || p.netns != netns {
			return false
		}
		return sc.cameThrough(netns, sc.at(p), l)
	})
}

// cameThrough reports whether a connection of a process that holds a listener came through that. Of several that share an address it is this one: who holds the connection is not known of each.
func (sc *scene) cameThrough(netns int32, s, l *tcp.Socket) bool {
	return s.State != tcp.Listen && slices.Contains(sc.sharing(netns, s.Local), l)
}
