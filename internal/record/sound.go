package record

import (
	"math"

	"github.com/closewait/closewait/internal/look"
)

// mostHZ is beyond the ticks a second that any kernel is built with (CONFIG_HZ).
const mostHZ = 10_000

// sound holds what all who think about a look rely on, and no encoding guarantees.
func sound(s *look.Snapshot) error {
	if s.Clock.HZ < 0 || s.Clock.HZ > mostHZ {
		return damaged("the kernel's clock has %d ticks a second", s.Clock.HZ)
	}
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		if n.Blur != nil && len(n.Blur) != len(n.Sockets) || n.Ages != nil && len(n.Ages) != len(n.Sockets) {
			return damaged("something is said of other sockets than the %d there are", len(n.Sockets))
		}
		for _, age := range n.Ages {
			if age.Kind > look.AgeAbout {
				return damaged("an age of an unknown kind")
			}
		}
	}
	for pid, p := range s.Processes {
		if p == nil || p.PID != pid || pid <= 0 || pid > math.MaxInt32 {
			return damaged("process %d is not described", pid)
		}
		if p.Workload.Kind > look.KindPod {
			return damaged("process %d is of an unknown kind of workload", pid)
		}
	}
	return nil
}
