package diagnose

import (
	"cmp"
	"slices"
	"time"

	"github.com/closewait/closewait/tcp"
)

// writing returns the connections of clients that take nothing and that threads may be writing to which wait for another thread, as they do where one thread looks at all connections: each has one that has waited since
// the last could be sent, and they are most of what the process has in hand.
func (sc *scene) writing(d *doing) (list []wait) {
	if !d.known || len(d.strong) > 0 || len(d.locked) == 0 {
		return nil
	}
	var full []place
	for _, at := range sc.inState(d.process, tcp.Established) {
		s := sc.at(at)
		if _, connected := sc.origin(at.netns, s); s.SendQueue > 0 && windowClosed(s) && !connected {
			full = append(full, at)
		}
	}
	since := func(at place) time.Duration {
		sent, _ := sc.at(at).Info.Duration(tcp.LastDataSent)
		return sent
	}
	slices.SortFunc(full, func(a, b place) int { return cmp.Compare(since(a), since(b)) })
	threads := slices.SortedFunc(slices.Values(still(d.locked)), func(a, b worker) int { return cmp.Compare(a.thread.Resting, b.thread.Resting) })
	next := 0
	for _, at := range full {
		for next < len(threads) && threads[next].thread.Resting < since(at)-belated {
			next++
		}
		if next < len(threads) && threads[next].thread.Resting <= since(at)+belated {
			list = append(list, wait{place: at})
			next++
		}
	}
	if 2*len(list) <= len(full)+len(sc.outstanding(d)) {
		return nil
	}
	return list
}

// leaving returns the connection that a thread of a process is closing and waits for, nil where that does not show. No descriptor refers to it any more, but the file is not released yet
// (__tcp_close waits before sock_orphan): it is one without a holder that came through a listener of the process, if that is the only one.
func (sc *scene) leaving(d *doing) (s *tcp.Socket) {
	if sc.left == nil {
		sc.left = map[listenKey][]*tcp.Socket{}
		for i := range sc.suspects() {
			own := &sc.suspected[i]
			switch own.socket.State {
			case tcp.FinWait1, tcp.Closing, tcp.LastAck:
				if own.socket.Inode != 0 && !own.held() {
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
