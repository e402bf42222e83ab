package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// kind is what sockets have in common that meet the same fate for the same owner.
type kind struct {
	state              tcp.State
	mini, orphan, open bool // open: no descriptor yet, it waits to be accepted
	queued             bool
	owner              string
}

// members are the sockets of one kind.
type members struct {
	kind
	first *look.Row
	all   []*look.Row
	// at are the indexes of their steps in the order in which they came; steps are set in the end.
	at    []int
	steps []report.Step
	// queue sums what waits to be accepted by listeners.
	queue int
}

// grouping puts steps of the same kind beside each other.
type grouping struct {
	// title describes one group.
	title func(*members) report.Group
	steps []report.Step
	kinds map[kind]*members
	order []*members
	left  map[string]int
	// owned is whom the row before belongs to: rows of one owner often follow each other.
	owned struct {
		by   *look.Process
		name string
	}
}

func (g *grouping) add(r *look.Row, s ...report.Step) {
	k := kind{
		state: r.Socket.State, mini: r.Socket.Mini(), orphan: r.Socket.Orphan(), open: r.Socket.Unaccepted(), owner: g.owner(r),
		queued: r.Socket.SendQueue > 0 && r.Socket.State != tcp.Listen,
	}
	m := g.kinds[k]
	if m == nil {
		if g.kinds == nil {
			g.kinds = map[kind]*members{}
		}
		m = &members{kind: k, first: r}
		g.kinds[k], g.order = m, append(g.order, m)
	}
	m.all = append(m.all, r)
	for i := range s {
		m.at = append(m.at, len(g.steps)+i)
	}
	g.steps = append(g.steps, s...)
	if k.state == tcp.Listen {
		m.queue += int(r.Socket.RecvQueue)
	}
}

// leave counts a socket that stays as it is, and why.
func (g *grouping) leave(why string) {
	if g.left == nil {
		g.left = map[string]int{}
	}
	g.left[why]++
}

// shownGroups is how many groups are described; a longer list helps nobody.
const shownGroups = 8

// result returns the steps with those of a group beside each other, and the groups, the largest first.
func (g *grouping) result() ([]report.Step, []report.Group) {
	steps, groups := make([]report.Step, 0, len(g.steps)), []report.Group{}
	slices.SortStableFunc(g.order, func(a, b *members) int { return cmp.Compare(len(b.all), len(a.all)) })
	rest, more := 0, 0
	for i, m := range g.order {
		begin := len(steps)
		for _, k := range m.at {
			steps = append(steps, g.steps[k])
		}
		m.steps = steps[begin:]
		if i >= shownGroups {
			rest, more = rest+len(m.steps), more+len(m.all)
			continue
		}
		group := g.title(m)
		group.Steps = len(m.steps)
		groups = append(groups, group)
	}
	if rest > 0 {
		groups = append(groups, report.Group{
			Sign: groups[0].Sign, Title: fmt.Sprintf("and %s of other kinds, in the same way", sockets(more)), Steps: rest, Undoable: groups[0].Undoable, Lines: []report.Line{},
		})
	}
	if len(g.left) > 0 {
		groups = append(groups, g.leftOver())
	}
	return steps, groups
}

// leftOver says which sockets stay as they are, and why.
func (g *grouping) leftOver() report.Group {
	group, all := report.Group{Sign: "=", Undoable: true}, 0
	for _, why := range slices.Sorted(maps.Keys(g.left)) {
		all += g.left[why]
		group.Lines = append(group.Lines, report.Line{Label: "not", Text: fmt.Sprintf("%d: %s", g.left[why], why)})
	}
	if group.Title = sockets(all) + " left as they are"; all == 1 {
		group.Title = "1 socket left as it is"
	}
	return group
}

// touched is the number of sockets with steps.
func (g *grouping) touched() int {
	n := 0
	for _, m := range g.order {
		n += len(m.all)
	}
	return n
}

// why explains that nothing is left to do.
func (g *grouping) why(text string) string {
	if reasons := slices.Sorted(maps.Keys(g.left)); len(reasons) > 0 {
		return text + ": " + strings.Join(reasons, "; ")
	}
	return text
}

// owner is owner, remembered.
func (g *grouping) owner(r *look.Row) string {
	if len(r.Processes) != 1 || len(r.Holders) == 0 {
		return owner(r)
	}
	if p := r.Processes[0]; p != g.owned.by {
		g.owned.by, g.owned.name = p, owner(r)
	}
	return g.owned.name
}

// owner names who holds a socket.
func owner(r *look.Row) string {
	switch {
	case len(r.Holders) == 0:
		return ""
	case len(r.Processes) == 0:
		return fmt.Sprintf("pid %d", r.Holders[0].PID)
	}
	p := r.Processes[0]
	text := fmt.Sprintf("%s (pid %d)", p.Comm, p.PID)
	if w := p.Workload; w.Kind != look.KindProcess && w.Name != "" && w.Name != p.Comm {
		text = w.Name + ", " + text
	}
	if len(r.Processes) > 1 {
		text += fmt.Sprintf(" and %d more processes", len(r.Processes)-1)
	}
	return text
}

// sockets counts them in words.
func sockets(n int) string {
	if n == 1 {
		return "1 socket"
	}
	return fmt.Sprintf("%d sockets", n)
}

// heading names a group: the socket when it is one, how many when it is more.
func (m *members) heading() string {
	text := sockets(len(m.all))
	if len(m.all) == 1 {
		text = name(m.first.Socket)
	}
	text += ", " + strings.ToUpper(m.state.String())
	switch {
	case m.mini:
		text += " (a stand-in, nobody holds it)"
	case m.orphan:
		text += " (closed by its program)"
	case m.open:
		text += " (not accepted)"
	case m.owner != "":
		text += ", " + m.owner
	}
	return text
}
