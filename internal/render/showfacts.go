package render

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// most is how many holders, peers and listeners are listed.
const most = 10

// facts say who, where, since when and until when, of all sockets of the subject together.
func (v *view) facts() []line {
	var lines []line
	lines = join(lines, v.labelled("netns", v.namespaces()))
	lines = join(lines, v.holders())
	lines = join(lines, v.labelled("states", v.stateCounts()))
	lines = join(lines, v.counted("listen", v.listens()))
	lines = join(lines, v.counted("peers", v.peers()))
	lines = join(lines, v.timeline())
	return join(lines, v.labelled("ends", v.forecast()))
}

// namespaces are named when there are several, or one that is not the host's.
func (v *view) namespaces() string {
	var names []string
	for i := range v.Rows {
		name := string(appendNetns(nil, &v.Rows[i]))
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 && (names[0] == "host" || names[0] == string(unknown)) {
		return ""
	}
	return strings.Join(names, ", ")
}

// holders has two lines for each process: its names and numbers, and its command line.
func (v *view) holders() []line {
	seen := map[int]bool{}
	var list []*look.Process
	for i := range v.Rows {
		for _, p := range v.Rows[i].Processes {
			if !seen[p.PID] {
				seen[p.PID] = true
				list = append(list, p)
			}
		}
	}
	slices.SortFunc(list, func(a, b *look.Process) int { return cmp.Compare(a.PID, b.PID) })
	var lines []line
	for i, p := range list {
		if i == most {
			return append(lines, text("          "+plural(len(list)-most, "more process")))
		}
		lines = join(lines, v.labelled("who", v.process(p)))
		if p.Cmdline != "" && p.Cmdline != p.Comm {
			room := max(v.width()-labelWidth, 8)
			lines = join(lines, v.labelled("", v.cut(v.text(p.Cmdline), room)))
		}
	}
	if len(list) == 0 && v.unheld() {
		return v.labelled("who", "nobody: no process has a descriptor of these sockets")
	}
	return lines
}

// unheld reports whether it is known that nobody holds any of the sockets.
func (v *view) unheld() bool {
	for i := range v.Rows {
		if v.Rows[i].Holders == nil || len(v.Rows[i].Holders) > 0 {
			return false
		}
	}
	return len(v.Rows) > 0
}

func (v *view) process(p *look.Process) string {
	var parts []string
	if w := p.Workload; w.Kind != look.KindProcess && w.Name != "" {
		parts = append(parts, w.Kind.String()+" "+v.text(cmp.Or(w.Unit, w.Pod, w.Name)))
	}
	parts = append(parts, "pid "+strconv.Itoa(p.PID), v.text(p.Comm))
	if p.FDs >= 0 && p.FDLimit > 0 {
		parts = append(parts, Thousands(p.FDs)+" of "+Thousands(p.FDLimit)+" fds open")
	}
	if !p.StartTime.IsZero() && v.report.TakenAt.After(p.StartTime) {
		parts = append(parts, "runs for "+spoken.Duration(v.report.TakenAt.Sub(p.StartTime)))
	}
	return strings.Join(parts, "  ")
}

func (v *view) stateCounts() string {
	counts := map[string]int{}
	for i := range v.Rows {
		counts[v.Rows[i].Socket.State.String()]++
	}
	var parts []string
	for state, n := range counts {
		parts = append(parts, Thousands(n)+" "+strings.ToUpper(state))
	}
	slices.SortFunc(parts, func(a, b string) int {
		_, stateA, _ := strings.Cut(a, " ")
		_, stateB, _ := strings.Cut(b, " ")
		return cmp.Or(cmp.Compare(counts[strings.ToLower(stateB)], counts[strings.ToLower(stateA)]), cmp.Compare(a, b))
	})
	return strings.Join(parts, "  ")
}

// tally is how often something occurs.
type tally struct {
	name  string
	count int
	note  string
}

// listens are the listeners with their queues.
func (v *view) listens() []tally {
	var list []tally
	for i := range v.Rows {
		s := v.Rows[i].Socket
		if s.State != tcp.Listen {
			continue
		}
		note := "empty accept queue"
		if s.RecvQueue > 0 {
			note = fmt.Sprintf("%s in the accept queue, which takes %s", Thousands(s.RecvQueue), Thousands(int64(s.SendQueue)+1))
		}
		list = append(list, tally{name: string(appendEnd(nil, s.Local)), note: note})
	}
	return list
}

// peers are counted by address and port; by address alone where that is more telling, as for the clients of a server.
func (v *view) peers() []tally {
	exact, hosts := map[tcp.Endpoint]int{}, map[netip.Addr]int{}
	for i := range v.Rows {
		if s := v.Rows[i].Socket; s.Peer.Port() != 0 {
			exact[s.Peer.Unmap()]++
			hosts[s.Peer.Addr().Unmap()]++
		}
	}
	var list []tally
	if len(exact) > 2*len(hosts) {
		for addr, n := range hosts {
			list = append(list, tally{name: addr.String(), count: n})
		}
	} else {
		for end, n := range exact {
			list = append(list, tally{name: end.String(), count: n})
		}
	}
	slices.SortFunc(list, func(a, b tally) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name)) })
	return list
}

// counted sets a list beside its label.
func (v *view) counted(label string, list []tally) []line {
	width := 0
	for _, t := range list[:min(len(list), most)] {
		width = max(width, columns(t.name))
	}
	var lines []line
	for i, t := range list {
		if i == most {
			return join(lines, v.labelled("", "and "+Thousands(len(list)-most)+" more"))
		}
		note := t.note
		if t.count > 0 {
			note = Thousands(t.count)
		}
		lines = join(lines, v.labelled(label, pad(v.text(t.name), width)+"  "+note))
		label = ""
	}
	return lines
}

// forecast counts what becomes of the connections.
func (v *view) forecast() string {
	never, unknown, at := 0, 0, 0
	var first, last time.Duration
	for i := range v.Rows {
		r := &v.Rows[i]
		if r.Socket.State == tcp.Listen || r.Socket.State == tcp.Bound {
			continue
		}
		switch r.Ends.Kind {
		case forecast.Never:
			never++
		case forecast.Unknown:
			unknown++
		default:
			if at++; at == 1 || r.Ends.Best < first {
				first = r.Ends.Best
			}
			last = max(last, r.Ends.Best)
		}
	}
	if v.Single && len(v.Rows) > 0 {
		return v.end(&v.Rows[0].Ends)
	}
	var parts []string
	if at > 0 {
		parts = append(parts, Thousands(at)+" in "+span(first, last))
	}
	if never > 0 {
		parts = append(parts, Thousands(never)+" never by a kernel timer")
	}
	if unknown > 0 {
		parts = append(parts, Thousands(unknown)+" not known")
	}
	return strings.Join(parts, ", ")
}

// end is the forecast of one socket with its reason.
func (v *view) end(e *forecast.Ends) string {
	r := look.Row{Ends: *e}
	switch e.Kind {
	case forecast.Never:
		return because("never", v.text(e.Reason))
	case forecast.Unknown:
		return because("not known", v.text(e.Reason))
	}
	words := "in " + v.text(string(textEnds(nil, &r))) + " by " + v.text(string(appendBy(nil, &r)))
	if e.Error != "" {
		words += "; the program gets " + e.Error
	}
	return because(words, v.text(e.Reason))
}
