package diagnose

import (
	"fmt"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// inTransit is sockets with an inode that no process holds.
//
// Needs: the holders of all processes, what waits in unix sockets to be received, what rings have. Claims: no holder was found; where some process could not be read, a ring has the
// socket, or at least as many descriptors wait as there are such sockets. Refuted by a holder, and by receivers that come to one after the other.
var inTransit = rule{
	code: "CW112", cause: "in_transit",
	claims: func(sc *scene, s *subject) bool {
		return unheld(s) && !sc.drains(s) && !sc.inTurn(s) && (s.known() || sc.ringOf(s.socket) != nil || sc.unheld() <= sc.now.Transit.Descriptors())
	},
	together: func(sc *scene, s *subject) uint64 {
		if ring := sc.ringOf(s.socket); ring != nil {
			return uint64(ring.PID)
		}
		return 0
	},
	describe: func(sc *scene, g *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		if ring := sc.ringOf(g.members[0].socket); ring != nil {
			f.Evidence = append(f.Evidence, fmt.Sprintf("an io_uring of pid %d has these sockets as files of its own (/proc/%d/fdinfo/%d); no process has a descriptor of them", ring.PID, ring.PID, ring.FD))
			return
		}
		waiting := sc.now.Transit.Waiting
		if own := sc.arriving(int32(g.netns), g.members[0].listener); len(own) > 0 {
			waiting = own
		}
		if len(waiting) == 0 {
			f.Evidence = append(f.Evidence,
				"no process has a descriptor of these sockets: they travel over a unix socket, are registered with io_uring, or belong to the kernel")
			return
		}
		f.Evidence = append(f.Evidence, "no process that could be read has a descriptor of these sockets")
		for _, w := range waiting[:min(len(waiting), 3)] {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s in a unix socket that nobody has received (scm_fds in /proc/%d/fdinfo/%d)",
				plural(w.Descriptors, "descriptor"), w.Receiver.PID, w.Receiver.FD))
		}
	},
}

// ringOf returns the ring that has a socket as one of its files, nil for none.
func (sc *scene) ringOf(s *tcp.Socket) *look.Holder {
	for i := range sc.now.Transit.Registered {
		if r := &sc.now.Transit.Registered[i]; r.Inode == s.Inode {
			return &r.Ring
		}
	}
	return nil
}

// unheld reports whether the peer of a socket closed a while ago, and nobody is seen to hold it although it has an inode, and stays so.
func unheld(s *subject) bool {
	return s.socket.State == tcp.CloseWait && s.socket.Inode != 0 && !s.held() && s.age >= fresh && !s.moved
}

// unheld counts the sockets without a holder, once.
func (sc *scene) unheld() int {
	if sc.homeless == nil {
		sc.homeless = new(0)
		sc.stuck(func(s *subject) {
			if unheld(s) {
				*sc.homeless++
			}
		})
	}
	return *sc.homeless
}
