package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// readUnanswered reports whether the last data that came was read and not answered.
func readUnanswered(s *tcp.Socket) bool {
	in, _ := s.Info.Uint(tcp.DataSegsIn)
	return in > 0 && !untouched(s) && owes(s)
}

// outstanding returns, in ascending order, how long ago the last data came of the connections that a process has accepted and whose request was read and not answered.
func (sc *scene) outstanding(d *doing) []time.Duration {
	if d.outstanding == nil {
		type request struct {
			came  time.Duration
			inode uint32
		}
		var list []request
		for _, own := range d.process.Activity.Sockets {
			s := sc.socketOf(own.Inode)
			if s != nil && (s.State == tcp.Established || s.State == tcp.CloseWait) && readUnanswered(s) && sc.accepted(own.Inode) {
				came, _ := s.Info.Duration(tcp.LastDataRecv)
				list = append(list, request{came, own.Inode})
			}
		}
		slices.SortFunc(list, func(a, b request) int { return cmp.Or(cmp.Compare(a.came, b.came), cmp.Compare(a.inode, b.inode)) })
		d.outstanding = make([]time.Duration, 0, len(list))
		for _, r := range slices.Compact(list) { // of a connection that is a program's input and its output it has several descriptors
			d.outstanding = append(d.outstanding, r.came)
		}
	}
	return d.outstanding
}

// questions returns the connections on which a process has asked another and waits for the answer.
func (sc *scene) questions(pid int) (places []place) {
	p := sc.now.Processes[pid]
	for _, at := range sc.inState(p, tcp.Established) {
		s := sc.at(at)
		if s.RecvQueue > 0 || !asks(s) {
			continue
		}
		if _, connected := sc.origin(at.netns, s); connected && !sc.loops(at, p) {
			places = append(places, at)
		}
	}
	return places
}

// loops reports whether a process has the other end of a connection of its own as well.
func (sc *scene) loops(at place, p *look.Process) bool {
	end, here := sc.other(at.netns, sc.at(at))
	return here && slices.ContainsFunc(sc.now.Holders.Of(sc.at(end).Inode), func(h look.Holder) bool { return h.PID == p.PID })
}

// asks reports whether something was sent a while ago after the last that came. What only ever takes and never sends, as a collector of logs, was asked nothing.
func asks(s *tcp.Socket) bool {
	const few = 3 // segments of a first question
	in, counted := s.Info.Uint(tcp.DataSegsIn)
	out, _ := s.Info.Uint(tcp.DataSegsOut)
	sent, told := s.Info.Duration(tcp.LastDataSent)
	came, known := s.Info.Duration(tcp.LastDataRecv)
	if !counted || !told || !known || out == 0 || sent < fresh {
		return false
	}
	return in == 0 && out <= few || in > 0 && came > sent
}

// asking returns those questions of the programs of a group whose answers may be what its members wait for: nothing has come there since the data of most of them came. They share such a connection
// where requests are multiplexed, and wait for one where a pool has too few.
func (sc *scene) asking(g *group) (places []place) {
	var came []time.Duration
	for _, s := range g.members {
		if since, ok := s.socket.Info.Duration(tcp.LastDataRecv); ok && readUnanswered(s.socket) {
			came = append(came, since)
		}
	}
	if 2*len(came) <= len(g.members) {
		return nil
	}
	slices.Sort(came)
	for _, p := range g.processes {
		for _, at := range sc.questions(p.PID) {
			in, _ := sc.at(at).Info.Uint(tcp.DataSegsIn)
			if since, _ := sc.at(at).Info.Duration(tcp.LastDataRecv); in == 0 || since+within >= came[len(came)/2] {
				places = append(places, at)
			}
		}
	}
	return places
}

// askingEvidence names whom the programs have asked on the most of those connections.
func (sc *scene) askingEvidence(g *group) []string {
	places := sc.asking(g)
	if len(places) == 0 {
		return nil
	}
	counts := map[string]int{}
	for _, at := range places {
		counts[text(sc.at(at).Peer)]++
	}
	whom := slices.MaxFunc(slices.Sorted(maps.Keys(counts)), func(a, b string) int { return counts[a] - counts[b] })
	least := time.Duration(math.MaxInt64)
	for _, at := range places {
		if since, ok := stalled(sc.at(at)); ok && text(sc.at(at).Peer) == whom {
			least = min(least, since)
		}
	}
	return []string{fmt.Sprintf("the program has itself asked %s on %s and has had no answer for %s or longer: these may wait for that", whom, plural(counts[whom], "connection"), spoken.Duration(least))}
}
