package look

import (
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// Forecaster forecasts the ends of a namespace's sockets with all that the look knows of them: beyond the socket itself, whether its other end is still there.
type Forecaster struct {
	model     forecast.Model
	namespace *Namespace
	tuples    map[tcp.Tuple]struct{} // of the sockets on loopback addresses, once they were asked for
}

// Forecaster returns what forecasts the ends of a namespace's sockets, after changes of settings if there are any.
func (s *Snapshot) Forecaster(n *Namespace, changes ...forecast.Change) *Forecaster {
	model := s.Model(n)
	if len(changes) > 0 {
		model = model.If(changes...)
	}
	return &Forecaster{model: model, namespace: n}
}

// Ends forecasts the end of the socket with index i in the namespace.
func (f *Forecaster) Ends(i int) forecast.Ends {
	s := &f.namespace.Sockets[i]
	var blur time.Duration
	if f.namespace.Blur != nil {
		blur = f.namespace.Blur[i]
	}
	if s.Timer.Kind == tcp.TimerKeepalive && f.forgotten(s) {
		options := f.model.Options
		options.PeerForgot = true
		return f.model.EndsKnowing(s, &options).Blurred(blur)
	}
	return f.model.Ends(s).Blurred(blur)
}

// forgotten reports whether the peer's end does not exist any more. That is certain for loopback addresses, whose other end can only be in the same
// namespace's tables; a pasted text may be cut.
func (f *Forecaster) forgotten(s *tcp.Socket) bool {
	if f.namespace.Pasted || !s.Peer.Addr().Unmap().IsLoopback() {
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
