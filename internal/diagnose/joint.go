package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// Host is the look at one of several hosts that are judged together.
type Host struct {
	Name string // differs from that of the others
	Now  *look.Snapshot
	// Later is the second look, see Diagnosis.Run.
	Later []tcp.Socket
}

// Joint is several hosts made ready to be judged together. It is not safe for concurrent use.
type Joint struct{ scenes []*scene }

// Join pairs the connections between hosts. alike reports whether equal addresses mean the same in the looks at two of them.
func Join(hosts []Host, alike func(a, b int) bool) *Joint {
	j := &Joint{}
	for _, h := range hosts {
		sc := newScene(h.Now, h.Later)
		sc.host = h.Name
		j.scenes = append(j.scenes, sc)
	}
	for a, sc := range j.scenes {
		for b, other := range j.scenes {
			if a != b && alike(a, b) {
				sc.others = append(sc.others, other)
			}
		}
	}
	return j
}

// Run diagnoses the hosts as if they were one: what one end of a connection does is known where the other is judged, and causes are followed from host to host. Each finding is about one of them.
func (j *Joint) Run() *Verdicts { return verdicts(j.scenes...) }

// Other finds the other end of a connection on another host: that host, and where its socket is in the look at it. All are counted from 0.
func (j *Joint) Other(host, netns, index int) (otherHost, otherNetns, otherIndex int, ok bool) {
	sc := j.scenes[host]
	end, ok := sc.end(int32(netns), sc.at(place{int32(netns), int32(index)}))
	if !ok || end.scene == sc {
		return 0, 0, 0, false
	}
	return slices.Index(j.scenes, end.scene), int(end.netns), int(end.index), true
}

// far is the other end of a connection, on this host or another.
type far struct {
	*scene
	place
}

func (e far) socket() *tcp.Socket { return e.at(e.place) }

// end finds the other end of a connection on this host, or else on another that is judged together with it.
func (sc *scene) end(netns int32, s *tcp.Socket) (far, bool) {
	if p, here := sc.other(netns, s); here || sc.others == nil {
		return far{sc, p}, here
	}
	return sc.abroad(s)
}

// abroad finds the other end of a connection on another host, if each can only be that of the other.
func (sc *scene) abroad(s *tcp.Socket) (far, bool) {
	found, n := sc.candidates(s)
	if n != 1 {
		return far{}, false
	}
	_, n = found.candidates(found.socket())
	return found, n == 1
}

// candidates counts the sockets on other hosts that may be the other end of a connection, and returns the last. Loopback addresses name every host, and private ones may be in use on several: what has
// its other end on its own host is none.
func (sc *scene) candidates(s *tcp.Socket) (found far, n int) {
	if s.State == tcp.Listen || s.Peer.Port() == 0 || s.Peer.Addr().Unmap().IsLoopback() {
		return far{}, 0
	}
	for _, o := range sc.others {
		if !o.hasPort(s.Peer.Port()) {
			continue
		}
		end := s.Tuple().Reverse()
		o.tuples().find(hash(&end), func(p place) bool {
			if t := o.at(p); t.Tuple() == end && mayBeEnds(s, t) {
				if _, inside := o.other(p.netns, t); !inside {
					found, n = far{o, p}, n+1
				}
			}
			return false
		})
	}
	return found, n
}

// mayBeEnds reports whether two sockets of different hosts with the same addresses can be the ends of one connection: looks are not of one moment, and ports are used again. What an end sent
// before its FIN, the other has received, once it has the FIN.
func mayBeEnds(a, b *tcp.Socket) bool {
	return whole(a, b) && whole(b, a)
}

// whole reports whether one end has got all that the other has sent, if the one has got the other's FIN and the other knows; true where that cannot be told.
func whole(to, from *tcp.Socket) bool {
	if to.State != tcp.CloseWait || from.State != tcp.FinWait2 || from.Mini() {
		return true
	}
	if _, counted := sentBytes(from); !counted {
		return true
	}
	if _, counted := to.Info.Uint(tcp.BytesReceived); !counted {
		return true
	}
	received, _ := payload(to)
	_, sent := payload(from)
	return received == sent
}

// later is how much later a place was read than another, by the clocks of their hosts; known is false where one of them was pasted, which does not tell when it was made.
func (e far) later(than *look.Namespace) (d time.Duration, known bool) {
	at := e.now.Namespaces[e.netns].ReadAt
	return at.Sub(than.ReadAt), !at.IsZero() && !than.ReadAt.IsZero()
}

// when says how far the look at a place is from that at another, "" where they are of about the same moment or that is not known.
func (e far) when(than *look.Namespace) string {
	switch later, known := e.later(than); {
	case !known:
	case later > fresh:
		return ", seen " + spoken.Duration(later) + " after this look"
	case later < -fresh:
		return ", seen " + spoken.Duration(-later) + " before this look"
	}
	return ""
}
