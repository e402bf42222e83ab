package scenes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
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

// scene sets something up in a place, waits until it stands, and returns the truth about it.
type scene func(*place) []want

// play plays scenes, each in a place of its own, and has the tool judge them.
func play(t *testing.T, scenes map[string]scene) {
	t.Helper()
	for name, set := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			judge(t, []*place{p}, set(p)...)
		})
	}
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

const (
	// fresh is the age before which nothing may be called stuck.
	fresh = 5 * time.Second
	// late is how much longer a verdict may take: evidence about queues and threads needs a socket to be old.
	late = 30 * time.Second
)

// judge waits for the verdict on the places together: the findings wanted, and beside them nothing above info.
func judge(t *testing.T, places []*place, wanted ...want) {
	t.Helper()
	time.Sleep(fresh) // not a wait for something to happen: before this age everything is rightly silent
	var raw string
	defer func() {
		if t.Failed() {
			t.Logf("the report:\n%s", raw)
		}
	}()
	eventually(t, late, time.Second, func() string {
		var v verdict
		v, raw = root(t, places)
		if wrong := v.compare(wanted); wrong != "" {
			return wrong
		}
		if wrong := v.onScreen(t, places); wrong != "" {
			return wrong
		}
		return v.asNobody(t, places)
	})
}

// stays looks again and again, for longer than it takes to call something stuck: no look may raise more than a note.
func stays(t *testing.T, p *place) {
	t.Helper()
	tick := time.NewTicker(1500 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < fresh+4*time.Second; <-tick.C {
		v, raw := root(t, []*place{p})
		if wrong := v.compare(nil); wrong != "" {
			t.Fatalf("%s\n%s", wrong, raw)
		}
	}
	if v, raw := look(t, p.nobody("-o", "json")); v.compare(nil) != "" {
		t.Errorf("as nobody: %s\n%s", v.compare(nil), raw)
	}
}

// underTest returns the program under test.
func underTest(t *testing.T) string {
	t.Helper()
	path, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// netns selects the namespaces of the places, and grants the time a busy machine takes.
func netns(places []*place) []string {
	args := []string{"--timeout", "30s"}
	for _, p := range places {
		args = append(args, "--netns", p.proc("ns/net"))
	}
	return args
}

// root looks at the places as root on their host does.
func root(t *testing.T, places []*place) (verdict, string) {
	t.Helper()
	return look(t, exec.Command(underTest(t), append(netns(places), "-o", "json")...))
}

// nobody is the program run in the place's network by a user who owns no process.
func (p *place) nobody(args ...string) *exec.Cmd {
	p.t.Helper()
	enter := []string{"--net=" + p.proc("ns/net"), "setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups", underTest(p.t), "--netns", "/proc/self/ns/net", "--timeout", "30s"}
	return exec.Command("nsenter", append(enter, args...)...)
}

func look(t *testing.T, cmd *exec.Cmd) (v verdict, raw string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, &stderr)
	}
	var short bytes.Buffer
	if err := json.Compact(&short, out); err != nil {
		t.Fatal(err)
	}
	return v, short.String()
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

// onScreen returns what the screen does not say although the document does.
func (v verdict) onScreen(t *testing.T, places []*place) string {
	t.Helper()
	cmd := exec.Command(underTest(t), netns(places)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %v\n%s", cmd.Args, err, out)
	}
	for _, f := range v.Findings {
		if f.Severity != "info" && !strings.Contains(string(out), f.Code) {
			return fmt.Sprintf("%s is not on the screen:\n%s", f.Code, out)
		}
	}
	return ""
}

// asNobody returns what an ordinary user is told wrongly. Verdicts that need no owner are the same; he is told what is missing; and he is not alarmed where root is not.
func (v verdict) asNobody(t *testing.T, places []*place) string {
	t.Helper()
	if len(places) > 1 {
		return "" // he sees one namespace
	}
	his, raw := look(t, places[0].nobody("-o", "json"))
	var wrong []string
	for _, f := range v.Findings {
		if oneOf("CW104|CW201|CW202|CW203|CW204", f.Code) && !slices.ContainsFunc(his.Findings, func(h finding) bool { return h.Code == f.Code && h.Count == f.Count }) {
			wrong = append(wrong, fmt.Sprintf("as nobody: no %s of %d sockets", f.Code, f.Count))
		}
	}
	alarmed := func(f finding) bool { return f.Severity != "info" }
	if slices.ContainsFunc(his.Findings, alarmed) && !slices.ContainsFunc(v.Findings, alarmed) {
		wrong = append(wrong, "as nobody: an alarm that root does not get")
	}
	hidden := places[0].table().where(func(r row) bool { return r.state == closeWait && r.inode != 0 })
	if len(hidden) > 0 && !slices.ContainsFunc(his.Incomplete, func(i struct{ Code, Message string }) bool { return i.Code == "CW501" }) {
		wrong = append(wrong, "as nobody: owners are missing, and it is not said")
	}
	if wrong != nil {
		wrong = append(wrong, raw)
	}
	return strings.Join(wrong, "\n")
}
