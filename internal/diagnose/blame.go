package diagnose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// maxCulprits is how many culprits of one kind a finding names.
const maxCulprits = 20

// blamedPIDs returns the processes that are to blame for the members, in ascending order.
func (g *group) blamedPIDs() (pids []int) {
	pids = slices.Clone(g.blamed)
	for i := range g.members {
		if pid := g.members[i].blamed(); pid != 0 && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// blame makes the processes to blame those of the finding: what waits in a queue has no holder of its own.
func (g *group) blame(sc *scene, f *report.Finding) {
	var holders []look.Holder
	for _, pid := range g.keepers(sc) {
		holders = append(holders, look.Holder{PID: pid})
	}
	g.describeHolders(sc, f, holders, true)
}

// keepers returns all processes that are to blame: beside those noted, all that keep the queue the members wait in.
func (g *group) keepers(sc *scene) []int {
	pids := g.blamedPIDs()
	for i := range g.members {
		s := g.members[i]
		if s.listener == nil {
			continue
		}
		if k := sc.keeper(s.netns, s.listener); k.code == g.rule.code {
			pids = append(pids, k.pids...)
		}
		if g.waitsForCrew(sc, s) {
			pids = append(pids, sc.crew(s).pids...)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// blameThreads makes threads of the programs that keep connections waiting the culprits; what is said of each takes the pid and what the threads do.
func (g *group) blameThreads(sc *scene, f *report.Finding, threads func(*doing) []worker, said string) {
	f.Severity = report.SeverityCritical
	g.blame(sc, f)
	var lines []string
	for _, pid := range g.keepers(sc) {
		d := sc.doing(pid)
		list := threads(d)
		f.Culprits = append(f.Culprits, sc.culprits(d, list)...)
		if len(list) == 0 && d.unclear > 0 {
			lines = append(lines, fmt.Sprintf("pid %d: %s in futex, for parts of a second at a time: waits for Java's monitors and for time look alike, and which of these keep the connections waiting does not show", pid, plural(d.unclear, "thread")))
			continue
		}
		lines = append(lines, fmt.Sprintf(said, pid, sc.deeds(list)))
	}
	keepersFirst(f.Culprits)
	f.Evidence = append(f.Evidence, few(lines)...)
}

// keepersFirst puts those that wait for a lock behind those that may have it: where there are many, only the first are shown.
func keepersFirst(list []report.Culprit) {
	slices.SortStableFunc(list, func(a, b report.Culprit) int {
		switch a, b := a.What == inLock, b.What == inLock; {
		case a == b:
			return 0
		case a:
			return 1
		}
		return -1
	})
}

// few leaves out what is only more of the same: one line for each of hundreds of processes says less than the first of them and their number.
func few(lines []string) []string {
	const enough = 3
	if len(lines) <= enough+1 {
		return lines
	}
	return append(lines[:enough:enough], strconv.Itoa(len(lines)-enough)+" more like these")
}

// queueEvidence says what waits in the listener's queue.
func (g *group) queueEvidence(f *report.Finding) {
	queued := g.count(func(s *subject) bool { return s.socket.Unaccepted() })
	l := g.members[0].listener
	if l == nil {
		return
	}
	listener := endpoint(l.Local)
	f.Victims.Listener = &listener
	if queued == 0 {
		return
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("%s waiting to be accepted on %s, whose backlog is %d", plural(int(l.RecvQueue), "connection"), text(l.Local), l.SendQueue))
	if l.RecvQueue > l.SendQueue {
		f.Evidence = append(f.Evidence, "the queue is full: the kernel drops what else arrives")
	}
}

// deeds says in words what threads do: "1 thread in recvfrom on descriptor 5 to 10.0.0.1:5432, 2 threads busy".
func (sc *scene) deeds(list []worker) string {
	var order []string
	counts := map[string]int{}
	for _, w := range list {
		text := sc.deedText(w)
		if counts[text]++; counts[text] == 1 {
			order = append(order, text)
		}
	}
	for i, text := range order {
		order[i] = plural(counts[text], "thread") + " " + text
	}
	if len(order) > 4 {
		order = append(order[:4], fmt.Sprintf("%d other calls", len(order)-4))
	}
	return strings.Join(order, ", ")
}

func (sc *scene) deedText(w worker) string {
	switch w.what {
	case busy:
		return "busy on the processor"
	case uninterruptible:
		return "in uninterruptible sleep"
	}
	if w.call.Kind == look.CallFault {
		return "in a page fault that is not served (its memory comes from a file, say, whose file system does not answer)"
	}
	text := "in " + w.call.Name
	if w.call.Kind == look.CallFile {
		return text + " (waits for a file system, or for the other side of a FIFO)"
	}
	if w.call.Kind == look.CallLinger {
		text += " (SO_LINGER makes it wait until the peer has taken what is left)"
		if s := sc.socketOf(w.call.Inode); s != nil {
			text += " of the connection to " + addressOf(s)
		}
		return text
	}
	if w.call.FD < 0 {
		return text
	}
	text += fmt.Sprintf(" on descriptor %d", w.call.FD)
	if s := sc.socketOf(w.call.Inode); s != nil {
		text += " to " + addressOf(s)
	} else if u := sc.unix(w.call.Inode); u != nil {
		text += " to " + addressOfUnix(u)
	}
	return text
}

// addressOf is the peer of a connection, or the address of a listener.
func addressOf(s *tcp.Socket) string {
	if s.State == tcp.Listen {
		return text(s.Local)
	}
	return text(s.Peer)
}
