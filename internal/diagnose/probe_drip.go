package diagnose

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// probeDrips makes a finding for each address that keeps connecting without sending anything, at regular intervals, and so feeds another finding: health checks, scanners.
//
// Needs: what was received and the ages. Claims: nothing but a FIN came on at least five of its connections, and most of the intervals between them are alike. Refuted by intervals
// that differ. The sockets belong to the finding that is fed: this one only says where they come from.
func (sc *scene) probeDrips(g *group, fed *report.Finding) (findings []report.Finding) {
	for addr, members := range silentByAddr(g.sockets()) {
		interval, ok := regular(members, sc.times)
		if !ok {
			continue
		}
		drip := &group{rule: &rule{code: codeProbeDrip, cause: "probe_drip"}, netns: g.netns, members: members, processes: g.processes, room: sc.times}
		f := report.Finding{
			Code: codeProbeDrip, Cause: "probe_drip", Severity: report.SeverityInfo, Count: len(members), Netns: fed.Netns, Workload: fed.Workload, Processes: fed.Processes,
			Role: fed.Role, Local: drip.local(), Peers: drip.peers(), Culprits: []report.Culprit{}, Ends: fed.Ends, Age: drip.age(),
			Remedies: []report.Remedy{}, NotRemedies: []report.NotRemedy{}, Sockets: []string{},
			Evidence: []string{fmt.Sprintf("%s has sent no data on %s, one every %s", addr, plural(len(members), "connection"), spoken.Duration(interval))},
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

// Fewer connections tell of no interval, nor do those that come closer after each other.
const enoughProbes, leastInterval = 5, 20 * time.Millisecond

// probes are the accepted connections from one address on which nothing but a FIN came.
type probes struct {
	count            int
	youngest, oldest time.Duration
	members          []*subject
}

// apart reports whether they can be at intervals: of the gaps between them at least half are no smaller than the usual one. There may be a million to put in order, which come too fast for that.
func (f *probes) apart() bool {
	return f.count >= enoughProbes && f.oldest-f.youngest >= time.Duration(f.count/2)*leastInterval
}

// silentByAddr returns those accepted connections on which nothing but a FIN came, and which may be at intervals, by the peer's address.
func silentByAddr(sockets []*subject) map[netip.Addr][]*subject {
	byAddr := map[netip.Addr]*probes{}
	each := func(visit func(*probes, *subject)) {
		var from *probes
		var last netip.Addr
		for _, s := range sockets {
			in, known := s.socket.Info.Uint(tcp.DataSegsIn)
			if s.listener == nil || s.socket.State != tcp.CloseWait || !known || in > 0 || s.ageKind == look.AgeUnknown {
				continue
			}
			if addr := s.socket.Peer.Addr().Unmap(); addr != last {
				from, last = byAddr[addr], addr
				if from == nil {
					from = &probes{}
					byAddr[addr] = from
				}
			}
			visit(from, s)
		}
	}
	each(func(from *probes, s *subject) {
		if from.count++; from.count == 1 {
			from.youngest = s.age
		}
		from.youngest, from.oldest = min(from.youngest, s.age), max(from.oldest, s.age)
	})
	each(func(from *probes, s *subject) {
		switch {
		case !from.apart():
			return
		case from.members == nil:
			from.members = make([]*subject, 0, from.count)
		}
		from.members = append(from.members, s)
	})
	members := map[netip.Addr][]*subject{}
	for addr, from := range byAddr {
		if from.members != nil {
			members[addr] = from.members
		}
	}
	return members
}

// regular returns the usual interval between several connections, when most are like it. It works in the room it is given.
func regular(members []*subject, room []time.Duration) (time.Duration, bool) {
	gaps := room[:0]
	for _, s := range members {
		gaps = append(gaps, s.age)
	}
	slices.Sort(gaps)
	for i := range gaps[1:] {
		gaps[i] = gaps[i+1] - gaps[i]
	}
	gaps = gaps[:len(gaps)-1]
	slices.Sort(gaps)
	usual := gaps[len(gaps)/2]
	alike := 0
	for _, gap := range gaps {
		if (gap - usual).Abs() <= usual*3/10 {
			alike++
		}
	}
	return usual, usual >= leastInterval && 3*alike >= 2*len(gaps)
}
