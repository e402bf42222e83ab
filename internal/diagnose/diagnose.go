package diagnose

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// listed is how many cookies a finding lists.
const listed = 20

// Verdicts is the outcome of a diagnosis.
type Verdicts struct {
	// Findings are the causes, most urgent first.
	Findings []report.Finding
	// finding gives the index into Findings for each socket of the snapshot that belongs to one.
	finding map[*tcp.Socket]int
}

// Of returns the finding a socket of the diagnosed snapshot belongs to, nil if it belongs to none. The socket must be the snapshot's own, not a copy.
func (v *Verdicts) Of(s *tcp.Socket) *report.Finding {
	if i, ok := v.finding[s]; ok {
		return &v.Findings[i]
	}
	return nil
}

// Run diagnoses a snapshot. later is the second look at the undecided sockets (see Undecided), taken a moment after; nil if there was none.
func Run(now *look.Snapshot, later []tcp.Socket) *Verdicts {
	sc := newScene(now, later)
	var made []draft
	for _, g := range sc.groups() {
		made = append(made, draft{g.complete(sc), g})
	}
	for _, f := range deadFDs(sc) {
		made = append(made, draft{finding: f})
	}
	slices.SortStableFunc(made, func(a, b draft) int { return moreUrgent(&a.finding, &b.finding) })
	v := &Verdicts{Findings: make([]report.Finding, len(made)), finding: map[*tcp.Socket]int{}}
	for i := range made {
		v.Findings[i] = made[i].finding
		v.Findings[i].ID = "f" + strconv.Itoa(i+1)
		if made[i].group != nil {
			for j := range made[i].group.members {
				v.finding[made[i].group.members[j].socket] = i
			}
		}
	}
	return v
}

// draft is a finding before it has its place.
type draft struct {
	finding report.Finding
	group   *group
}

func moreUrgent(a, b *report.Finding) int {
	rank := map[string]int{report.SeverityCritical: 0, report.SeverityWarning: 1, report.SeverityInfo: 2}
	return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
}

// groupKey is what the sockets of one finding share.
type groupKey struct {
	code     string
	netns    int
	owner    string
	server   bool
	together any
}

// groups offers every suspect to the rules and collects what they claim, in the order in which the groups first appear.
func (sc *scene) groups() []*group {
	all := rules()
	index := map[groupKey]*group{}
	var order []*group
	sc.each(func(netns int, s *tcp.Socket) {
		if s.State == tcp.Listen || s.State == tcp.FinWait2 || !Suspect(s) {
			return
		}
		subj := sc.subject(netns, s)
		r := claimant(all, sc, &subj)
		if r == nil {
			return
		}
		key := sc.keyOf(r, &subj)
		g := index[key]
		if g == nil {
			g = &group{rule: r, netns: netns}
			index[key], order = g, append(order, g)
		}
		g.members = append(g.members, subj)
	})
	return order
}

func (sc *scene) subject(netns int, s *tcp.Socket) subject {
	holders, known := sc.holders(s)
	return subject{netns: netns, socket: s, age: Age(s), holders: holders, known: known, listener: sc.listener(netns, s)}
}

func claimant(all []rule, sc *scene, s *subject) *rule {
	for i := range all {
		if all[i].claims(sc, s) {
			return &all[i]
		}
	}
	return nil
}

// keyOf groups by what people restart: the unit, container or pod, or else the very process.
func (sc *scene) keyOf(r *rule, s *subject) groupKey {
	key := groupKey{code: r.code, netns: s.netns, server: s.listener != nil}
	if len(s.holders) > 0 {
		if p := sc.now.Processes[s.holders[0].PID]; p != nil && p.Workload.Kind != look.KindProcess {
			key.owner = p.Workload.Kind.String() + " " + p.Workload.Cgroup
		} else {
			key.owner = "pid " + strconv.Itoa(s.holders[0].PID)
		}
	}
	if r.together != nil {
		key.together = r.together(s)
	}
	return key
}

// complete makes the group's finding.
func (g *group) complete(sc *scene) report.Finding {
	f := g.finding(sc)
	var holders []look.Holder
	for i := range g.members {
		holders = append(holders, g.members[i].holders...)
	}
	g.describeHolders(sc, &f, compactPIDs(holders))
	g.rule.describe(sc, g, &f)
	return f
}

func compactPIDs(holders []look.Holder) []look.Holder {
	slices.SortFunc(holders, func(a, b look.Holder) int { return a.PID - b.PID })
	return slices.CompactFunc(holders, func(a, b look.Holder) bool { return a.PID == b.PID })
}

// finding is the part of a finding that does not depend on the cause. Lists are empty, not nil: JSON shows them as [].
func (g *group) finding(sc *scene) report.Finding {
	f := report.Finding{
		Code: g.rule.code, Cause: g.rule.cause, Severity: report.SeverityWarning, Count: len(g.members),
		Processes: []report.Process{}, Peers: []report.Peer{}, Culprits: []report.Culprit{}, Evidence: []string{},
		Remedies: []report.Remedy{}, NotRemedies: []report.NotRemedy{}, Sockets: []string{}, Age: g.age(), Ends: g.ends(),
	}
	if g.netns >= 0 {
		netns := ReportNetns(&sc.now.Namespaces[g.netns])
		f.Netns = &netns
	}
	if len(g.members) == 0 {
		return f
	}
	f.Peers, f.Role, f.Local = g.peers(), g.role(), g.local()
	for i := range g.members[:min(len(g.members), listed)] {
		f.Sockets = append(f.Sockets, g.members[i].socket.Cookie.String())
	}
	return f
}

func (g *group) role() *string {
	switch {
	case g.rule.code == closingCode:
		return new("closing")
	case g.members[0].listener != nil:
		return new("server")
	}
	return new("client")
}

// closingCode is the code of the sockets that neither serve nor ask any more.
const closingCode = "CW204"

func (g *group) local() *report.Endpoint {
	first := g.members[0].socket.Local
	for i := range g.members {
		if g.members[i].socket.Local != first {
			return nil
		}
	}
	e := endpoint(first)
	return &e
}
