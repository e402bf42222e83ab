package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// crowd is a namespace with a socket in every state, of every family.
type crowd struct {
	t   *testing.T
	ns  *nstest.Namespace
	all []nstest.Expected
	// made are the scenes of all.
	made []nstest.Made
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	nstest.Require(t)
	c := &crowd{t: t, ns: nstest.New(t)}
	c.ns.Do(func() {
		for _, scene := range nstest.Scenes() {
			for _, fam := range nstest.Families() {
				made := scene.Build(t, fam)
				c.made, c.all = append(c.made, made), append(c.all, made.All()...)
			}
		}
	})
	return c
}

// subjects is a filter for the sockets that scenes are named after, without their other ends: a limit on both would end the one by what becomes of the other.
func (c *crowd) subjects() string {
	var list []string
	for _, m := range c.made {
		if m.Subject.Listed && m.Subject.Peer.Port() != 0 {
			list = append(list, fmt.Sprintf("( sport = :%d and dport = :%d )", m.Subject.Local.Port(), m.Subject.Peer.Port()))
		}
	}
	return strings.Join(list, " or ")
}

// forecastJSON is what scripts rely on of a forecast.
type forecastJSON struct {
	Sockets []struct {
		Cookie string
		State  string
		Local  endpointJSON
		Peer   *endpointJSON
		Timer  struct {
			Kind    string
			Count   int
			Expires *float64 `json:"expires_seconds"`
		}
		Ends   endsJSON
		EndsIf *endsJSON `json:"ends_if"`
	}
	TakenAt time.Time `json:"taken_at"`
}

type endsJSON struct {
	Kind     string
	By       *string
	Seconds  *float64
	Also     *float64 `json:"also_seconds"`
	Earliest *float64 `json:"earliest_seconds"`
	Latest   *float64 `json:"latest_seconds"`
	Error    *string
	Reason   string
}

// said is what a forecast says of one socket.
type said struct {
	endsJSON
	name     string
	taken    time.Time
	count    int
	fires    time.Time // of the timers that what is unanswered runs on
	earliest time.Time
	latest   time.Time
}

// forecasts asks when the sockets of the crowd end, under changes if there are any.
func (c *crowd) forecasts(changes ...string) map[tcp.Cookie]said {
	c.t.Helper()
	args := []string{"when", "-o", "json", "--netns", c.ns.Path(), "state all"}
	for _, change := range changes {
		args = append(args, "--if", change)
	}
	out, notes, code := closewait(c.t, args...)
	var doc forecastJSON
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 {
		c.t.Fatalf("exit %d, %v: %s", code, err, notes)
	}
	list := map[tcp.Cookie]said{}
	for _, s := range doc.Sockets {
		cookie, err := tcp.ParseCookie(s.Cookie)
		if err != nil {
			c.t.Fatal(err)
		}
		f := said{endsJSON: s.Ends, name: fmt.Sprintf("%s %v > %v", s.State, s.Local, s.Peer), taken: doc.TakenAt, count: s.Timer.Count}
		if s.EndsIf != nil {
			f.endsJSON = *s.EndsIf
		}
		after := func(seconds *float64) time.Time {
			if seconds == nil {
				return doc.TakenAt.Add(time.Hour)
			}
			return doc.TakenAt.Add(time.Duration(*seconds * float64(time.Second)))
		}
		f.earliest, f.latest = after(f.Earliest), after(f.Latest)
		if s.Timer.Kind == "retransmit" || s.Timer.Kind == "persist" {
			f.fires = after(s.Timer.Expires)
		}
		list[cookie] = f
	}
	return list
}

// soon is how far ahead the ends lie that are waited for.
const soon = 3 * time.Second

// held joins what was forecast before a change, as if it were made, with what is forecast after it, of sockets the change does not touch, and of those whose timer has fired meanwhile: nobody could know
// whether the change would be in time.
func held(before, after map[tcp.Cookie]said, touched func(tcp.Cookie) bool) map[tcp.Cookie]said {
	for cookie, f := range before {
		if a, there := after[cookie]; touched(cookie) && (!there || a.count == f.count && a.fires.Sub(f.fires).Abs() < 100*time.Millisecond) {
			after[cookie] = f
		}
	}
	return after
}

// hold waits for the ends that were forecast for the next seconds. What ends does so within its interval and with the error that was named, and nothing else ends.
func (c *crowd) hold(forecasts map[tcp.Cookie]said) (ended int) {
	c.t.Helper()
	open, last := map[tcp.Cookie]said{}, time.Now()
	for cookie, f := range forecasts {
		if f.Kind == "unknown" || strings.HasPrefix(f.name, "bound ") { // ss 6.1 does not know bound ones
			continue
		}
		open[cookie] = f
		if f.Kind == "at" && time.Until(f.latest) < soon && f.latest.After(last) {
			last = f.latest
		}
	}
	const late, early = time.Second, 50 * time.Millisecond // a busy machine's timers, and the clock of the forecast
	for {
		asked := time.Now()
		there := look(c.t, c.ns).cookies
		for cookie, f := range open {
			_, alive := there[cookie]
			switch now := time.Now(); {
			case !alive && (f.Kind != "at" || now.Before(f.earliest.Add(-early))):
				c.t.Errorf("%s has ended after %.2f s; the forecast was %s", f.name, now.Sub(f.taken).Seconds(), f)
				delete(open, cookie)
			case !alive:
				ended++
				c.wants(f)
				delete(open, cookie)
			case f.Kind == "at" && asked.After(f.latest.Add(late)):
				c.t.Errorf("%s is there after %.2f s; the forecast was %s", f.name, asked.Sub(f.taken).Seconds(), f)
				delete(open, cookie)
			}
		}
		if asked.After(last.Add(late)) {
			return ended
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func (f said) String() string {
	if f.Kind != "at" {
		return f.Kind + ": " + f.Reason
	}
	return fmt.Sprintf("%.2f to %.2f s: %s", f.earliest.Sub(f.taken).Seconds(), f.latest.Sub(f.taken).Seconds(), f.Reason)
}

// wants looks at the program's end of a socket that has ended: the error is the one that was forecast, and the descriptor is open.
func (c *crowd) wants(f said) {
	c.t.Helper()
	i := slices.IndexFunc(c.all, func(e nstest.Expected) bool { return f.is(e) })
	if i < 0 || c.all[i].FD < 0 {
		if f.Error != nil && i >= 0 {
			c.t.Errorf("%s: nobody holds it, and the forecast names %s", f.name, *f.Error)
		}
		return
	}
	errno, err := unix.GetsockoptInt(c.all[i].FD, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		c.t.Errorf("%s: the descriptor is gone: %v", f.name, err)
	}
	if f.Error == nil || unix.ErrnoName(unix.Errno(errno)) != *f.Error {
		c.t.Errorf("%s: the program gets %v, the forecast was %v", f.name, unix.Errno(errno), f.Error)
	}
}

func (f said) is(e nstest.Expected) bool {
	peer := endpointJSON{e.Peer.Addr().String(), e.Peer.Port()}
	return e.Listed && strings.HasSuffix(f.name, fmt.Sprintf(" %v > %v", endpointJSON{e.Local.Addr().String(), e.Local.Port()}, &peer))
}

// untouched is what no change of settings or options alters at once: the sockets and their states, the accept queues, the descriptors, what was sent to peers.
func (c *crowd) untouched(what string, before seen) {
	c.t.Helper()
	after := look(c.t, c.ns)
	for port, waiting := range before.waiting {
		if after.waiting[port] != waiting {
			c.t.Errorf("%s: %d wait in the accept queue of port %d, there were %d", what, after.waiting[port], port, waiting)
		}
	}
	for cookie, tuple := range before.cookies {
		if _, there := after.cookies[cookie]; there && after.states[tuple] != before.states[tuple] {
			c.t.Errorf("%s: %v was %v and is %v", what, tuple, before.states[tuple], after.states[tuple])
		}
	}
	for _, e := range c.all {
		if e.FD < 0 {
			continue
		}
		if _, err := unix.FcntlInt(uintptr(e.FD), unix.F_GETFD, 0); err != nil {
			c.t.Errorf("%s: the descriptor of %v: %v", what, e, err)
		}
	}
}

// frees wants steps that promise nothing but a value.
func (c *crowd) frees(doc *changeJSON) {
	c.t.Helper()
	for _, s := range doc.Steps {
		if s.Frees.Sockets+s.Frees.FDs+s.Frees.AcceptQueuePlaces != 0 || !s.Undoable {
			c.t.Errorf("%s %s is promised to free %+v, undoable %v", s.Action, s.Target, s.Frees, s.Undoable)
		}
	}
}

// hasty are settings by which the kernel soon gives up whatever waits for an answer.
var hasty = map[string]string{
	"tcp_retries2": "1", "tcp_orphan_retries": "1", "tcp_syn_retries": "1", "tcp_synack_retries": "1", "tcp_fin_timeout": "1",
	"tcp_keepalive_time": "1", "tcp_keepalive_intvl": "1", "tcp_keepalive_probes": "1",
}

// TestTune_everyState changes all settings that end sockets under a socket in every state: each ends when the plan's forecast said, or lives on; nothing else happens to any, and undo
// puts the settings back, in this namespace alone.
func TestTune_everyState(t *testing.T) {
	t.Parallel()
	c, state := newCrowd(t), t.TempDir()
	args := []string{"tune", "--netns", c.ns.Path(), "--accept-risk=below-rfc-minimum"}
	var changes []string
	for key, value := range hasty {
		changes = append(changes, key+"="+value)
	}
	slices.Sort(changes)
	values := func() (list []string) {
		c.ns.Do(func() {
			for _, change := range changes {
				key, _, _ := strings.Cut(change, "=")
				b, err := os.ReadFile("/proc/sys/net/ipv4/" + key)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, key+"="+strings.TrimSpace(string(b)))
			}
		})
		return list
	}
	was := values()
	plan, notes, code := changingIn(t, state, append(append(args, changes...), "-n")...)
	if code != 0 || len(plan.Steps) != len(changes) {
		t.Fatalf("exit %d, %s: %+v", code, notes, plan)
	}
	c.frees(plan)
	if now := values(); !slices.Equal(now, was) {
		t.Errorf("a plan has changed %v to %v", was, now)
	}
	before, there := c.forecasts(changes...), look(t, c.ns)
	result, notes, code := changingIn(t, state, append(append(args, changes...), "--yes")...)
	if code != 0 || result.Undo == nil || slices.ContainsFunc(result.Steps, func(s stepJSON) bool { return *s.Status != "done" || !s.Verified }) {
		t.Fatalf("exit %d, %s: %+v", code, notes, result)
	}
	if now := values(); !slices.Equal(now, changes) {
		t.Errorf("the settings are %v, promised was %v", now, changes)
	}
	after := c.forecasts()
	c.untouched("tune", there)
	if ended := c.hold(held(before, after, func(tcp.Cookie) bool { return true })); ended == 0 { // some twenty; on a busy machine the crowd takes long to make, and time-outs have grown by then
		t.Error("no socket has ended")
	} else {
		t.Logf("%d sockets have ended", ended)
	}
	if !strings.Contains(plan.line("now"), "here end otherwise: in ") {
		t.Errorf("now: %q", plan.line("now"))
	}
	there = look(t, c.ns)
	if _, notes, code = changingIn(t, state, "undo", "--yes"); code != 0 || !slices.Equal(values(), was) {
		t.Errorf("undo: exit %d, %s; the settings are %v, were %v", code, notes, values(), was)
	}
	c.untouched("undo", there)
}

// patience is all that limit sets: user timeout and RTO max in milliseconds, then keepalive: on, idle, interval, probes.
type patience [6]int

func patienceOf(t *testing.T, fd int) (p patience) {
	t.Helper()
	both := options(t, fd)
	p[0], p[1] = both[0], both[1]
	for i, o := range [4][2]int{{unix.SOL_SOCKET, unix.SO_KEEPALIVE}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE}, {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL}, {unix.IPPROTO_TCP, unix.TCP_KEEPCNT}} {
		var err error
		if p[2+i], err = unix.GetsockoptInt(fd, o[0], o[1]); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestLimit_everyState sets all options there are on a socket in every state: on those the plan names and no others; undo puts back what each had; then they end when the plan's forecast said.
func TestLimit_everyState(t *testing.T) {
	t.Parallel()
	c, state := newCrowd(t), t.TempDir()
	rtoMax := !nstest.Before(t, 6, 15)
	limit := func(filter, timeout, rto, keepalive string) []string {
		args := []string{"limit", timeout, filter, "--netns", c.ns.Path(), "--max=1000", "--accept-risk=hides-leak", "--keepalive", keepalive}
		if rtoMax {
			args = append(args, "--rto-max", rto)
		}
		return args
	}
	was := map[int]patience{}
	for _, e := range c.all {
		if e.FD >= 0 {
			was[e.FD] = patienceOf(t, e.FD)
		}
	}
	there := look(t, c.ns)
	set := func(args []string, want patience, others bool) (touched map[tcp.Cookie]bool) {
		t.Helper()
		result, notes, code := changingIn(t, state, append(args, "--yes")...)
		if code != 0 || result.Undo == nil || slices.ContainsFunc(result.Steps, func(s stepJSON) bool { return *s.Status != "done" }) {
			t.Fatalf("exit %d, %s: %+v", code, notes, result)
		}
		c.frees(result)
		for _, m := range c.made {
			c.limited(m.Subject, true, result, was, want, rtoMax)
			for _, e := range m.Others {
				c.limited(e, others, result, was, want, rtoMax)
			}
		}
		touched = map[tcp.Cookie]bool{}
		for _, s := range result.Steps {
			cookie, err := tcp.ParseCookie(s.Detail.Cookie)
			if err != nil {
				t.Fatal(err)
			}
			touched[cookie] = true
		}
		return touched
	}
	want := patience{600_000, 60_000, 1, 600, 60, 9}
	if !rtoMax {
		want[1] = 0
	}
	set(limit("state all", "10m", "60s", "600s/60s/9"), want, true)
	c.untouched("limit", there)
	if _, notes, code := changingIn(t, state, "undo", "--yes"); code != 0 {
		t.Errorf("undo: exit %d, %s", code, notes)
	}
	for _, e := range c.all {
		if e.FD >= 0 && patienceOf(t, e.FD) != was[e.FD] {
			t.Errorf("after the undo %v has %v, it had %v", e, patienceOf(t, e.FD), was[e.FD])
		}
	}
	changes := []string{"user_timeout=1500", "keepalive=1", "keepalive_time=1", "keepalive_intvl=1", "keepalive_probes=2"}
	want = patience{1500, 0, 1, 1, 1, 2}
	if rtoMax {
		changes, want[1] = append(changes, "rto_max=1s"), 1000
	}
	before := c.forecasts(changes...)
	touched := set(limit(c.subjects(), "1500ms", "1s", "1s/1s/2"), want, false)
	forecasts := held(before, c.forecasts(), func(cookie tcp.Cookie) bool { return touched[cookie] })
	if ended := c.hold(forecasts); ended == 0 { // some twenty; on a busy machine the crowd takes long to make, and time-outs have grown by then
		t.Error("no socket has ended")
	} else {
		t.Logf("%d sockets have ended", ended)
	}
}

// shown is an end as plans show it.
func shown(end netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(end.Addr().Unmap(), end.Port())
}

// limited wants the options on a socket that was meant, has a descriptor and can feel them, and the old values on any other.
func (c *crowd) limited(e nstest.Expected, meant bool, result *changeJSON, was map[int]patience, want patience, rtoMax bool) {
	c.t.Helper()
	steps, each := 0, 2
	for _, s := range result.Steps {
		if s.Target == fmt.Sprintf("%v > %v", shown(e.Local), shown(e.Peer)) {
			steps++
		}
	}
	if rtoMax {
		each++
	}
	touched := meant && e.Listed && e.FD >= 0 && !slices.Contains([]tcp.State{tcp.Listen, tcp.Closed, tcp.Bound, tcp.TimeWait}, e.State)
	if touched && steps != each || !touched && steps > 0 {
		c.t.Errorf("%v: %d steps, can be limited: %v", e, steps, touched)
	}
	if !touched {
		want = was[e.FD]
	}
	if e.FD >= 0 && patienceOf(c.t, e.FD) != want {
		c.t.Errorf("%v has %v, want %v", e, patienceOf(c.t, e.FD), want)
	}
}
