package diagnose

import (
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// AgeOf returns the age of the socket with an index in a namespace: what earlier looks tell where there are some, else what its own facts do.
func AgeOf(ns *look.Namespace, index int) look.Age {
	if ns.Ages != nil {
		return ns.Ages[index]
	}
	return Age(&ns.Sockets[index])
}

// counted is the growth of the number of sockets, in the state of the members, of the processes that hold them, as an earlier look and this one counted it; nil when
// nobody counted.
func (g *group) counted(sc *scene) *report.Growth {
	shared := func(s *subject) bool { return s.holders() != 1 } // would be counted for each of its holders
	if sc.now.Growths == nil || len(g.processes) == 0 || g.count(shared) > 0 {
		return nil
	}
	first, port := g.members[0], uint16(0)
	if first.listener != nil {
		port = first.socket.Local.Port()
	}
	perMinute := 0.0
	for _, p := range g.processes {
		for _, c := range sc.now.Growths {
			if c.PID == p.PID && c.State == first.socket.State && c.Port == port && c.Over > 0 {
				perMinute += float64(c.Now-c.Then) / c.Over.Minutes()
			}
		}
	}
	return &report.Growth{PerMinute: float64(int(perMinute*100)) / 100, Kind: "exact"}
}
