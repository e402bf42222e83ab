package diagnose

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// place is where a socket stands in the snapshot.
type place struct{ netns, index int32 }

func (sc *scene) at(p place) *tcp.Socket { return &sc.now.Namespaces[p.netns].Sockets[p.index] }

// index finds sockets by a number, or by a hash of what they are sought for. There may be a million of them: it is open addressing over one array.
type index struct {
	slots []slot // at most two thirds of them in use
	// before is how many sockets there are in the namespaces before each.
	before []uint32
}

// slot is a socket by how many there are up to it in all namespaces: 0 is a free slot.
type slot struct{ key, nth uint32 }

func (sc *scene) makeIndex() index {
	spaces := sc.now.Namespaces
	x := index{before: make([]uint32, len(spaces))}
	n := 0
	for i := range spaces {
		x.before[i] = uint32(n) //nolint:gosec // no host has memory for more
		n += len(spaces[i].Sockets)
	}
	x.slots = make([]slot, 8+n+n/2)
	return x
}

// place is where the socket of a slot stands.
func (x *index) place(s slot) place {
	after, _ := slices.BinarySearch(x.before, s.nth)                     // it is in the last of those with fewer before them
	return place{int32(after - 1), int32(s.nth - 1 - x.before[after-1])} //nolint:gosec // both were indexes
}

// from is the first slot for a key. Inodes come in runs, which a multiplication spreads (Knuth's constant for 32 bits); its upper bits choose among any number of slots.
func (x *index) from(key uint32) int {
	return int(uint64(key*2654435769) * uint64(len(x.slots)) >> 32)
}

func (x *index) next(i int) int {
	if i++; i == len(x.slots) {
		return 0
	}
	return i
}

func (x *index) add(key uint32, p place) {
	i := x.from(key)
	for x.slots[i].nth != 0 {
		i = x.next(i)
	}
	x.slots[i] = slot{key, x.before[p.netns] + uint32(p.index) + 1}
}

// find calls is with the places that have a key until it is content.
func (x *index) find(key uint32, is func(place) bool) (place, bool) {
	for i := x.from(key); x.slots[i].nth != 0; i = x.next(i) {
		if x.slots[i].key != key {
			continue
		}
		if p := x.place(x.slots[i]); is(p) {
			return p, true
		}
	}
	return place{}, false
}

// placeOf finds a socket by its inode, which is unique on the host.
func (sc *scene) placeOf(inode uint32) (place, bool) {
	if inode == 0 {
		return place{}, false
	}
	if sc.byInode.slots == nil {
		sc.byInode = sc.makeIndex()
		sc.each(func(netns, index int32, s *tcp.Socket) {
			if s.Inode != 0 {
				sc.byInode.add(s.Inode, place{netns, index})
			}
		})
	}
	return sc.byInode.find(inode, func(place) bool { return true })
}

func (sc *scene) socketOf(inode uint32) *tcp.Socket {
	if p, ok := sc.placeOf(inode); ok {
		return sc.at(p)
	}
	return nil
}

func hash(t *tcp.Tuple) uint32 {
	const odd = 0xff51afd7ed558ccd
	h := uint64(t.Local.Port())<<16 | uint64(t.Peer.Port())
	local, peer := t.Local.As16(), t.Peer.As16()
	for _, part := range [...][]byte{local[:8], local[8:], peer[:8], peer[8:]} {
		h = (h ^ binary.NativeEndian.Uint64(part)) * odd
		h ^= h >> 32
	}
	return uint32(h)
}

// other finds the other end of a connection on this host. Namespaces may use the same addresses: on loopback the other end can only be in the same namespace, and elsewhere
// it is not known which one it is when there are several.
func (sc *scene) other(netns int32, s *tcp.Socket) (found place, ok bool) {
	if !sc.hasPort(s.Peer.Port()) {
		return place{}, false
	}
	end := s.Tuple().Reverse()
	loopback := s.Peer.Addr().Unmap().IsLoopback()
	n := 0
	if p, here := sc.tuples().find(hash(&end), func(p place) bool {
		o := sc.at(p)
		if o == s || o.Tuple() != end { // it may have connected to itself
			return false
		}
		if p.netns != netns && !loopback {
			found, n = p, n+1
		}
		return p.netns == netns
	}); here {
		return p, true
	}
	return found, n == 1
}

// hasPort reports whether a connection has a local port.
func (sc *scene) hasPort(port uint16) bool { return sc.ports[port/64]>>(port%64)&1 != 0 }

// tuples is the index of connections by the hash of their tuple.
func (sc *scene) tuples() *index {
	if sc.byTuple.slots == nil {
		sc.byTuple = sc.makeIndex()
		sc.each(func(netns, index int32, s *tcp.Socket) {
			if s.State != tcp.Listen && s.Peer.Port() != 0 {
				t := s.Tuple()
				sc.byTuple.add(hash(&t), place{netns, index})
			}
		})
	}
	return &sc.byTuple
}

// ageOf is AgeOf, improved by what the other end tells: keepalive probes that the peer answers make a socket look young, but what is left of the
// peer's end counts down from the moment it closed.
func (sc *scene) ageOf(netns, index int32, s *tcp.Socket) look.Age {
	age := AgeOf(&sc.now.Namespaces[netns], int(index))
	if s.State != tcp.CloseWait || age.Kind == look.AgeAbout && age.Time >= fresh || s.Timer.Kind != tcp.TimerKeepalive {
		return age
	}
	end, ok := sc.end(netns, s)
	if !ok || end.socket().State != tcp.FinWait2 || !end.socket().Mini() {
		return age
	}
	lasts := 60 * time.Second
	if seconds, known := end.now.Namespaces[end.netns].Sysctls["tcp_fin_timeout"]; known {
		lasts = time.Duration(seconds) * time.Second
	}
	gone := look.Age{Time: min(lasts, timeWaitLength) - end.socket().Timer.Expires, Kind: look.AgeAbout}
	if end.scene != sc { // nor was it read at the same moment
		later, known := end.later(&sc.now.Namespaces[netns])
		if !known {
			return age
		}
		gone = look.Age{Time: gone.Time - max(0, later), Kind: look.AgeAtLeast}
	}
	if gone.Time > age.Time {
		return gone
	}
	return age
}

// existed returns for how long a connection had existed at least when the look began, as the ages of processes and threads count, and by how much less that may be, because
// nobody knows when exactly it was read. Its clocks start when it is established (tcp_create_openreq_child, tcp_finish_connect).
func (sc *scene) existed(p place) (d, doubt time.Duration) {
	s := sc.at(p)
	for _, f := range [...]tcp.Field{tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv} {
		since, _ := s.Info.Duration(f)
		d = max(d, since)
	}
	after, doubt := sc.now.ReadAfter(&sc.now.Namespaces[p.netns], int(p.index))
	return d - after, doubt
}
