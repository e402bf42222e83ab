package diagnose

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// listener returns the listening socket that s came through, nil if there is none. Of several that share an address (SO_REUSEPORT) it is the one that a holder of s holds as well; of
// one that was not accepted it is one with a queue.
func (sc *scene) listener(netns int32, s *tcp.Socket) *tcp.Socket {
	shared := sc.sharing(netns, s.Local)
	switch {
	case len(shared) == 0:
		return nil
	case len(shared) == 1:
		return shared[0]
	case s.Unaccepted():
		return sc.queueOf(netns, s, shared)
	}
	own := slices.IndexFunc(shared, func(l *tcp.Socket) bool {
		return sc.now.Holders.Any(s.Inode, func(h look.Holder) bool { return sc.keeps(h.PID, l) })
	})
	return shared[max(0, own)]
}

// keeps reports whether a process has a listener.
func (sc *scene) keeps(pid int, l *tcp.Socket) bool {
	return sc.now.Holders.Any(l.Inode, func(h look.Holder) bool { return h.PID == pid })
}

// sharing returns the listeners that connections to an address can come through: those on the very address before those on the wildcard of its family, and those before the other
// family's, as the kernel's lookup prefers them (compute_score).
func (sc *scene) sharing(netns int32, local tcp.Endpoint) []*tcp.Socket {
	if sc.shared.netns == netns && sc.shared.local == local && sc.sharers != nil {
		return sc.sharers // as a rule many connections in a row came through one listener
	}
	all := sc.listeners[listenKey{netns, local.Port()}]
	if len(all) == 0 {
		return nil
	}
	key := shareKey{netns, local}
	best, known := sc.shares[key]
	if !known {
		best = bestOf(all, local)
		sc.shares[key] = best
	}
	sc.shared, sc.sharers = key, best
	return best
}

// shareKey is an address that listeners may share.
type shareKey struct {
	netns int32
	local tcp.Endpoint
}

// bestOf returns those of the listeners on one port that the kernel prefers for an address.
func bestOf(all []*tcp.Socket, local tcp.Endpoint) (best []*tcp.Socket) {
	score := 0
	for _, l := range all {
		n := scoreOf(l, local.Addr().Unmap())
		if n > score {
			best, score = nil, n
		}
		if n > 0 && n == score {
			best = append(best, l)
		}
	}
	return best
}

func scoreOf(l *tcp.Socket, local netip.Addr) int {
	switch addr := l.Local.Addr().Unmap(); {
	case addr == local:
		return 3
	case addr == netip.IPv4Unspecified() && local.Is4(), addr == netip.IPv6Unspecified() && local.Is6():
		return 2
	case addr == netip.IPv6Unspecified() && !l.V6Only:
		return 1
	}
	return 0
}

// queueOf returns the listener in whose queue a connection waits. The kernel does not say which it is, but how long each queue is: the oldest connections go to the longest queue,
// which is the one nobody empties.
func (sc *scene) queueOf(netns int32, s *tcp.Socket, shared []*tcp.Socket) *tcp.Socket {
	if l, ok := sc.queues[s]; ok {
		return l
	}
	if sc.queues == nil {
		sc.queues = map[*tcp.Socket]*tcp.Socket{}
	}
	var waiting []*tcp.Socket
	for i := range sc.now.Namespaces[netns].Sockets {
		w := &sc.now.Namespaces[netns].Sockets[i]
		if w.Unaccepted() && w.Local.Port() == s.Local.Port() && slices.Equal(sc.sharing(netns, w.Local), shared) {
			waiting = append(waiting, w)
		}
	}
	longest := slices.Clone(shared)
	slices.SortStableFunc(longest, func(a, b *tcp.Socket) int { return cmp.Compare(b.RecvQueue, a.RecvQueue) })
	slices.SortStableFunc(waiting, func(a, b *tcp.Socket) int { return cmp.Compare(Age(b).Time, Age(a).Time) })
	at, left := 0, longest[0].RecvQueue
	for _, w := range waiting {
		for left == 0 && at < len(longest)-1 {
			at++
			left = longest[at].RecvQueue
		}
		sc.queues[w] = longest[at]
		left -= min(left, 1)
	}
	return sc.queues[s]
}
