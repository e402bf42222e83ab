package diagnose

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// probeDrips makes a finding for each address that keeps connecting without sending anything, at regular intervals, and so feeds another finding: health checks, scanners.
//
// Needs: what was received and the ages. Claims: nothing but a FIN came on at least five of its connections, and most of the intervals between them are alike. Refuted by intervals
// that differ. The sockets belong to the finding that is fed: this one only says where they come from.
func probeDrips(g *group, fed *report.Finding) (findings []report.Finding) {
	for addr, members := range silentByAddr(g.sockets()) {
		interval, ok := regular(members)
		if !ok {
			continue
		}
		drip := &group{rule: &rule{code: codeProbeDrip, cause: "probe_drip"}, netns: g.netns, members: members, processes: g.processes}
		f := report.Finding{
			Code: codeProbeDrip, Cause: "probe_drip", Severity: report.SeverityInfo, Count: len(members), Netns: fed.Netns, Workload: fed.Workload, Processes: fed.Processes,
			Role: fed.Role, Local: drip.local(), Peers: drip.peers(), Culprits: []report.Culprit{}, Ends: fed.Ends, Age: drip.age(),
			Remedies: []report.Remedy{}, NotRemedies: []report.NotRemedy{}, Sockets: []string{},
			Evidence: []string{fmt.Sprintf("%s has sent no data on %s, one every %s", addr, plural(len(members), "connection"), short(interval))},
		}
		f.Growth = &report.Growth{PerMinute: float64(int(6000/interval.Seconds())) / 100, Kind: "about"}
		findings = append(findings, f)
	}
	order := func(a, b report.Finding) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Peers[0].Address, b.Peers[0].Address))
	}
	slices.SortFunc(findings, order)
	return findings
}

// silentByAddr returns those accepted connections on which nothing but a FIN came, by the peer's address.
func silentByAddr(sockets []*subject) map[netip.Addr][]*subject {
	byAddr := map[netip.Addr][]*subject{}
	var run []*subject // of one address
	var last netip.Addr
	for _, s := range sockets {
		in, known := s.socket.Info.Uint(tcp.DataSegsIn)
		if s.listener == nil || s.socket.State != tcp.CloseWait || !known || in > 0 || s.age.Kind == look.AgeUnknown {
			continue
		}
		if addr := s.socket.Peer.Addr().Unmap(); addr != last {
			byAddr[last] = run
			run, last = byAddr[addr], addr
		}
		run = append(run, s)
	}
	byAddr[last] = run
	return byAddr
}

// regular returns the usual interval between connections, when most are like it.
func regular(members []*subject) (time.Duration, bool) {
	const enough = 5
	if len(members) < enough {
		return 0, false
	}
	ages := make([]time.Duration, len(members))
	for i := range members {
		ages[i] = members[i].age.Time
	}
	slices.Sort(ages)
	gaps := make([]time.Duration, 0, len(ages))
	for i := 1; i < len(ages); i++ {
		gaps = append(gaps, ages[i]-ages[i-1])
	}
	slices.Sort(gaps)
	usual := gaps[len(gaps)/2]
	alike := 0
	for _, gap := range gaps {
		if (gap - usual).Abs() <= usual*3/10 {
			alike++
		}
	}
	return usual, usual >= 20*time.Millisecond && 3*alike >= 2*len(gaps)
}
