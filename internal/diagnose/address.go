package diagnose

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// addressKey is an address as one network namespace reaches it.
type addressKey struct {
	netns int32
	addr  netip.Addr
}

// address is what other connections tell of an address that leaves some unanswered.
type address struct {
	answered bool
	heard    time.Duration // how long ago the last of them was
	large    bool          // on one, segments of full size were acknowledged
}

// address tells of the peer of a connection that gets no answer. The sockets are gone through for all such addresses at once.
func (sc *scene) address(s *subject) address {
	if sc.addresses == nil {
		sc.addresses = map[addressKey]*address{}
		all := sc.suspects()
		for i := range all {
			if unheeded(all[i].socket) && !all[i].socket.Peer.Addr().Unmap().IsLoopback() {
				sc.addresses[addressKey{all[i].netns, all[i].socket.Peer.Addr()}] = &address{}
			}
		}
		sc.each(func(netns, _ int32, s *tcp.Socket) {
			if s.State == tcp.Listen || s.State == tcp.SynSent {
				return
			}
			if a := sc.addresses[addressKey{netns, s.Peer.Addr()}]; a != nil && !unanswered(s) {
				a.add(s)
			}
		})
	}
	if a := sc.addresses[addressKey{s.netns, s.socket.Peer.Addr()}]; a != nil {
		return *a
	}
	return address{}
}

func (a *address) add(s *tcp.Socket) {
	if _, known := silent(s); !known {
		return
	}
	if heard := lastHeard(s); !a.answered || heard < a.heard {
		a.answered, a.heard = true, heard
	}
	acked, _ := s.Info.Uint(tcp.BytesAcked)
	segments, _ := s.Info.Uint(tcp.Delivered)
	mss, _ := s.Info.Uint(tcp.SndMSS)
	a.large = a.large || segments > 1 && mss > 0 && 4*acked >= 3*segments*mss // most were, if that is their average; a SYN counts as one
}

// reachedEvidence says that the addresses of peers that do not answer have answered on other connections since the first time-out.
func (sc *scene) reachedEvidence(g *group) []string {
	n, last := 0, time.Duration(0)
	for _, s := range g.members {
		if a := sc.address(s); a.answered && s.socket.Timer.Kind == tcp.TimerRetransmit && a.heard < resending(s.socket) {
			if n++; n == 1 || a.heard < last {
				last = a.heard
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the addresses of %d have answered on other connections since (last %s ago): they are reached, and it is these connections that are not: the way is overloaded, or a firewall or NAT on it has forgotten them",
		n, spoken.Duration(last))}
}
