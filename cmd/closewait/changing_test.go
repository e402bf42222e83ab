package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// allRisks accepts what a test is about.
const allRisks = "--accept-risk=not-undoable,hides-leak,accept-queue,live-connections,data-loss,kernel-owned,own-connection,listeners,orphan-bug"

// changeJSON is what scripts rely on of a Change and its Result, written down independently of the program's own types.
type changeJSON struct {
	Kind   string
	ID     string
	Risks  []string
	Undo   *string
	Groups []struct {
		Sign, Title string
		Steps       int
		Lines       []struct{ Label, Text string }
	}
	Refused []struct {
		Why        string
		AcceptWith string `json:"accept_with"`
	}
	Steps []stepJSON
}

type stepJSON struct {
	Action, Target string
	Before, After  any
	Undoable       bool
	Frees          struct {
		Sockets, FDs      int
		AcceptQueuePlaces int `json:"accept_queue_places"`
	}
	Detail        struct{ Cookie string }
	Status, Error *string
	Verified      bool
}

func (c *changeJSON) line(label string) string {
	for _, g := range c.Groups {
		for _, l := range g.Lines {
			if l.Label == label && g.Sign != "=" {
				return l.Text
			}
		}
	}
	return ""
}

// changing runs an acting verb with a journal of its own, and returns its document, nil when it printed none.
func changing(t testing.TB, args ...string) (doc *changeJSON, stderr string, code int) {
	t.Helper()
	return changingIn(t, t.TempDir(), args...)
}

// changingIn is changing with the journal in a state directory.
func changingIn(t testing.TB, state string, args ...string) (doc *changeJSON, stderr string, code int) {
	t.Helper()
	cfg := cli.System()
	var out, err bytes.Buffer
	cfg.Streams = cli.Streams{In: strings.NewReader(""), Out: &out, Err: &err}
	cfg.States = func() []string { return []string{state} }
	code = cli.Main(append(args, "-o", "json"), cfg)
	if out.Len() == 0 {
		return nil, err.String(), code
	}
	doc = &changeJSON{}
	if e := json.Unmarshal(out.Bytes(), doc); e != nil {
		t.Fatalf("%v: %s", e, out.String())
	}
	return doc, err.String(), code
}

// only is a filter for one socket.
func only(e nstest.Expected) string {
	text := fmt.Sprintf("state %s and sport = :%d", strings.ReplaceAll(e.State.String(), "_", "-"), e.Local.Port())
	if e.Peer.Port() != 0 {
		text += fmt.Sprintf(" and dport = :%d", e.Peer.Port())
	}
	return text
}

// seen is what the kernel shows of a scene beside the socket itself.
type seen struct {
	states  map[tcp.Tuple]tcp.State
	cookies map[tcp.Cookie]tcp.Tuple
	waiting map[uint16]uint32 // in accept queues, by the listener's port
	resets  int               // sent in the namespace
}

func look(t *testing.T, ns *nstest.Namespace) seen {
	t.Helper()
	s := seen{states: map[tcp.Tuple]tcp.State{}, cookies: map[tcp.Cookie]tcp.Tuple{}, waiting: map[uint16]uint32{}}
	ns.Do(func() {
		for _, x := range nstest.SS(t) {
			tuple := (&tcp.Socket{Local: tcp.EndpointOf(x.Local), Peer: tcp.EndpointOf(x.Peer)}).Tuple()
			s.states[tuple], s.cookies[x.Cookie] = x.State, tuple
			if x.State == tcp.Listen {
				s.waiting[x.Local.Port()] = x.RecvQueue
			}
		}
		s.resets = outResets(t)
	})
	return s
}

// gone counts the sockets that were there and are not any more. A SYN that is sent again makes another socket with the same addresses.
func (s seen) gone(after seen) (n int, tuples map[tcp.Tuple]bool) {
	tuples = map[tcp.Tuple]bool{}
	for cookie, tuple := range s.cookies {
		if _, there := after.cookies[cookie]; !there {
			n++
			tuples[tuple] = true
		}
	}
	return n, tuples
}

// outResets reads OutRsts of the calling thread's namespace.
func outResets(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); words[0] == "Tcp:" && names == nil {
			names = words
		} else if words[0] == "Tcp:" {
			n, err := strconv.Atoi(words[slices.Index(names, "OutRsts")])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no OutRsts")
	return 0
}

// meets is what a program meets on its descriptor: poll, what can be read up to the end, and what writing twice gives.
func meets(fd int) string {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	_, _ = unix.Poll(poll, 0)
	var words []string
	for _, e := range []struct {
		bit  int16
		name string
	}{{unix.POLLERR, "ERR"}, {unix.POLLHUP, "HUP"}} {
		if poll[0].Revents&e.bit != 0 {
			words = append(words, e.name)
		}
	}
	n, err := drain(fd)
	words = append(words, "read", strconv.Itoa(n), name(err), "write", name(send(fd)), name(send(fd)))
	return strings.Join(words, " ")
}

func send(fd int) error {
	_, err := unix.SendmsgN(fd, []byte{1}, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	return err
}

// drain reads up to the end or an error.
func drain(fd int) (n int, err error) {
	b := make([]byte, 64<<10)
	for {
		got, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
		if got <= 0 || err != nil {
			return n, err
		}
		n += got
	}
}

func name(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return "ok"
}

// TestClose_destroyKeepsItsPromise destroys a socket in every state and holds what the kernel shows then against what the plan has said: what is freed and what is not, what
// the program meets, what the peer gets.
func TestClose_destroyKeepsItsPromise(t *testing.T) {
	for _, scene := range nstest.Scenes() {
		for _, fam := range nstest.Families() {
			t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
				nstest.Require(t)
				t.Parallel()
				ns := nstest.New(t)
				var made nstest.Made
				ns.Do(func() { made = scene.Build(t, fam) })
				if !made.Subject.Listed || made.Subject.State == tcp.Bound || made.Subject.State == tcp.Closed {
					nothingToClose(t, ns, made.Subject)
					return
				}
				destroyed(t, ns, made)
			})
		}
	}
}

// nothingToClose: sockets that are in no table cannot be closed, and bound ones have nothing to be closed but the descriptor.
func nothingToClose(t *testing.T, ns *nstest.Namespace, subject nstest.Expected) {
	t.Helper()
	_, _, code := changing(t, "close", fmt.Sprintf("sport = :%d", subject.Local.Port()), "--how=destroy", "--netns", ns.Path(), "--yes", allRisks)
	if code != 4 {
		t.Errorf("exit %d", code)
	}
	if _, err := unix.FcntlInt(uintptr(subject.FD), unix.F_GETFD, 0); err != nil {
		t.Error(err)
	}
}

func destroyed(t *testing.T, ns *nstest.Namespace, made nstest.Made) {
	t.Helper()
	args := []string{"close", only(made.Subject), "--how=destroy", "--netns", ns.Path(), allRisks}
	plan, notes, code := changing(t, append(args, "-n")...)
	if mini := made.Subject.Timer == tcp.TimerTimeWait; mini && nstest.Before(t, 6, 0) {
		if code != 4 || len(plan.Refused) != 1 || !strings.Contains(plan.Refused[0].Why, "before 6.0") {
			t.Errorf("exit %d, %+v; this kernel destroys no such socket", code, plan.Refused)
		}
		return
	}
	if code != 0 || len(plan.Steps) != 1 {
		t.Fatalf("exit %d, %s: %+v", code, notes, plan)
	}
	before := look(t, ns)
	result, notes, code := changing(t, append(args, "--yes")...)
	after := look(t, ns)
	lost, gone := before.gone(after)
	if orphan := made.Subject.Inode == 0 && made.Subject.FD < 0 && made.Subject.Timer != tcp.TimerTimeWait; orphan && code == 5 && nstest.Before(t, 6, 11) {
		if !slices.Contains(plan.Risks, "orphan-bug") || *result.Steps[0].Status != "failed" || gone[made.Subject.Tuple()] {
			t.Errorf("risks %v, %s, gone %v; this kernel may keep it", plan.Risks, *result.Steps[0].Status, gone)
		}
		return
	}
	if code != 0 || len(result.Steps) != 1 || *result.Steps[0].Status != "done" || !result.Steps[0].Verified || result.Undo != nil {
		t.Fatalf("exit %d, %s: %s, undo %v: %+v", code, notes, *result.Steps[0].Status, result.Undo, result.Steps)
	}
	if !gone[made.Subject.Tuple()] {
		t.Errorf("it is in the tables still: %v", after.states[made.Subject.Tuple()])
	}
	freed := result.Steps[0].Frees
	if freed.FDs != 0 {
		t.Errorf("frees %d descriptors", freed.FDs)
	}
	if made.Subject.FD >= 0 {
		if _, err := unix.FcntlInt(uintptr(made.Subject.FD), unix.F_GETFD, 0); err != nil {
			t.Errorf("the descriptor: %v", err)
		}
	}
	if lost < freed.Sockets {
		t.Errorf("%d sockets are gone, %d were promised", lost, freed.Sockets)
	}
	if promised, got := strings.HasPrefix(plan.line("peer"), "a reset"), after.resets > before.resets; promised && !got || !promised && got && !sending(made) {
		t.Errorf("peer: %q, and %d resets were sent", plan.line("peer"), after.resets-before.resets)
	}
	queues(t, made, plan, before, after)
	if made.Subject.State == tcp.Listen {
		if _, _, err := unix.Accept(made.Subject.FD); plan.line("app") != "accept() fails with "+name(err) {
			t.Errorf("app: %q, and accept gives %v", plan.line("app"), err)
		}
		return
	}
	if fd := openEnd(t, made); fd >= 0 {
		if got, want := meets(fd), promise(t, plan.line("app"), made.Subject); got != want {
			t.Errorf("app: %q\n     the program meets %q, want %q", plan.line("app"), got, want)
		}
	}
}

// sending reports whether another socket of the scene sends again and again, which a socket that is no more answers by a reset.
func sending(made nstest.Made) bool {
	return slices.ContainsFunc(made.Others, func(e nstest.Expected) bool { return e.Timer == tcp.TimerRetransmit || e.Timer == tcp.TimerPersist })
}

// queues holds the accept queues against the plan.
func queues(t *testing.T, made nstest.Made, plan *changeJSON, before, after seen) {
	t.Helper()
	for port, waiting := range before.waiting {
		freed := int(waiting) - int(after.waiting[port])
		promised := 0
		if port == made.Subject.Local.Port() {
			promised = plan.Steps[0].Frees.AcceptQueuePlaces
		}
		if freed != promised {
			t.Errorf("%d places of the accept queue of port %d were freed, %d promised", freed, port, promised)
		}
	}
}

// openEnd is the descriptor by which a program meets what has become of the subject, -1 when none has one: of a connection that nobody accepted, the one accept returns.
func openEnd(t *testing.T, made nstest.Made) int {
	t.Helper()
	if made.Subject.FD >= 0 || made.Subject.State != tcp.Established && made.Subject.State != tcp.CloseWait {
		return made.Subject.FD
	}
	for _, e := range made.Others {
		if e.State == tcp.Listen {
			fd, _, err := unix.Accept4(e.FD, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Close(fd) })
			return fd
		}
	}
	t.Fatal("no listener")
	return -1
}

// promise is what a program must meet when the plan says so of it.
func promise(t *testing.T, app string, subject nstest.Expected) string {
	t.Helper()
	unread := subject.RecvQueue
	ended := tcp.SetOf(tcp.CloseWait, tcp.LastAck, tcp.Closing).Has(subject.State)
	if ended && unread > 0 {
		unread-- // the FIN
	}
	switch {
	case strings.Contains(app, "end-of-file without an error; writing fails with ECONNABORTED, then EPIPE"), strings.HasPrefix(app, "accept() returns the dead") && ended:
		return fmt.Sprintf("ERR HUP read %d ok write ECONNABORTED EPIPE", unread)
	case strings.HasPrefix(app, "accept() returns the dead"), strings.Contains(app, "then the next call fails with ECONNABORTED"), app == "connect fails with ECONNABORTED":
		return fmt.Sprintf("ERR HUP read %d ECONNABORTED write EPIPE EPIPE", unread)
	}
	t.Fatalf("no such promise is known: %q", app)
	return ""
}

// TestClose_shutdownKeepsItsPromise shuts a socket in every state down.
func TestClose_shutdownKeepsItsPromise(t *testing.T) {
	for i, scene := range nstest.Scenes() {
		fam := nstest.Families()[i%len(nstest.Families())] // it goes through a descriptor, whatever the family
		t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
			nstest.Require(t)
			t.Parallel()
			ns := nstest.New(t)
			var made nstest.Made
			ns.Do(func() { made = scene.Build(t, fam) })
			if made.Subject.Listed && made.Subject.State != tcp.Bound && made.Subject.State != tcp.Closed {
				shutDown(t, ns, made)
			}
		})
	}
}

// refusal is why sockets cannot be shut down, by the scene's state and by whether a program has a descriptor.
func refusal(e nstest.Expected) string {
	switch {
	case e.State == tcp.Listen:
		return "a listener sends no FIN"
	case e.State == tcp.SynSent || e.State == tcp.SynReceived:
		return "not connected yet"
	case tcp.SetOf(tcp.FinWait1, tcp.FinWait2, tcp.LastAck, tcp.Closing, tcp.TimeWait).Has(e.State):
		return "its FIN was sent already"
	case e.FD < 0:
		return "not accepted yet"
	}
	return ""
}

func shutDown(t *testing.T, ns *nstest.Namespace, made nstest.Made) {
	t.Helper()
	args := []string{"close", only(made.Subject), "--how=shutdown", "--netns", ns.Path(), allRisks}
	plan, notes, code := changing(t, append(args, "-n")...)
	if why := refusal(made.Subject); why != "" {
		if code != 4 || len(plan.Refused) != 1 || !strings.Contains(plan.Refused[0].Why, why) {
			t.Errorf("exit %d, %+v, want a refusal for %q", code, plan.Refused, why)
		}
		return
	}
	if code != 0 || len(plan.Steps) != 1 {
		t.Fatalf("exit %d, %s: %+v", code, notes, plan)
	}
	before := look(t, ns)
	result, notes, code := changing(t, append(args, "--yes")...)
	after := look(t, ns)
	if code != 0 || *result.Steps[0].Status != "done" || !result.Steps[0].Verified || result.Undo != nil {
		t.Fatalf("exit %d, %s: %s, %+v", code, notes, *result.Steps[0].Status, result.Steps)
	}
	if after.resets != before.resets {
		t.Errorf("%d resets were sent", after.resets-before.resets)
	}
	state, there := after.states[made.Subject.Tuple()]
	over := result.Steps[0].Frees.Sockets == 1
	switch {
	case over && there:
		t.Errorf("it is promised to be over, and is %v", state)
	case !over && !there:
		t.Error("it is over, which was not promised")
	case there && state.String() != result.Steps[0].After && !(state == tcp.FinWait2 && result.Steps[0].After == "fin_wait_1"):
		t.Errorf("it is %v, promised was %v", state, result.Steps[0].After)
	}
	want, unread := "", made.Subject.RecvQueue
	switch app := plan.line("app"); {
	case strings.HasPrefix(app, "poll returns HUP; what has come can still be read, then end-of-file; writing fails with EPIPE"):
		want = fmt.Sprintf("HUP read %d ok write EPIPE EPIPE", max(unread, 1)-1) // without the FIN
	case app == "reading goes on until the peer closes, too; writing fails with EPIPE":
		want = fmt.Sprintf("read %d EAGAIN write EPIPE EPIPE", unread)
	}
	if got := meets(made.Subject.FD); got != want {
		t.Errorf("app: %q\n     the program meets %q, want %q", plan.line("app"), got, want)
	}
}

// TestLimit_keepsItsPromise limits a socket in every state: where the plan says so the option is set, the socket ends when the plan says, and undo puts the old value back;
// everywhere else nothing is touched.
func TestLimit_keepsItsPromise(t *testing.T) {
	for i, scene := range nstest.Scenes() {
		fam := nstest.Families()[i%len(nstest.Families())] // the timers are those of all families
		t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
			nstest.Require(t)
			t.Parallel()
			ns := nstest.New(t)
			var made nstest.Made
			ns.Do(func() { made = scene.Build(t, fam) })
			if made.Subject.Listed && made.Subject.State != tcp.Bound && made.Subject.State != tcp.Closed {
				limited(t, ns, made.Subject)
			}
		})
	}
}

// cannotLimit is why a socket is left out, "" when it is not.
func cannotLimit(e nstest.Expected) string {
	idle := e.Timer == tcp.TimerNone
	switch {
	case e.State == tcp.Listen:
		return "a listener waits for no answer"
	case e.FD < 0 && tcp.SetOf(tcp.Established, tcp.CloseWait, tcp.SynReceived).Has(e.State):
		return "not accepted yet"
	case e.FD < 0:
		return "closed by its program already"
	case idle && (e.State == tcp.CloseWait || e.State == tcp.FinWait2):
		return "nothing is in flight"
	}
	return ""
}

func limited(t *testing.T, ns *nstest.Namespace, subject nstest.Expected) {
	t.Helper()
	state := t.TempDir()
	args := []string{"limit", "1500ms", only(subject), "--netns", ns.Path()}
	want, after := [2]int{1500, 0}, [2]int{0, 0}
	steps := 1
	if !nstest.Before(t, 6, 15) { // TCP_RTO_MAX_MS
		args, want, after, steps = append(args, "--rto-max", "2s"), [2]int{1500, 2000}, [2]int{0, 120_000}, 2
	}
	why := cannotLimit(subject)
	plan, notes, code := changingIn(t, state, append(args, "-n")...)
	if why != "" {
		if code != 4 || len(plan.Refused) != 1 || !strings.Contains(plan.Refused[0].Why, why) {
			t.Errorf("exit %d, %+v, want a refusal for %q", code, plan.Refused, why)
		}
		return
	}
	if code != 0 || len(plan.Steps) != steps || !plan.Steps[0].Undoable {
		t.Fatalf("exit %d, %s: %+v", code, notes, plan)
	}
	start := time.Now()
	result, notes, code := changingIn(t, state, append(args, "--yes")...)
	if code != 0 || result.Undo == nil || slices.ContainsFunc(result.Steps, func(s stepJSON) bool { return *s.Status != "done" }) {
		t.Fatalf("exit %d, %s: %+v", code, notes, result)
	}
	if got := options(t, subject.FD); got != want {
		t.Errorf("TCP_USER_TIMEOUT and TCP_RTO_MAX_MS are %v ms", got)
	}
	if m := whenText.FindStringSubmatch(plan.line("when")); m != nil {
		endsWithin(t, ns, subject, start, m)
		return
	}
	if _, notes, code = changingIn(t, state, "undo", "--yes"); code != 0 {
		t.Errorf("undo: exit %d, %s", code, notes)
	}
	if got := options(t, subject.FD); got != after {
		t.Errorf("TCP_USER_TIMEOUT and TCP_RTO_MAX_MS are %v ms after the undo", got)
	}
}

var whenText = regexp.MustCompile(`^1 ends in ([0-9.]+)-([0-9.]+) s;`)

// options reads TCP_USER_TIMEOUT and TCP_RTO_MAX_MS (44), 0 where the kernel has no such option.
func options(t *testing.T, fd int) (ms [2]int) {
	t.Helper()
	for i, option := range [2]int{unix.TCP_USER_TIMEOUT, 44} {
		if i > 0 && nstest.Before(t, 6, 15) {
			break
		}
		var err error
		if ms[i], err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, option); err != nil {
			t.Fatal(err)
		}
	}
	return ms
}

// endsWithin waits for the end of a socket and holds it against the plan. The plan was made a little before start.
func endsWithin(t *testing.T, ns *nstest.Namespace, subject nstest.Expected, start time.Time, interval []string) {
	t.Helper()
	earliest, _ := strconv.ParseFloat(interval[1], 64)
	latest, _ := strconv.ParseFloat(interval[2], 64)
	const slack = 3 // seconds, for a busy machine
	for {
		_, there := look(t, ns).states[subject.Tuple()]
		passed := time.Since(start).Seconds()
		switch {
		case !there && passed < earliest-slack/2.:
			t.Errorf("it ended after %.1f s, the plan had said %s-%s", passed, interval[1], interval[2])
			return
		case !there:
			return
		case passed > latest+slack:
			t.Errorf("it is still there after %.1f s, the plan had said %s-%s", passed, interval[1], interval[2])
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// link is a connection to a listener whose server's end is in CLOSE_WAIT.
type link struct{ server, client *nstest.Socket }

// connect makes a link; port is the client's, 0 for any.
func connect(t *testing.T, listener *nstest.Socket, port uint16) link {
	t.Helper()
	client := nstest.Open(t, nstest.IPv4)
	client.Set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	client.BindPort(port)
	client.Connect(listener.Local())
	l := link{listener.Accept(), client}
	client.CloseWrite()
	l.server.Await(tcp.CloseWait)
	return l
}

func (l link) tuple() tcp.Tuple {
	return (&tcp.Socket{Local: tcp.EndpointOf(l.server.Local()), Peer: tcp.EndpointOf(l.client.Local())}).Tuple()
}

// TestApply_sparesReusedAddresses plans the end of sockets, then has half of the connections replaced by others with the same addresses in the same state: applying the plan ends
// the old ones and touches none of the new.
func TestApply_sparesReusedAddresses(t *testing.T) {
	nstest.Require(t)
	ns, state := nstest.New(t), t.TempDir()
	const n = 20
	var listener *nstest.Socket
	links := make([]link, n)
	ns.Do(func() {
		listener = nstest.Listen(t, nstest.IPv4, n)
		for i := range links {
			links[i] = connect(t, listener, 0)
		}
	})
	var tuples [n]tcp.Tuple
	for i := range links {
		tuples[i] = links[i].tuple()
	}
	filter, file := fmt.Sprintf("state close-wait and sport = :%d", listener.Local().Port()), filepath.Join(state, "plan")
	if _, notes, code := changingIn(t, state, "close", filter, "--how=destroy", "--netns", ns.Path(), allRisks, "--save", file); code != 0 {
		t.Fatalf("exit %d, %s", code, notes)
	}
	ns.Do(func() {
		for i := range links[:n/2] {
			links[i].client.Abort()
			links[i].server.Close()
			links[i] = connect(t, listener, tuples[i].Peer.Port())
		}
	})
	result, notes, code := changingIn(t, state, "apply", file, "--netns", ns.Path(), "--yes")
	if code != 0 {
		t.Fatalf("exit %d, %s", code, notes)
	}
	count := map[string]int{}
	for i := range result.Steps {
		count[*result.Steps[i].Status]++
	}
	if count["gone"] != n/2 || count["done"] != n/2 || len(count) != 2 {
		t.Errorf("%v, want half of %d gone and half done", count, n)
	}
	after := look(t, ns).states
	for i := range tuples {
		if state, there := after[tuples[i]]; there != (i < n/2) || there && state != tcp.CloseWait {
			t.Errorf("%v: in the tables: %v, %v", tuples[i], there, state)
		}
	}
}
