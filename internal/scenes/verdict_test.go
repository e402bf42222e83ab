package scenes

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// want is one finding the tool has to come to. Numbers left at their zero value are not compared.
type want struct {
	code     string // or several that are right, with | between them
	severity string // likewise
	count    int
	atLeast  int   // a count that goes on growing
	pids     []int // the holders, all of them
	role     string
	local    string
	// culprits are all there must be, in any order; nil where it is enough that nobody else is blamed.
	culprits []culprit
	victims  *int
	ends     string
	// root is the code of the finding at the end of the chain of causes, or several that are right; "" where nothing else may be the cause.
	root string
	// feeds is the code of the finding this one supplies.
	feeds string
	// optional is true of what may be said and need not be.
	optional bool
}

// culprit is one of the contract's, with the fields the scene knows.
type culprit struct {
	what         string // or several that are right, with | between them
	pid, tid, fd int
	peer         string
	listener     string
}

// verdict is what a Report of the contract says, written down independently of the program's types.
type verdict struct {
	Findings   []finding
	Incomplete []struct{ Code, Message string }
	Totals     struct {
		DeadFDs *int `json:"dead_fds"`
	}
}

type finding struct {
	ID, Code, Cause, Severity string
	Count                     int
	Role                      *string
	Local                     *address
	Processes                 []struct{ PID int }
	Culprits                  []struct {
		PID, TID, FD   *int
		What           string
		Peer, Listener *address
	}
	Victims  struct{ Count int }
	CausedBy *string `json:"caused_by"`
	Feeds    *string
	Ends     struct{ Kind string }
	Evidence []string
}

type address struct {
	Address string
	Port    uint16
}

// String returns "127.0.0.1:80", IPv4-mapped addresses as IPv4, "" for none.
func (a *address) String() string {
	if a == nil {
		return ""
	}
	addr, err := netip.ParseAddr(a.Address)
	if err != nil {
		return err.Error()
	}
	return netip.AddrPortFrom(addr.Unmap(), a.Port).String()
}

// compare returns what is wrong with the verdict, "" if nothing is.
func (v verdict) compare(wanted []want) string {
	var wrong []string
	used := map[int]bool{}
	for _, w := range wanted {
		best, complaints := -1, []string{"no such finding"}
		for i, f := range v.Findings {
			if used[i] || !oneOf(w.code, f.Code) {
				continue
			}
			if c := v.differences(f, w); best < 0 || len(c) < len(complaints) {
				best, complaints = i, c
			}
		}
		used[best] = true
		if w.optional && best < 0 {
			continue
		}
		for _, c := range complaints {
			wrong = append(wrong, w.code+": "+c)
		}
	}
	for i, f := range v.Findings {
		if !used[i] && f.Severity != "info" {
			wrong = append(wrong, fmt.Sprintf("unexpected %s %s %s: %d of pids %v, culprits %v", f.Severity, f.Code, f.Cause, f.Count, f.pids(), f.blamed()))
		}
	}
	return strings.Join(wrong, "\n")
}

func (v verdict) differences(f finding, w want) (wrong []string) {
	expect := func(name string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s %v, want %v", name, got, want))
		}
	}
	if w.severity != "" && !oneOf(w.severity, f.Severity) {
		expect("severity", f.Severity, w.severity)
	}
	if w.count > 0 {
		expect("count", f.Count, w.count)
	}
	if f.Count < w.atLeast {
		expect("count", f.Count, fmt.Sprintf("at least %d", w.atLeast))
	}
	if w.pids != nil {
		slices.Sort(w.pids)
		expect("pids", fmt.Sprint(f.pids()), fmt.Sprint(w.pids))
	}
	if w.role != "" {
		role := "none"
		if f.Role != nil {
			role = *f.Role
		}
		expect("role", role, w.role)
	}
	if w.local != "" {
		expect("local", f.Local.String(), w.local)
	}
	if w.victims != nil {
		expect("victims", f.Victims.Count, *w.victims)
	}
	if w.ends != "" && !oneOf(w.ends, f.Ends.Kind) {
		expect("ends", f.Ends.Kind, w.ends)
	}
	if root := v.rootOf(f); !oneOf(w.root, root) {
		expect("root of its causes", root, w.root)
	}
	if w.feeds != "" {
		expect("feeds", v.codeOf(f.Feeds), w.feeds)
	}
	return append(wrong, f.culpritsAgainst(w)...)
}

func (f finding) culpritsAgainst(w want) (wrong []string) {
	if w.culprits == nil {
		for _, c := range f.Culprits {
			if c.PID != nil && w.pids != nil && !slices.Contains(w.pids, *c.PID) {
				wrong = append(wrong, fmt.Sprintf("pid %d is blamed (%s), who holds nothing", *c.PID, c.What))
			}
		}
		return wrong
	}
	left := f.blamed()
	for _, c := range w.culprits {
		i := slices.IndexFunc(left, c.is)
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("no culprit %+v among %+v", c, f.blamed()))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 && len(wrong) == 0 {
		wrong = append(wrong, fmt.Sprintf("blames also %+v", left))
	}
	return wrong
}

// is reports whether what the tool said is this culprit.
func (c culprit) is(said culprit) bool {
	same := func(want, got int) bool { return want == 0 || want == got }
	return oneOf(c.what, said.what) && same(c.pid, said.pid) && same(c.tid, said.tid) && same(c.fd, said.fd) &&
		(c.peer == "" || c.peer == said.peer) && (c.listener == "" || c.listener == said.listener)
}

func (f finding) blamed() (all []culprit) {
	number := func(n *int) int {
		if n == nil {
			return -1
		}
		return *n
	}
	for _, c := range f.Culprits {
		all = append(all, culprit{c.What, number(c.PID), number(c.TID), number(c.FD), c.Peer.String(), c.Listener.String()})
	}
	return all
}

func (f finding) pids() (pids []int) {
	for _, p := range f.Processes {
		pids = append(pids, p.PID)
	}
	slices.Sort(pids)
	return pids
}

func (v verdict) find(id *string) *finding {
	for i := range v.Findings {
		if id != nil && v.Findings[i].ID == *id {
			return &v.Findings[i]
		}
	}
	return nil
}

func (v verdict) codeOf(id *string) string {
	if f := v.find(id); f != nil {
		return f.Code
	}
	return ""
}

// rootOf follows the causes of a finding to the last. The contract puts a cause before what it explains; a circle would be a bug.
func (v verdict) rootOf(f finding) (code string) {
	for range v.Findings {
		cause := v.find(f.CausedBy)
		if cause == nil {
			return code
		}
		f, code = *cause, cause.Code
	}
	return "a circle"
}

func oneOf(list, s string) bool { return slices.Contains(strings.Split(list, "|"), s) }
