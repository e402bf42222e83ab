package diagnose

import (
	"iter"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// stderr is the last of the descriptors that a program is given for its messages: behind them is who collects those.
const stderr = 2

// belongings are the sockets that a process has beside those in CLOSE_WAIT, of which there may be a hundred thousand.
type belongings struct {
	others    []spot
	strangers []look.Descriptor // sockets that are none of TCP, each once, but for those of its messages
}

// spot is where a socket of a process stands in the snapshot, and which of its descriptors that is.
type spot struct {
	place
	nth int32
}

// belongingsOf is looked for once: nothing of it changes when more becomes known of the processes.
func (sc *scene) belongingsOf(p *look.Process) *belongings {
	if p == nil || p.Activity == nil {
		return &belongings{}
	}
	if b := sc.belongings[p.PID]; b != nil {
		return b
	}
	b := &belongings{}
	seen := map[uint32]bool{}
	for i, own := range p.Activity.Sockets {
		at, ok := sc.placeOf(own.Inode)
		switch {
		case !ok:
			if own.FD > stderr && !seen[own.Inode] {
				seen[own.Inode] = true
				b.strangers = append(b.strangers, own)
			}
		case sc.at(at).State != tcp.CloseWait:
			b.others = append(b.others, spot{at, int32(i)})
		}
	}
	sc.belongings[p.PID] = b
	return b
}

// inState yields the sockets that a process has in one of some states, as far as is known. CLOSE_WAIT is asked for alone.
func (sc *scene) inState(p *look.Process, states ...tcp.State) iter.Seq2[look.Descriptor, place] {
	return func(yield func(look.Descriptor, place) bool) {
		if p == nil || p.Activity == nil {
			return
		}
		if states[0] != tcp.CloseWait {
			for _, s := range sc.belongingsOf(p).others {
				if slices.Contains(states, sc.at(s.place).State) && !yield(p.Activity.Sockets[s.nth], s.place) {
					return
				}
			}
			return
		}
		for _, own := range p.Activity.Sockets {
			if at, ok := sc.placeOf(own.Inode); ok && sc.at(at).State == tcp.CloseWait && !yield(own, at) {
				return
			}
		}
	}
}
