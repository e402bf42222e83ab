package checkup

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// near reports whether 80 % of a limit are used.
func near(used, limit int64) bool { return limit > 0 && used >= limit/5*4 }

// route is what the ports of one range are counted for: the kernel gives the same local port to connections that differ in one of these.
type route struct {
	from netip.Addr
	to   tcp.Endpoint
}

// ports claims that 80 % of the ports that the kernel chooses from are taken by connections to one destination: connect() then fails with EADDRNOTAVAIL. Ports in TIME_WAIT do not count
// where the kernel takes them again (tcp_tw_reuse).
func ports(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	read := false
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		if n.Ports[1] == 0 {
			continue
		}
		read = true
		width := int64(n.Ports[1]) - int64(n.Ports[0]) + 1
		if near(int64(len(n.Sockets)), width) {
			found = append(found, crowded(n, width)...)
		}
	}
	if !read {
		skipped = "the range of local ports could not be read"
	}
	return found, skipped, ""
}

// crowded finds the destinations that take most of a range.
func crowded(n *look.Namespace, width int64) (found []report.Finding) {
	states := map[route]map[tcp.State]int{}
	taken := map[route]map[uint16]bool{}
	for i := range n.Sockets {
		s := &n.Sockets[i]
		if s.Peer.Port() == 0 || s.Local.Port() < n.Ports[0] || s.Local.Port() > n.Ports[1] || reused(n, s) {
			continue
		}
		r := route{s.Local.Addr().Unmap(), s.Peer.Unmap()}
		if taken[r] == nil {
			taken[r], states[r] = map[uint16]bool{}, map[tcp.State]int{}
		}
		taken[r][s.Local.Port()] = true
		states[r][s.State]++
	}
	routes := slices.SortedFunc(maps.Keys(taken), func(a, b route) int {
		return cmp.Or(cmp.Compare(len(taken[b]), len(taken[a])), a.to.AddrPort().Compare(b.to.AddrPort()), a.from.Compare(b.from))
	})
	for _, r := range routes {
		used := int64(len(taken[r]))
		if !near(used, width) {
			break
		}
		f := about(report.SeverityWarning, []string{
			fmt.Sprintf("%d of %d ports of ip_local_port_range (%d-%d) lead from %s to %s in %s", used, width, n.Ports[0], n.Ports[1], r.from, r.to, list([]string{nameOf(n)})),
		})
		for _, state := range slices.Sorted(maps.Keys(states[r])) {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%d of them are in %s", states[r][state], state))
		}
		port := r.to.Port()
		f.Count, f.Peers = int(used), []report.Peer{{Address: r.to.Addr().String(), Port: &port, Count: int(used)}}
		f.Ends.Reason = "each port is free when its connection ends, and after TIME_WAIT"
		found = append(found, f)
	}
	return found
}

// reused reports whether the kernel gives the port of a socket to the next connection: one in TIME_WAIT, with tcp_tw_reuse on (1), or on for loopback (2, the default since 4.19).
func reused(n *look.Namespace, s *tcp.Socket) bool {
	mode := n.Sysctls["tcp_tw_reuse"]
	return s.State == tcp.TimeWait && (mode == 1 || mode == 2 && s.Peer.Addr().Unmap().IsLoopback())
}

// memory claims that orphans or TCP's memory are near a limit of the host: above it the kernel resets orphans at once, and drops what it receives.
func memory(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	m := s.Memory
	if m == nil {
		return nil, "the memory of TCP was not read", ""
	}
	var evidence []string
	if near(m.Orphans, m.MaxOrphans) {
		evidence = append(evidence, fmt.Sprintf("%d sockets are orphans, tcp_max_orphans is %d", m.Orphans, m.MaxOrphans))
	}
	if m.Pressure > 0 && m.Pages >= m.Pressure || near(m.Pages, m.Limit) {
		evidence = append(evidence, fmt.Sprintf("TCP uses %d pages; from %d on the kernel saves, above %d it refuses (tcp_mem)", m.Pages, m.Pressure, m.Limit))
	}
	return single(report.SeverityWarning, evidence), "", fmt.Sprintf("%d of %d orphans, %d of %d pages", m.Orphans, m.MaxOrphans, m.Pages, m.Limit)
}

// overflow would claim that an accept queue overflowed since the last look. One look knows only of the time since boot: none then is an answer.
func overflow(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	total, read := int64(0), false
	for i := range s.Namespaces {
		if n := s.Namespaces[i].Overflows; n != nil {
			total, read = total+*n, true
		}
	}
	switch {
	case !read:
		return nil, "the counters of overflows were not read", ""
	case total > 0:
		return nil, fmt.Sprintf("overflows since boot: %d; whether any is new takes an earlier look", total), ""
	}
	return nil, "", "none since boot"
}
