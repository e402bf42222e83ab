package diagnose

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// group is the sockets of one finding.
type group struct {
	rule    *rule
	netns   int // index into the snapshot's namespaces, -1 for findings about the host
	members []*subject
	// blamed are processes that are to blame beside those noted of the members.
	blamed []int
	// processes are the holders of the members, by pid, once describeHolders has run.
	processes []*look.Process
	// sorted and quality are the members' ages, once ages has run, in the room it was lent if there is any.
	sorted, room []time.Duration
	quality      look.AgeKind
}

// sockets returns the members; a finding that is not about sockets has no group and no members.
func (g *group) sockets() []*subject {
	if g == nil {
		return nil
	}
	return g.members
}

// holders returns one descriptor of each process that holds a member.
func (g *group) holders() (one []look.Holder) {
	seen := map[int]struct{}{}
	last := -1
	for i := range g.members {
		for nth := range g.members[i].holders() {
			h := g.members[i].holder(nth)
			if h.PID == last {
				continue // as a rule one process holds them all
			}
			last = h.PID
			if _, ok := seen[h.PID]; !ok {
				seen[h.PID] = struct{}{}
				one = append(one, h)
			}
		}
	}
	return one
}

func (g *group) count(is func(*subject) bool) int {
	n := 0
	for i := range g.members {
		if is(g.members[i]) {
			n++
		}
	}
	return n
}

func (g *group) sendQueue() (bytes uint64) {
	for i := range g.members {
		bytes += uint64(g.members[i].socket.SendQueue)
	}
	return bytes
}

func (g *group) maxCount() (n uint8) {
	for i := range g.members {
		n = max(n, g.members[i].socket.Timer.Count)
	}
	return n
}

// attempts says what was sent in vain: a probe of a closed window is no retransmission.
func (g *group) attempts() string {
	probing := g.count(func(s *subject) bool { return s.socket.Timer.Kind == tcp.TimerPersist })
	switch {
	case g.maxCount() == 0:
		return "sent again into closed windows, which the kernel does not count"
	case probing == 0:
		return fmt.Sprintf("retransmitted up to %d times", g.maxCount())
	case probing == len(g.members):
		return fmt.Sprintf("the closed windows were probed up to %d times", g.maxCount())
	}
	return fmt.Sprintf("retransmitted, or closed windows probed, up to %d times", g.maxCount())
}

func (g *group) minSilence() time.Duration {
	return g.silence(func(a, b time.Duration) bool { return a < b })
}
func (g *group) maxSilence() time.Duration {
	return g.silence(func(a, b time.Duration) bool { return a > b })
}

func (g *group) silence(better func(a, b time.Duration) bool) (d time.Duration) {
	for i := range g.members {
		if heard, ok := silent(g.members[i].socket); ok && (i == 0 || better(heard, d)) {
			d = heard
		}
	}
	return d
}

// minStall returns for how long none of the members could send payload.
func (g *group) minStall() (d time.Duration) {
	for i := range g.members {
		if since, ok := windowless(g.members[i].socket); ok && (i == 0 || since < d) {
			d = since
		}
	}
	return d
}

// ages returns the known ages in ascending order, and the worst of their kinds.
func (g *group) ages() ([]time.Duration, look.AgeKind) {
	if g.sorted != nil {
		return g.sorted, g.quality
	}
	g.sorted, g.quality = slices.Grow(g.room[:0], max(len(g.members), 1)), look.AgeExact
	for i := range g.members {
		s := g.members[i]
		switch {
		case s.ageKind == look.AgeUnknown:
			g.quality = look.AgeUnknown
			continue
		case g.quality != look.AgeUnknown && s.ageKind != look.AgeExact && g.quality != look.AgeAtLeast:
			g.quality = s.ageKind
		}
		g.sorted = append(g.sorted, s.age)
	}
	slices.Sort(g.sorted)
	if len(g.sorted) == 0 {
		g.quality = look.AgeUnknown
	}
	return g.sorted, g.quality
}

func (g *group) age() report.GroupAge {
	ages, kind := g.ages()
	if len(ages) == 0 {
		return report.GroupAge{Kind: kind.String()}
	}
	return report.GroupAge{
		OldestSeconds: report.SecondsOf(ages[len(ages)-1]), MedianSeconds: report.SecondsOf(ages[len(ages)/2]), Kind: kind.String(),
	}
}

// growth estimates from the ages how fast sockets are added that never leave: the arrivals in the younger half of the time since the oldest came. A
// burst long ago (a server restart) thus counts as no growth. Too few or too young sockets give nil.
func (g *group) growth() *report.Growth {
	const enough = 5
	ages, _ := g.ages()
	if len(ages) < enough || ages[len(ages)-1] < time.Minute {
		return nil
	}
	half := ages[len(ages)-1] / 2
	n, _ := slices.BinarySearch(ages, half)
	perMinute := float64(n) / half.Minutes()
	return &report.Growth{PerMinute: float64(int(perMinute*100)) / 100, Kind: "about"}
}

// ends sums up when the kernel ends the members.
func (g *group) ends(sc *scene) report.Ends {
	if len(g.members) == 0 {
		return report.Ends{Kind: "unknown"}
	}
	forecaster := sc.now.Forecaster(&sc.now.Namespaces[g.netns])
	first := forecaster.Ends(int(g.members[0].index))
	untimed := g.members[0].socket // as a rule no timer runs on any of them, and then the state decides
	for i := range g.members[1:] {
		s := g.members[i+1].socket
		if s.Timer.Kind == tcp.TimerNone && untimed.Timer.Kind == tcp.TimerNone && s.State == untimed.State {
			continue
		}
		next := forecaster.Ends(int(g.members[i+1].index))
		if next.Kind != first.Kind || next.By != first.By {
			return report.Ends{Kind: "unknown", Reason: "the sockets end in different ways: see closewait when"}
		}
		if next.Reason != first.Reason {
			first.Reason = "no kernel timer ends these sockets" // for reasons of their own
			if first.Kind == forecast.At {
				first.Reason = "the kernel ends these sockets when their timers fire"
			}
		}
		first.Best, first.Earliest, first.Latest = max(first.Best, next.Best), min(first.Earliest, next.Earliest), max(first.Latest, next.Latest)
	}
	return ReportEnds(first)
}

// peers counts the members' remote addresses, the busiest first, at most ten. The port is left out where it differs between the sockets of an address.
func (g *group) peers() []report.Peer {
	type tally struct {
		count int
		port  uint16
		same  bool
	}
	index := map[netip.Addr]*tally{}
	var last netip.Addr
	var t *tally
	for i := range g.members {
		peer := g.members[i].socket.Peer
		if t == nil || peer.Addr() != last {
			last = peer.Addr()
			t = index[last]
		}
		if t == nil {
			t = &tally{port: peer.Port(), same: true}
			index[last] = t
		}
		t.count++
		t.same = t.same && t.port == peer.Port()
	}
	peers := make([]report.Peer, 0, len(index))
	for addr, t := range index {
		p := report.Peer{Address: addr.String(), Count: t.count}
		if t.same {
			p.Port = &t.port
		}
		peers = append(peers, p)
	}
	slices.SortFunc(peers, func(a, b report.Peer) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Address, b.Address)) })
	return peers[:min(len(peers), 10)]
}

func (g *group) onePeer() *report.Endpoint {
	if peers := g.peers(); len(peers) == 1 && peers[0].Port != nil {
		return &report.Endpoint{Address: peers[0].Address, Port: *peers[0].Port}
	}
	return nil
}
