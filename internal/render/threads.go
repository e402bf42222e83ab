package render

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// mostThreads is how many lines the threads of one process take.
const mostThreads = 12

// threads says what the threads of the holders do, as far as somebody looked.
func (v *view) threads() []line {
	if v.Snapshot == nil {
		return nil
	}
	var pids []int
	for i := range v.Rows {
		for _, p := range v.Rows[i].Processes {
			if p.Activity != nil && len(p.Activity.Threads) > 0 && !slices.Contains(pids, p.PID) {
				pids = append(pids, p.PID)
			}
		}
	}
	slices.Sort(pids)
	var lines []line
	for _, pid := range pids[:min(len(pids), most)] {
		p := v.Snapshot.Processes[pid]
		lines = join(lines, section("Threads of "+v.text(p.Comm)+", pid "+strconv.Itoa(pid), v.activity(p)))
	}
	return lines
}

// crew is threads that do the same.
type crew struct {
	does  string
	comms []string
	count int
	tid   int // of the first
}

// activity has a line for each group of threads that do the same, those that are easily overlooked first.
func (v *view) activity(p *look.Process) []line {
	a := p.Activity
	var crews []crew
	for i := range a.Threads {
		t := &a.Threads[i]
		does := v.doing(a, t)
		at := slices.IndexFunc(crews, func(c crew) bool { return c.does == does })
		if at < 0 {
			crews, at = append(crews, crew{does: does, tid: t.TID}), len(crews)
		}
		c := &crews[at]
		if c.count++; !slices.Contains(c.comms, t.Comm) {
			c.comms = append(c.comms, t.Comm)
		}
	}
	slices.SortStableFunc(crews, func(a, b crew) int { return cmp.Compare(a.count, b.count) })
	var lines []line
	for i, c := range crews {
		if i == mostThreads {
			lines = append(lines, text("        "+Thousands(len(crews)-mostThreads)+" more kinds"))
			break
		}
		number := Thousands(c.count)
		if v.narrow() {
			lines = join(lines, v.hang(text("  "), number+" "+strings.TrimSpace(c.name(v.Style))+": "+c.does, 0))
			continue
		}
		lines = join(lines, v.hang(text("  "+strings.Repeat(" ", max(4-len(number), 0))+number+"  "+c.name(v.Style)+"  "), c.does, 0))
	}
	if a.Frozen {
		lines = append(lines, text("        its cgroup is frozen: nothing of it runs"))
	}
	if rest := a.ThreadCount - len(a.Threads); rest > 0 {
		lines = append(lines, text("        "+plural(rest, "thread")+" not looked at"))
	}
	return lines
}

// name is the name of the only thread with its number, or the name the threads share up to their numbers.
func (c *crew) name(s Style) string {
	const width = 24
	switch name := s.text(c.comms[0]); {
	case c.count == 1:
		return pad(s.cut(name, width-9)+" "+strconv.Itoa(c.tid), width)
	case len(c.comms) == 1:
		return pad(name, width)
	default:
		return pad(s.cut(strings.TrimRight(name, "0123456789")+"* "+s.glyphs().ellipsis, width), width)
	}
}

// deedsOf says what a kind of system call waits for.
var deedsOf = map[look.CallKind]string{
	look.CallRead: "waits for data", look.CallWrite: "waits for room to write", look.CallConnect: "connects", look.CallAccept: "accepts",
	look.CallPoll: "waits for events", look.CallLock: "waits for another thread", look.CallSleep: "sleeps", look.CallChild: "waits for a child process",
	look.CallFile: "waits for a file system", look.CallLinger: "waits for a peer to take what is left",
}

// doing is what a thread does.
func (v *view) doing(a *look.Activity, t *look.Thread) string {
	m := &t.First
	switch m.State {
	case 'D':
		return "uninterruptible" + in(m.Channel)
	case 'T', 't':
		return "stopped"
	case 'Z', 'X':
		return "has ended"
	case 'R':
		return "runs"
	}
	words, known := deedsOf[m.Call.Kind]
	switch {
	case !known && m.Call.Name != "":
		return "in " + v.text(m.Call.Name)
	case !known && !a.CallsKnown:
		return "sleeps in a call that may not be read" + in(m.Channel)
	case !known:
		return "sleeps" + in(m.Channel)
	}
	words += " in " + v.text(m.Call.Name)
	if m.Call.FD >= 0 && m.Call.Kind != look.CallLock && m.Call.Kind != look.CallSleep && m.Call.Kind != look.CallChild {
		words += ", fd " + strconv.Itoa(m.Call.FD) + v.target(&m.Call)
	}
	return words
}

func in(channel string) string {
	if channel == "" {
		return ""
	}
	return " in " + Clean(channel)
}

// target is what the descriptor of a call refers to.
func (v *view) target(c *look.Call) string {
	if c.Inode != 0 {
		for n := range v.Snapshot.Namespaces {
			sockets := v.Snapshot.Namespaces[n].Sockets
			for i := range sockets {
				if s := &sockets[i]; s.Inode == c.Inode && s.Peer.Port() != 0 {
					return " " + v.glyphs().arrow + " " + string(appendEnd(nil, s.Peer))
				}
			}
		}
	}
	if c.Target == "" || c.Kind == look.CallPoll {
		return ""
	}
	return " (" + v.text(c.Target) + ")"
}
