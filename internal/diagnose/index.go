package diagnose

import (
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// place is where a socket stands in the snapshot.
type place struct{ netns, index int }

func (sc *scene) at(p place) *tcp.Socket { return &sc.now.Namespaces[p.netns].Sockets[p.index] }

// placeOf finds a socket by its inode, which is unique on the host.
func (sc *scene) placeOf(inode uint32) (place, bool) {
	if inode == 0 {
		return place{}, false
	}
	if sc.byInode == nil {
		sc.byInode = make(map[uint32]place, sc.now.Count())
		sc.each(func(netns, index int, s *tcp.Socket) {
			if s.Inode != 0 {
				sc.byInode[s.Inode] = place{netns, index}
			}
		})
	}
	p, ok := sc.byInode[inode]
	return p, ok
}

func (sc *scene) socketOf(inode uint32) *tcp.Socket {
	if p, ok := sc.placeOf(inode); ok {
		return sc.at(p)
	}
	return nil
}

// other finds the other end of a connection on this host. Namespaces may use the same addresses: on loopback the other end can only be in the same namespace, and elsewhere
// it is not known which one it is when there are several.
func (sc *scene) other(netns int, s *tcp.Socket) (place, bool) {
	if sc.byTuple == nil {
		sc.indexTuples()
	}
	tuple := s.Tuple().Reverse()
	all := sc.doubles[tuple]
	if p, ok := sc.byTuple[tuple]; ok && all == nil {
		all = append(make([]place, 0, 1), p)
	}
	loopback := s.Peer.Addr().Unmap().IsLoopback()
	var found place
	n := 0
	for _, p := range all {
		switch {
		case sc.at(p) == s: // it has connected to itself
		case p.netns == netns:
			return p, true
		case !loopback:
			found, n = p, n+1
		}
	}
	return found, n == 1
}

// indexTuples indexes the sockets that can be other ends: those whose local port is the peer's port of a socket that matters.
func (sc *scene) indexTuples() {
	var ports [1 << 16]bool
	sc.each(func(_, _ int, s *tcp.Socket) {
		if s.State != tcp.Listen && (s.State == tcp.FinWait2 || Suspect(s)) {
			ports[s.Peer.Port()] = true
		}
	})
	for _, p := range sc.now.Processes {
		if p.Activity == nil {
			continue
		}
		for _, d := range p.Activity.Sockets {
			if s := sc.socketOf(d.Inode); s != nil {
				ports[s.Peer.Port()] = true
			}
		}
	}
	sc.byTuple, sc.doubles = map[tcp.Tuple]place{}, map[tcp.Tuple][]place{}
	sc.each(func(netns, index int, s *tcp.Socket) {
		if s.State == tcp.Listen || !ports[s.Local.Port()] || s.Peer.Port() == 0 {
			return
		}
		tuple, here := s.Tuple(), place{netns, index}
		first, again := sc.byTuple[tuple]
		switch all := sc.doubles[tuple]; {
		case !again:
			sc.byTuple[tuple] = here
		case all == nil:
			sc.doubles[tuple] = []place{first, here}
		default:
			sc.doubles[tuple] = append(all, here)
		}
	})
}

// ageOf is AgeOf, improved by what other sockets on this host tell: keepalive probes that the peer answers make a socket look young, but what is left of the
// peer's end counts down from the moment it closed.
func (sc *scene) ageOf(netns, index int, s *tcp.Socket) look.Age {
	age := AgeOf(&sc.now.Namespaces[netns], index)
	if s.State != tcp.CloseWait || age.Kind == look.AgeAbout && age.Time >= fresh || s.Timer.Kind != tcp.TimerKeepalive {
		return age
	}
	p, ok := sc.other(netns, s)
	if !ok {
		return age
	}
	end := sc.at(p)
	if end.State != tcp.FinWait2 || !end.Mini() {
		return age
	}
	lasts := 60 * time.Second
	if seconds, known := sc.now.Namespaces[p.netns].Sysctls["tcp_fin_timeout"]; known {
		lasts = time.Duration(seconds) * time.Second
	}
	if gone := min(lasts, timeWaitLength) - end.Timer.Expires; gone > age.Time {
		return look.Age{Time: gone, Kind: look.AgeAbout}
	}
	return age
}

// existed returns for how long a connection has existed at least: its clocks start when it is established (tcp_create_openreq_child, tcp_finish_connect).
func existed(s *tcp.Socket) (d time.Duration) {
	for _, f := range [...]tcp.Field{tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv} {
		since, _ := s.Info.Duration(f)
		d = max(d, since)
	}
	return d
}
