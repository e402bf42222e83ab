package look

import (
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// Forecaster forecasts the ends of a namespace's sockets with all that the look knows of them: beyond the socket itself, whether its other end is still there.
type Forecaster struct {
	model     forecast.Model
	limits    forecast.Limits // before the changes
	changes   []forecast.Change
	snapshot  *Snapshot
	namespace *Namespace
	tuples    map[tcp.Tuple]struct{} // of the sockets on loopback addresses, once they were asked for
}

// Forecaster returns what forecasts the ends of a namespace's sockets, after changes of settings if there are any.
func (s *Snapshot) Forecaster(n *Namespace, changes ...forecast.Change) *Forecaster {
	model := s.Model(n)
	return &Forecaster{model: model.If(changes...), limits: model.Limits, changes: changes, snapshot: s, namespace: n}
}

// Ends forecasts the end of the socket with index i in the namespace. Times count from Snapshot.TakenAt.
func (f *Forecaster) Ends(i int) forecast.Ends {
	at, doubt := f.namespace.readAt(i)
	if doubt != f.namespace.ReadFor {
		f.model.Clock = f.snapshot.Clock.read(at, doubt)
	}
	return f.ends(i).Later(apart(f.snapshot.TakenAt, at))
}

// ends counts from the moment the socket was read.
func (f *Forecaster) ends(i int) forecast.Ends {
	s := &f.namespace.Sockets[i]
	var blur time.Duration
	if f.namespace.Blur != nil {
		blur = f.namespace.Blur[i]
	}
	f.model.Rough = blur
	if f.namespace.Pasted && s.Inode >= 1<<31 && tcp.SetOf(tcp.FinWait1, tcp.Closing, tcp.LastAck).Has(s.State) {
		orphan := *s
		orphan.Inode = 0
		return either(f.model.Ends(s), f.model.Ends(&orphan)).Blurred(blur)
	}
	var own *Options
	if o, asked := f.namespace.Options[s.Cookie]; asked {
		own = &o
	}
	return f.Passing(s, own, (s.Timer.Kind == tcp.TimerKeepalive || f.model.Options.Keepalive.Value) && f.forgotten(s)).Blurred(blur)
}

// Passing forecasts the end of a socket that need not be in the namespace's list, from its own options if they are known, and from whether its peer's end is known not
// to exist any more. Times count from when it was read.
func (f *Forecaster) Passing(s *tcp.Socket, own *Options, forgotten bool) forecast.Ends {
	hop, waits := f.namespace.Neighbours[s.Cookie]
	if own == nil && !forgotten && !waits {
		return f.model.Ends(s)
	}
	options := f.model.Options
	if own != nil {
		options = f.options(own)
		options.Elapsed = own.elapsed(s)
	}
	options.PeerForgot, options.Neighbour = forgotten, forecast.Setting[Neighbour]{Value: hop, Known: waits}
	return f.model.EndsKnowing(s, &options)
}

// options joins what a socket says of itself with the changes that are tried out, which count for more.
func (f *Forecaster) options(own *Options) forecast.Options {
	changed := f.model
	changed.Options = own.apart(&f.limits)
	return changed.If(f.changes...).Options
}

// forgotten reports whether the peer's end does not exist any more. That is certain for loopback addresses, whose other end can only be in the same
// namespace's tables, where these are whole; a pasted text may be cut.
func (f *Forecaster) forgotten(s *tcp.Socket) bool {
	if f.namespace.Partial || f.namespace.Pasted || !s.Peer.Addr().Unmap().IsLoopback() {
		return false
	}
	if f.tuples == nil {
		f.tuples = map[tcp.Tuple]struct{}{}
		for i := range f.namespace.Sockets {
			if t := f.namespace.Sockets[i].Tuple(); t.Peer.Addr().IsLoopback() {
				f.tuples[t] = struct{}{}
			}
		}
	}
	_, there := f.tuples[s.Tuple().Reverse()]
	return !there
}

// either is what can be said of a socket that may or may not have an owner: other limits hold for orphans.
func either(held, orphan forecast.Ends) forecast.Ends {
	if held.Kind != forecast.At || orphan.Kind != forecast.At {
		if held.Kind != orphan.Kind {
			return forecast.Ends{Reason: "the text does not show whether a program still holds the socket, and other limits hold for orphans"}
		}
		return held
	}
	ends := held
	ends.Earliest, ends.Latest = min(held.Earliest, orphan.Earliest), max(held.Latest, orphan.Latest)
	if orphan.Best != held.Best {
		ends.Also = orphan.Best
	}
	return ends
}
