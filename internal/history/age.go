package history

import (
	"time"

	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// bound is what looks say of the time a socket has been in its state: at least least, and when ended is true less than most.
type bound struct {
	least, most time.Duration
	ended       bool
}

// ages returns the ages of a namespace's sockets, nil when no earlier look read it. The looks come in descending order of time: a socket is followed back to the
// first one that shows it in another state, or not at all.
func ages(ns *look.Namespace, earlier []*look.Snapshot) []look.Age {
	bounds := make([]bound, len(ns.Sockets))
	seen := false
	for _, s := range earlier {
		before, at, read := readAt(s, ns.Inode)
		passed := ns.ReadAt.Sub(at)
		if !read || passed <= 0 {
			continue
		}
		seen = true
		states := make(map[tcp.Cookie]tcp.State, len(before.Sockets))
		for i := range before.Sockets {
			states[before.Sockets[i].Cookie] = before.Sockets[i].State
		}
		for i := range bounds {
			switch b := &bounds[i]; {
			case b.ended || !followed(&ns.Sockets[i]):
			case states[ns.Sockets[i].Cookie] == ns.Sockets[i].State:
				b.least = passed
			default:
				b.most, b.ended = passed, true
			}
		}
	}
	if !seen {
		return nil
	}
	list := make([]look.Age, len(bounds))
	for i := range list {
		list[i] = bounds[i].age(diagnose.Age(&ns.Sockets[i]))
	}
	return list
}

// followed reports whether a socket can be found again: by its cookie, which a stand-in without a full socket does not keep.
func followed(s *tcp.Socket) bool { return s.Cookie != 0 && !s.Mini() }

// age combines the bounds with what the socket's own facts say. Exact is an age known to a second, or to a hundredth of itself. Facts of its own that speak for a
// longer time than an earlier look without the socket allows win: a dump can miss a socket.
func (b bound) age(own look.Age) look.Age {
	missed := b.ended && own.Kind != look.AgeUnknown && own.Time > b.most+time.Second
	if b.ended && !missed && b.most-b.least <= max(time.Second, b.most/100) {
		return look.Age{Time: min(max(own.Time, b.least), b.most), Kind: look.AgeExact}
	}
	if missed || b.least == 0 || own.Kind == look.AgeAbout && own.Time >= b.least {
		return own
	}
	if own.Kind == look.AgeAtLeast {
		b.least = max(b.least, own.Time)
	}
	return look.Age{Time: b.least, Kind: look.AgeAtLeast}
}
