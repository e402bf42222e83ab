package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// chain finds which findings explain others, by following each blocked connection to its other end, where a look shows that.
type chain struct {
	drafts []draft
	byPID  map[processKey][]int // the drafts that blame a process
}

// processKey is a process of one of several hosts.
type processKey struct {
	scene *scene
	pid   int
}

func chained(drafts []draft) []draft {
	c := &chain{drafts: drafts, byPID: map[processKey][]int{}}
	for i := range drafts {
		c.index(i)
	}
	for i := 0; i < len(c.drafts); i++ { //nolint:intrange // it grows while causes are found that have no sockets of their own
		c.explain(i)
	}
	c.full()
	c.handlers()
	c.raise()
	return c.drafts
}

func (c *chain) index(i int) {
	d := &c.drafts[i]
	for _, s := range d.group.sockets() {
		s.draft = int32(i) + 1
	}
	for _, p := range d.finding.Processes {
		key := processKey{d.scene, p.PID}
		c.byPID[key] = append(c.byPID[key], i)
	}
}

// explains are the causes of which a process can be said to be why others wait for it, the most telling first.
var explains = [...]string{codeProcessStopped, codeLoopBlocked, codeWorkersBlocked, codeRelayWaiting, codeHandlerBusy, codeNotAccepted}

// explain looks for the cause of a draft.
func (c *chain) explain(i int) {
	sc := c.drafts[i].scene
	waits, each := c.waitsOn(i)
	explained, most, from, itself := map[int]int{}, 0, 0, 0
	for j, w := range waits {
		cause := c.causeBehind(sc, w, i)
		if cause < 0 && !w.onHost() && (!each || c.drafts[i].finding.Code == codeRelayWaiting) {
			cause = c.trouble(sc, w.place)
		}
		if cause == i && w.child == 0 {
			itself++
		}
		if cause < 0 || !c.mayCause(cause, i) {
			continue
		}
		if explained[cause]++; !each || 2*explained[cause] > len(waits) {
			c.drafts[i].causedBy = cause + 1
			return
		}
		if explained[cause] > most {
			most, from = explained[cause], j
		}
	}
	if itself > 0 && !each {
		c.drafts[i].finding.Evidence = append(c.drafts[i].finding.Evidence,
			fmt.Sprintf("the program waits for itself, on %s (of %d): it answers there only when one of these threads is done", plural(itself, "connection"), len(waits)))
		return
	}
	whose := "the other end"
	if each && len(waits) > 1 {
		whose += fmt.Sprintf(" of %d of them", max(most, sc.alike(waits)))
	}
	if line := sc.follow(waits[from:]); line != "" {
		if waits[from].child != 0 {
			whose = "what it waits for"
		}
		c.drafts[i].finding.Evidence = append(c.drafts[i].finding.Evidence, whose+" is "+line)
	}
}

// alike counts of some connections those whose other ends the same program has as that of the first.
func (sc *scene) alike(waits []wait) (n int) {
	n, first := 1, 0
	for i, w := range waits {
		b, ok := sc.behind(w)
		switch {
		case !ok || len(b.holders) == 0:
		case i == 0:
			first = b.holders[0].PID
		case b.holders[0].PID == first && b.scene == sc:
			n++
		}
	}
	return n
}

// waitedOn is how many of the connections on which a draft depends are followed.
const waitedOn = 50

// waitsOn returns what the sockets of a draft depend on. each is true when these are as many stories, one for each socket: then what explains a few of them does not explain the draft.
func (c *chain) waitsOn(i int) (waits []wait, each bool) {
	d := &c.drafts[i]
	if d.group == nil {
		return nil, false
	}
	switch d.finding.Code {
	case codeWorkersBlocked, codeLoopBlocked, codeHandlerBusy:
		for _, pid := range d.group.keepers(d.scene) {
			threads := d.scene.doing(pid).off
			switch d.finding.Code {
			case codeLoopBlocked:
				threads = d.scene.loopThreads(d.scene.doing(pid))
			case codeHandlerBusy:
				threads = d.scene.besides(d.scene.doing(pid), d.scene.atWork(d.group, d.scene.doing(pid)))
			}
			waits = append(waits, d.scene.waitsOf(d.scene.doing(pid), threads)...)
			if d.finding.Code == codeWorkersBlocked {
				waits = append(waits, d.scene.writing(d.scene.doing(pid))...)
			}
		}
		for _, s := range d.group.members {
			if child := d.scene.script(s); child != 0 {
				waits = append(waits, wait{child: child})
			}
		}
		waits = d.scene.passed(waits)
	case codeLeak, codeNotReading:
		if d.finding.Unanswered != nil {
			for _, at := range d.scene.asking(d.group) {
				waits = append(waits, wait{place: at})
			}
		}
	case codeRelayWaiting:
		each = true
		for j := range d.group.members {
			waits = append(waits, d.scene.otherLeg(d.group.members[j]))
		}
	case codePeerNotReading, codeFinWait2:
		each = true
		for j := range d.group.members {
			waits = append(waits, wait{place: d.group.members[j].place})
		}
	}
	return waits[:min(len(waits), waitedOn)], each
}

// besides returns the threads that are off without those that wait for the next request of a client, unless they are at work for the one in question: it waits for none of these.
func (sc *scene) besides(d *doing, at []worker) []worker {
	return without(d.off, func(w worker) bool {
		working := slices.ContainsFunc(at, func(a worker) bool { return a.thread == w.thread })
		return !working && w.what == inRead && sc.accepted(w.call.Inode)
	})
}

// passed adds to the children that are waited for on what they wait in turn: who waits for them waits for that.
func (sc *scene) passed(waits []wait) []wait {
	for i := 0; i < len(waits) && i < waitedOn; i++ {
		if waits[i].child != 0 {
			waits = append(waits, sc.waits(sc.doing(waits[i].child))...)
		}
	}
	return waits
}

// causeBehind returns the draft that explains why nothing comes from the other end of a connection on which a draft depends, -1 for none.
func (c *chain) causeBehind(sc *scene, w wait, effect int) int {
	b, ok := sc.behind(w)
	switch {
	case !ok:
		return -1
	case !w.onHost():
		return c.causeAt(b.far)
	}
	var halted []int
	for _, h := range b.holders {
		if cause := c.blames(processKey{sc, h.PID}); cause >= 0 {
			return cause
		}
		if sc.doing(h.PID).halted != "" {
			halted = append(halted, h.PID)
		}
	}
	if len(halted) == 0 {
		return -1
	}
	return c.stopped(sc, halted, effect, w)
}

// blames returns the draft that says why others wait for a process, the most telling one, -1 for none.
func (c *chain) blames(key processKey) int {
	for _, code := range explains {
		for _, i := range c.byPID[key] {
			if c.drafts[i].finding.Code == code {
				return i
			}
		}
	}
	return -1
}

// causeAt returns the draft that explains why nothing comes from an end, -1 for none.
func (c *chain) causeAt(end far) int {
	holders, _ := end.holders(end.socket())
	runs := len(holders) == 0 || slices.ContainsFunc(holders, func(h look.Holder) bool { return end.doing(h.PID).halted == "" })
	if s := end.suspectAt(end.place); s != nil && s.draft != 0 && runs {
		return int(s.draft) - 1 // of who does not run that is the reason, whatever else that end waits for
	}
	for _, h := range holders {
		if cause := c.blames(processKey{end.scene, h.PID}); cause >= 0 {
			return cause
		}
		if end.doing(h.PID).halted != "" {
			return c.add(end, h.PID)
		}
		if cause := c.passedOn(end, h); cause >= 0 {
			return cause
		}
		if cause := c.held(end, h); cause >= 0 {
			return cause
		}
	}
	return -1
}

// held returns what keeps a relay from reading a connection that has brought data: the connection on which it passes that on, to a peer that takes nothing. Both came to rest at the same time. -1 for none.
func (c *chain) held(end far, h look.Holder) int {
	const fill = time.Second // that it takes to fill what lies between
	came, known := end.socket().Info.Duration(tcp.LastDataRecv)
	d := end.doing(h.PID)
	if !known || end.socket().RecvQueue == 0 || d.process.Activity == nil {
		return -1
	}
	_, connected := end.origin(end.netns, end.socket())
	for _, own := range d.process.Activity.Sockets {
		at, ok := end.placeOf(own.Inode)
		if !ok || end.at(at).SendQueue == 0 {
			continue
		}
		went, sent := end.at(at).Info.Duration(tcp.LastDataSent)
		if _, same := end.origin(at.netns, end.at(at)); same == connected || !sent || (went-came).Abs() > fill {
			continue
		}
		if cause := c.trouble(end.scene, at); cause >= 0 {
			return cause
		}
	}
	return -1
}

// trouble returns the draft of a connection whose peer takes nothing or is not heard, -1 where it has none.
func (c *chain) trouble(sc *scene, p place) int {
	if s := sc.at(p); s.State == tcp.SynSent { // another connection to that peer tells of it, or the queue of that listener
		full := slices.DeleteFunc(slices.Clone(sc.sharing(p.netns, s.Peer)), func(l *tcp.Socket) bool { return l.RecvQueue <= l.SendQueue })
		return slices.IndexFunc(c.drafts, func(d draft) bool {
			vanished := d.finding.Code == codePeerVanished
			return d.scene == sc && d.group != nil && (vanished || len(full) > 0) && slices.ContainsFunc(d.group.members, func(m *subject) bool {
				return vanished && m.netns == p.netns && m.socket.Peer == s.Peer || m.socket.Unaccepted() && slices.Contains(full, m.listener)
			})
		})
	}
	if s := sc.suspectAt(p); s != nil && s.draft != 0 && slices.Contains([]string{codePeerVanished, codePeerNotReading, codeLocalDrop, codeClosing}, c.drafts[s.draft-1].finding.Code) {
		return int(s.draft) - 1
	}
	return -1
}

// passedOn returns what keeps a holder from reading a connection whose threads are blocked in writing, all that are in a call on a connection at all: to a peer that takes nothing. -1 where it looks at the connection.
func (c *chain) passedOn(end far, h look.Holder) int {
	d, cause := end.doing(h.PID), -1
	if !d.known || d.interest(end.socket().Inode, h.FD).waited {
		return -1
	}
	for _, w := range still(d.strong) {
		at, ok := end.placeOf(w.call.Inode)
		if !ok || w.what != inWrite && w.what != inConnect {
			return -1
		}
		if cause = c.trouble(end.scene, at); cause < 0 {
			return -1
		}
	}
	return cause
}

// suspectAt returns the suspect at a place, nil when the socket there is none.
func (sc *scene) suspectAt(p place) *subject {
	all := sc.suspects()
	i, found := slices.BinarySearchFunc(all, p, func(s subject, p place) int {
		return cmp.Or(cmp.Compare(s.netns, p.netns), cmp.Compare(s.index, p.index))
	})
	if !found {
		return nil
	}
	return &all[i]
}

// add makes a finding for a process that holds nothing suspect itself and keeps others waiting because it does not run.
func (c *chain) add(end far, pid int) int {
	s := end.suspectAt(end.place)
	if s == nil {
		s = new(end.subject(end.netns, end.index, end.socket()))
	}
	s.blame(pid)
	g := &group{rule: &processStopped, netns: int(end.netns), members: []*subject{s}}
	c.drafts = append(c.drafts, draft{scene: end.scene, finding: g.complete(end.scene), group: g})
	c.index(len(c.drafts) - 1)
	return len(c.drafts) - 1
}

// stopped makes a finding for processes that do not run and hold no socket of TCP: those of others wait for them, and are counted there.
func (c *chain) stopped(sc *scene, pids []int, effect int, w wait) int {
	waiter := "somebody"
	if p := c.drafts[effect].finding.Processes; len(p) > 0 {
		waiter = fmt.Sprintf("%s (pid %d)", p[0].Comm, p[0].PID)
	}
	g := &group{rule: &processStopped, netns: c.drafts[effect].group.netns, blamed: pids}
	d := draft{scene: sc, finding: g.complete(sc), group: g}
	where := ", which it has started"
	if w.unix != nil {
		where = " at " + addressOfUnix(w.unix)
	}
	d.finding.Evidence = append(d.finding.Evidence, waiter+" waits for it"+where)
	c.drafts = append(c.drafts, d)
	c.index(len(c.drafts) - 1)
	return len(c.drafts) - 1
}

// mayCause keeps findings from explaining themselves, also by way of others.
func (c *chain) mayCause(cause, effect int) bool {
	for i := cause; ; i = c.drafts[i].causedBy - 1 {
		if i == effect {
			return false
		}
		if c.drafts[i].causedBy == 0 {
			return true
		}
	}
}

// full explains what a full table of descriptors causes: accept fails, and the queue grows.
func (c *chain) full() {
	for i := range c.drafts {
		f, now := &c.drafts[i].finding, c.drafts[i].scene.now
		if f.Code != codeNotAccepted {
			continue
		}
		for _, p := range f.Processes {
			if !tableFull(now.Processes[p.PID]) {
				continue
			}
			for j := range f.Culprits {
				f.Culprits[j].What = "fd_limit"
			}
			if cause := c.filler(processKey{c.drafts[i].scene, p.PID}); cause >= 0 && c.mayCause(cause, i) {
				c.drafts[i].causedBy = cause + 1
			}
		}
	}
}

// handlers explains a queue by the handlers of connections that came through it, where who should empty it sleeps and has started them: it may take so many at a time, and wait for their end.
func (c *chain) handlers() {
	for i := range c.drafts {
		d := &c.drafts[i]
		if d.finding.Code != codeNotAccepted || d.group == nil || d.causedBy != 0 {
			continue
		}
		for _, p := range d.finding.Processes {
			if acceptor := d.scene.doing(p.PID); !acceptor.single() || len(acceptor.off) != 1 || acceptor.off[0].what != sleeping {
				continue
			}
			cause := slices.IndexFunc(c.drafts, func(e draft) bool {
				return e.scene == d.scene && e.finding.Code == codeHandlerBusy && e.group.members[0].listener == d.group.members[0].listener &&
					slices.ContainsFunc(e.finding.Processes, func(h report.Process) bool { return d.scene.doing(h.PID).process.PPID == p.PID })
			})
			if cause >= 0 && c.mayCause(cause, i) {
				d.causedBy = cause + 1
			}
		}
	}
}

// filler returns the draft that says what fills the descriptors of a process: a leak before the limit itself.
func (c *chain) filler(of processKey) int {
	best, count := -1, 0
	for _, i := range c.byPID[of] {
		f := &c.drafts[i].finding
		if slices.Contains([]string{codeLeak, codeDeadFDs, codeNotReading, codePoolIdle, codeInherited}, f.Code) && f.Count > count && 4*f.Count >= of.scene.now.Processes[of.pid].FDs {
			best, count = i, f.Count
		}
	}
	if best >= 0 {
		return best
	}
	return slices.IndexFunc(c.drafts, func(d draft) bool {
		return d.scene == of.scene && d.finding.Code == codeFDLimit && slices.ContainsFunc(d.finding.Processes, func(p report.Process) bool { return p.PID == of.pid })
	})
}

// raise makes each cause as urgent as the worst it explains.
func (c *chain) raise() {
	for i := range c.drafts {
		for j := c.drafts[i].causedBy - 1; j >= 0; j = c.drafts[j].causedBy - 1 {
			if rank(c.drafts[i].finding.Severity) < rank(c.drafts[j].finding.Severity) {
				c.drafts[j].finding.Severity = c.drafts[i].finding.Severity
			}
		}
	}
}

// follow describes where the first of some connections leads, process by process, "" when no look shows its other end.
func (sc *scene) follow(waits []wait) string {
	const longest = 6
	var steps []string
	where := "on this host"
	var first *look.Namespace
	if len(waits) > 0 && !waits[0].onHost() {
		first = &sc.now.Namespaces[waits[0].netns]
	}
	type end struct {
		*scene
		inode uint32
		child int
	}
	seen, told := map[end]bool{}, map[processKey]bool{}
	for len(steps) < longest && len(waits) > 0 {
		seen[end{sc, sc.inodeOf(waits[0]), waits[0].child}] = true // where both ends wait for each other, it leads back
		b, ok := sc.behind(waits[0])
		if !ok || len(b.holders) == 0 || waits[0].child == 0 && seen[end{b.scene, b.inode, 0}] {
			break
		}
		pid := b.holders[0].PID
		if told[processKey{b.scene, pid}] {
			break // it leads back by way of another connection: all its threads were named
		}
		told[processKey{b.scene, pid}] = true
		d := b.doing(pid)
		step := fmt.Sprintf("%s (pid %d)", d.process.Comm, pid)
		switch {
		case b.scene == sc:
		case len(steps) == 0:
			where = "on " + b.host + b.when(first)
		default:
			step += " on " + b.host
		}
		switch w := waits[0]; {
		case w.unix != nil:
			step += " at " + addressOfUnix(w.unix)
		case w.child != 0:
			step += ", its child"
		}
		sc, waits = b.scene, b.waits(d)
		switch {
		case d.halted != "":
			step += ", which " + d.halting()
		case len(d.working) > 0:
			step += ", with " + sc.deeds(d.working)
		case len(d.off) > 0:
			step += ", with " + sc.deeds(d.off)
		}
		steps = append(steps, step)
	}
	if steps == nil {
		return ""
	}
	return where + ": " + strings.Join(steps, "; ")
}

func rank(severity string) int {
	return slices.Index([]string{report.SeverityCritical, report.SeverityWarning, report.SeverityInfo}, severity)
}
