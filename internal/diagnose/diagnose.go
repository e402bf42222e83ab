package diagnose

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/remedies"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// listed is how many cookies a finding lists.
const listed = 20

// Verdicts is the outcome of a diagnosis. It is not safe for concurrent use.
type Verdicts struct {
	// Findings are the causes, most urgent first.
	Findings []report.Finding
	// groups are the sockets of each finding; nil for one that is not about sockets.
	groups []*group
	// finding gives the index into Findings for each socket that belongs to one. It is made when it is first asked for.
	finding map[*tcp.Socket]int
}

// Of returns the finding a socket of the diagnosed snapshot belongs to, nil if it belongs to none. The socket must be the snapshot's own, not a copy.
func (v *Verdicts) Of(s *tcp.Socket) *report.Finding {
	if v.finding == nil {
		v.finding = map[*tcp.Socket]int{}
		for i, g := range v.groups {
			for j := range g.sockets() {
				v.finding[g.members[j].socket] = i
			}
		}
	}
	if i, ok := v.finding[s]; ok {
		return &v.Findings[i]
	}
	return nil
}

// Diagnosis is a diagnosis in the making. While a look goes on it is asked several times about the same sockets, and keeps what it has found out about them. The zero value
// is ready; it is not safe for concurrent use.
type Diagnosis struct{ scene *scene }

// on returns the scene of a snapshot of which more may be known by now.
func (d *Diagnosis) on(now *look.Snapshot, later []tcp.Socket) *scene {
	if d.scene == nil || d.scene.now != now {
		d.scene = newScene(now, later)
	} else {
		d.scene.renew(later)
	}
	return d.scene
}

// Run diagnoses a snapshot by itself, see Diagnosis.Run.
func Run(now *look.Snapshot, later []tcp.Socket) *Verdicts { return new(Diagnosis).Run(now, later) }

// Run diagnoses a snapshot, as a rule the one that Inquire was asked about: its sockets are then still the same, and still where they were. later is the second look at the
// undecided sockets (see Undecided), taken a moment after; nil if there was none.
func (d *Diagnosis) Run(now *look.Snapshot, later []tcp.Socket) *Verdicts {
	return verdicts(d.on(now, later))
}

// verdicts judges the scenes of one or several hosts together.
func verdicts(scenes ...*scene) *Verdicts {
	var made []draft
	for _, sc := range scenes {
		made = append(made, sc.drafts()...)
	}
	made = chained(made)
	for i := range made {
		sc := made[i].scene
		for _, f := range sc.probeDrips(made[i].group, &made[i].finding) {
			made = append(made, draft{scene: sc, finding: f, feeds: i + 1})
		}
	}
	for i := range made {
		d := &made[i]
		if d.scene.host != "" {
			d.finding.Host = &d.scene.host
		}
	}
	return number(made)
}

// drafts are the findings about one host, each by itself.
func (sc *scene) drafts() (made []draft) {
	for _, g := range sc.groups() {
		made = append(made, draft{scene: sc, finding: g.complete(sc), group: g})
	}
	for _, f := range deadFDs(sc) {
		made = append(made, draft{scene: sc, finding: f})
	}
	for _, f := range fdLimits(sc, made) {
		made = append(made, draft{scene: sc, finding: f})
	}
	return made
}

// draft is a finding before it has its place.
type draft struct {
	scene   *scene
	finding report.Finding
	group   *group
	// causedBy and feeds are the positions, from 1, of the drafts that explain this one and that it feeds; 0 for none.
	causedBy, feeds int
}

// number puts the findings in order, the most urgent first and each cause before what it explains, and makes references of positions.
func number(made []draft) *Verdicts {
	order := make([]int, len(made))
	depth := make([]int, len(made))
	for i := range made {
		order[i] = i
		for j := made[i].causedBy; j != 0; j = made[j-1].causedBy {
			depth[i]++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		f, g := &made[a].finding, &made[b].finding
		return cmp.Or(cmp.Compare(rank(f.Severity), rank(g.Severity)), cmp.Compare(depth[a], depth[b]), cmp.Compare(g.Count, f.Count), cmp.Compare(f.Code, g.Code))
	})
	ids := make([]string, len(made)+1)
	for place, i := range order {
		ids[i+1] = "f" + strconv.Itoa(place+1)
	}
	v := &Verdicts{}
	for _, i := range order {
		d := &made[i]
		d.finding.ID = ids[i+1]
		if d.causedBy != 0 {
			d.finding.CausedBy = &ids[d.causedBy]
		}
		if d.feeds != 0 {
			d.finding.Feeds = &ids[d.feeds]
		}
		remedies.Advise(&d.finding, d.scene.now.Processes) // it tells of other findings by their ids
		v.Findings, v.groups = append(v.Findings, d.finding), append(v.groups, d.group)
	}
	return v
}

// groupKey is what the sockets of one finding share.
type groupKey struct {
	rule, netns, owner int
	server, perhaps    bool
	together           uint64
}

// groups offers every suspect to the rules and collects what they claim, in the order in which the groups first appear.
func (sc *scene) groups() []*group {
	all := rules()
	byKey := map[groupKey]int{}
	var order []*group
	var counts []int // of members, by group
	var last groupKey
	n := -1 // the group of the last key
	suspects := sc.suspects()
	for i := range suspects {
		subj := &suspects[i]
		rule := claimant(all, sc, subj)
		if rule < 0 {
			continue
		}
		key := groupKey{rule: rule, netns: int(subj.netns), owner: sc.owners.of(subj), server: subj.listener != nil, perhaps: subj.half == perhaps}
		if all[rule].together != nil {
			key.together = all[rule].together(sc, subj)
		}
		if n < 0 || key != last {
			var known bool
			if n, known = byKey[key]; !known {
				n = len(order)
				byKey[key], order, counts = n, append(order, &group{rule: &all[rule], netns: int(subj.netns)}), append(counts, 0)
			}
			last = key
		}
		counts[n]++
		subj.draft = int32(n) + 1 // each group becomes the draft with its number
	}
	for i := range suspects {
		if n := suspects[i].draft - 1; n >= 0 {
			g := order[n]
			if g.members == nil {
				g.members = make([]*subject, 0, counts[n])
			}
			g.members = append(g.members, &suspects[i])
		}
	}
	return order
}

func (sc *scene) subject(netns, index int32, s *tcp.Socket) subject {
	age := sc.ageOf(netns, index, s)
	subj := subject{place: place{netns, index}, socket: s, age: age.Time, ageKind: age.Kind}
	sc.join(&subj)
	subj.moved = sc.moved(s)
	return subj
}

// join joins to a socket what is known of it by now.
func (sc *scene) join(s *subject) {
	known := true // if no file refers to it
	if s.socket.Inode != 0 {
		sc.holding = sc.now.Holders.Append(sc.holding[:0], s.socket.Inode)
		s.hold(sc.lasting(sc.holding))
		known = len(sc.holding) > 0 || sc.now.Sought(s.socket)
	}
	var connected bool
	s.listener, connected = sc.origin(s.netns, s.socket)
	s.joined = 0
	s.joined.set(allHolders, known)
	s.joined.set(madeHere, connected)
	s.joined.set(shared, s.listener != nil && len(sc.sharing(s.netns, s.socket.Local)) > 1)
}

// claimant returns the index of the rule that claims the socket, -1 if none does.
func claimant(all []rule, sc *scene, s *subject) int {
	for i := range all {
		if all[i].claims(sc, s) {
			return i
		}
	}
	return -1
}

// ownerIndex numbers the owners of sockets: what people restart, which is the unit, container or pod, or else the program. 0 is unknown.
type ownerIndex struct {
	scene  *scene
	byName map[string]int
}

func (o *ownerIndex) of(s *subject) int {
	pid := s.blamed()
	if pid == 0 && s.held() {
		pid = s.holder(0).PID
	}
	if pid == 0 {
		return 0
	}
	d := o.scene.doing(pid)
	if d.owner == 0 {
		name := o.scene.program(pid)
		if p := o.scene.now.Processes[pid]; p != nil && p.Workload.Kind != look.KindProcess {
			name = p.Workload.Kind.String() + " " + p.Workload.Cgroup
		}
		n, known := o.byName[name]
		if !known {
			n = len(o.byName) + 1
			o.byName[name] = n
		}
		d.owner = n
	}
	return d.owner
}

// program names the program a process belongs to: that of its parent when it was forked and has executed nothing since, as the workers of a server are, and one with its brothers that
// were started by the same command, as the services of inetd are, also where each was started by a process of its own. A parent that has died is still known by the process group it left.
func (sc *scene) program(pid int) string { return sc.programOf(pid, maxDepth) }

func (sc *scene) programOf(pid, depth int) string {
	const init = 1
	for ; depth > 0; depth-- {
		p := sc.now.Processes[pid]
		if p == nil {
			break
		}
		parent := p.PPID
		if parent <= init {
			parent = p.Group
		}
		if parent == 0 || parent == pid {
			break
		}
		if p.Activity == nil || len(p.Activity.Threads) == 0 || p.Activity.Executed {
			if p.Cmdline != "" {
				return "child " + sc.programOf(parent, depth-1) + " " + p.Cmdline
			}
			break
		}
		pid = parent
	}
	return "pid " + strconv.Itoa(pid)
}

// complete makes the group's finding.
func (g *group) complete(sc *scene) report.Finding {
	g.room, sc.times = sc.times, nil // lent: nobody else writes there until the group is done
	f := g.finding(sc)
	g.describeHolders(sc, &f, g.holders(), g.count(func(s *subject) bool { return !s.known() }) == 0)
	g.rule.describe(sc, g, &f)
	g.perhapsWaited(sc, &f)
	sc.times, g.sorted, g.room = g.sorted, nil, nil
	return f
}

// finding is the part of a finding that does not depend on the cause. Lists are empty, not nil: JSON shows them as [].
func (g *group) finding(sc *scene) report.Finding {
	f := report.Finding{
		Code: g.rule.code, Cause: g.rule.cause, Severity: report.SeverityWarning, Count: len(g.members),
		Processes: []report.Process{}, Peers: []report.Peer{}, Culprits: []report.Culprit{}, Evidence: []string{},
		Sockets: []string{}, Age: g.age(), Ends: g.ends(sc),
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
	case g.rule.code == codeClosing:
		return new("closing")
	case g.members[0].listener != nil:
		return new("server")
	case g.members[0].connected():
		return new("client")
	}
	return nil // of a listener that is gone, or of a client that chose its port
}

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
