package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// carried is how many sockets a program has at most whose connections are looked at for a tunnel.
const carried = 4096

// tunnels are the legs of connections that pass two programs of this host, which have one connection between them for many, or one for each: the closed leg is of one of them, the open one of the other. The
// open leg was shut down when the end of the closed one came.
func (sc *scene) tunnels() *pairing {
	if sc.tunnel != nil {
		return sc.tunnel
	}
	sc.tunnel = newPairing()
	shut, ended := sc.endings()
	carriers := map[uint32]carrier{} // the connections of those that have got an end
	for pid := range ended {
		if _, open := shut[pid]; len(shut) == 0 || open && len(shut) == 1 {
			continue // nobody else passes it on
		}
		sc.carry(pid, func(own look.Descriptor, _ place) { carriers[own.Inode] = carrier{pid, int(own.FD)} })
	}
	if len(carriers) == 0 {
		return sc.tunnel
	}
	pids := make([]int, 0, len(shut))
	for pid := range shut {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	for _, far := range pids {
		seen := map[int]bool{}
		sc.carry(far, func(_ look.Descriptor, at place) {
			other, here := sc.other(at.netns, sc.at(at))
			if !here {
				return
			}
			if c, known := carriers[sc.at(other).Inode]; known && c.pid != far && !seen[c.pid] {
				seen[c.pid] = true
				sc.joinEnds(c, ended[c.pid], far, shut[far])
			}
		})
	}
	return sc.tunnel
}

// carrier is a connection between two programs, as one of them has it.
type carrier struct{ pid, fd int }

// endings are, by holder, the sockets that a program has shut down, and those whose end it has read.
func (sc *scene) endings() (shut, ended map[int][]place) {
	shut, ended = map[int][]place{}, map[int][]place{}
	suspects := sc.suspects()
	for i := range suspects {
		s := &suspects[i]
		if !s.held() {
			continue
		}
		switch pid := s.holder(0).PID; {
		case s.socket.State == tcp.FinWait2 && sc.pairing(pid).closed[s.socket] == nil:
			shut[pid] = append(shut[pid], s.place)
		case s.socket.State == tcp.CloseWait && s.socket.RecvQueue == 0 && sc.pairing(pid).open[s.socket] == nil:
			ended[pid] = append(ended[pid], s.place)
		}
	}
	return shut, ended
}

// carry calls with the connections of a process that may carry others.
func (sc *scene) carry(pid int, with func(look.Descriptor, place)) {
	p := sc.now.Processes[pid]
	if p == nil || p.Activity == nil || len(p.Activity.Sockets) > carried {
		return
	}
	for own, at := range sc.inState(p, tcp.Established) {
		with(own, at)
	}
}

// joinEnds pairs what ended at one program with what another has shut down, to which it has a connection.
func (sc *scene) joinEnds(near carrier, ended []place, far int, shut []place) {
	held := func(pid int) map[uint32]int {
		fds := map[uint32]int{}
		for _, own := range sc.now.Processes[pid].Activity.Sockets {
			fds[own.Inode] = int(own.FD)
		}
		return fds
	}
	skew := time.Duration(0)
	for _, at := range ended {
		skew = max(skew, min(sc.now.Namespaces[at.netns].ReadFor, time.Second))
	}
	m := sameMoment
	m.distance += uint64(skew)
	before := len(sc.tunnel.legs)
	sc.tunnel.match(sc.legs(ended, held(near.pid)), sc.legs(shut, held(far)), m)
	for _, l := range sc.tunnel.legs[before:] {
		l.behind, l.through = far, near.fd
	}
}
