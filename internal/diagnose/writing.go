package diagnose

import (
	"github.com/closewait/closewait/tcp"
)

// leaving returns the connection that a thread of a process is closing and waits for, nil where that does not show. No descriptor refers to it any more, but the file is not released yet
// (__tcp_close waits before sock_orphan): it is one without a holder that came through a listener of the process, if that is the only one.
func (sc *scene) leaving(d *doing) (s *tcp.Socket) {
	if sc.left == nil {
		sc.left = map[listenKey][]*tcp.Socket{}
		for i := range sc.suspects() {
			own := &sc.suspected[i]
			switch own.socket.State {
			case tcp.FinWait1, tcp.Closing, tcp.LastAck:
				if own.socket.Inode != 0 && len(own.holders()) == 0 {
					key := listenKey{own.netns, own.socket.Local.Port()}
					sc.left[key] = append(sc.left[key], own.socket)
				}
			}
		}
	}
	for _, at := range sc.inState(d.process, tcp.Listen) {
		for _, own := range sc.left[listenKey{at.netns, sc.at(at).Local.Port()}] {
			if s != nil && s != own {
				return nil
			}
			s = own
		}
	}
	return s
}
