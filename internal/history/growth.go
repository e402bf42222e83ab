package history

import (
	"cmp"
	"maps"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// growths counts the sockets of each process of now, by state and listener, in both looks. Only looks that saw all holders can tell.
func growths(now, then *look.Snapshot) []look.Growth {
	over := now.TakenAt.Sub(then.TakenAt)
	after, knownAfter := counts(now)
	before, knownBefore := counts(then)
	if !knownAfter || !knownBefore || over <= 0 {
		return nil
	}
	var list []look.Growth
	for _, key := range slices.SortedFunc(maps.Keys(after), compare) {
		g := look.Growth{PID: key.pid, State: key.state, Port: key.port, Now: after[key], Over: over}
		if same(now.Processes[key.pid], then.Processes[key.pid]) {
			g.Then = before[key]
		}
		list = append(list, g)
	}
	return list
}

// same reports whether two looks saw one process and not two with the same number.
func same(a, b *look.Process) bool { return a != nil && b != nil && a.StartTicks == b.StartTicks }

// owned are the sockets of a process in a state: those that came through a listener by its port, which is 0 for the others.
type owned struct {
	pid   int
	state tcp.State
	port  uint16
}

func compare(a, b owned) int {
	return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.state, b.state), cmp.Compare(a.port, b.port))
}

// counts counts the sockets of every process. known is false when somebody's holders were not looked for, or could not be read.
func counts(s *look.Snapshot) (n map[owned]int, known bool) {
	var holders []look.Holder
	n = map[owned]int{}
	for i := range s.Namespaces {
		ns := &s.Namespaces[i]
		listening := map[uint16]bool{}
		for j := range ns.Sockets {
			if k := &ns.Sockets[j]; k.State == tcp.Listen {
				listening[k.Local.Port()] = true
			}
		}
		for j := range ns.Sockets {
			k := &ns.Sockets[j]
			if k.Inode == 0 {
				continue
			}
			if !s.Sought(k) {
				return nil, false
			}
			key := owned{state: k.State}
			if listening[k.Local.Port()] {
				key.port = k.Local.Port()
			}
			last := 0
			holders = s.Holders.Append(holders[:0], k.Inode)
			for _, h := range holders {
				if key.pid = h.PID; h.PID != last { // in ascending order: a process with two descriptors of a socket has one socket
					n[key]++
				}
				last = h.PID
			}
		}
	}
	return n, true
}
