package diagnose

import (
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// halfClosed reports whether the peer has shut down its sending side only and waits for our answer, which RFC 9293 allows for any length of time: its end is in this look or that of another host, and
// open, and its holder looks at it. A program that is its own peer has nobody to wait for, and a relay only waits on behalf of its other leg.
func (sc *scene) halfClosed(s *subject) bool {
	if s.half == unasked {
		s.half = answerOf(sc.halfClosedBehind(s, 0))
	}
	return s.half == yes
}

// maxDepth is how many relays are followed.
const maxDepth = 8

func (sc *scene) halfClosedBehind(s *subject, depth int) bool {
	end, ok := sc.end(s.netns, s.socket)
	if !ok {
		return false
	}
	socket := end.socket()
	if socket.State != tcp.FinWait2 || socket.Inode == 0 {
		return false
	}
	return !end.now.Holders.Any(socket.Inode, func(h look.Holder) bool {
		own := end.scene == sc && slices.ContainsFunc(s.holders(), func(own look.Holder) bool { return own.PID == h.PID })
		return own || !end.watches(h, socket) || end.relayOfNothing(h.PID, socket, depth)
	})
}

// watches reports whether a holder of a socket waits for it, as far as that is known.
func (sc *scene) watches(h look.Holder, s *tcp.Socket) bool {
	d := sc.doing(h.PID)
	in := d.interest(s.Inode, h.FD)
	return !d.known || d.halted != "" || d.rings() || in.waited || in.armed
}

// relayOfNothing reports whether a process holds a socket only as the open leg of a connection whose other leg is closed.
func (sc *scene) relayOfNothing(pid int, open *tcp.Socket, depth int) bool {
	closed := sc.pairing(pid).closed[open]
	if closed == nil || depth >= maxDepth {
		return false
	}
	at, ok := sc.placeOf(closed.Inode)
	if !ok {
		return false
	}
	subj := sc.subject(at.netns, at.index, closed)
	return !sc.halfClosedBehind(&subj, depth+1)
}
