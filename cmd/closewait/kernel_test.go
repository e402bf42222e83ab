package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(rootEnv); root != "" {
		programBelow(root)
	}
	nstest.Main(m)
}

// closewait runs the program within this process and returns what it printed.
func closewait(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cfg := cli.System()
	var out, err bytes.Buffer
	cfg.Streams = cli.Streams{In: strings.NewReader(""), Out: &out, Err: &err}
	code = cli.Main(args, cfg)
	return out.String(), err.String(), code
}

// socketJSON is what scripts rely on, written down independently of the program's own types.
type socketJSON struct {
	Family, State  string
	Local          endpointJSON
	Peer           *endpointJSON
	Cookie         string
	Inode, UID     uint32
	RecvQueueBytes uint32 `json:"recv_queue_bytes"`
	SendQueueBytes uint32 `json:"send_queue_bytes"`
	Timer          struct {
		Kind           string
		ExpiresSeconds *float64 `json:"expires_seconds"`
		Count          uint8
	}
	Info     map[string]float64
	Accepted *bool
	Holders  []struct {
		PID, FD int
		Comm    string
	}
	Ends struct{ Kind string }
	Age  struct {
		Seconds *float64
		Kind    string
	}
}

type endpointJSON struct {
	Address string
	Port    uint16
}

func (e *endpointJSON) addrPort() netip.AddrPort {
	if e == nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.MustParseAddr(e.Address), e.Port)
}

// TestLs_agreesWithSS makes a socket in every state, for IPv4, IPv6 and IPv4-mapped addresses, in a namespace other than the program's own, and compares what
// "ls -o json" says of it with what ss says, field by field.
func TestLs_agreesWithSS(t *testing.T) {
	for _, scene := range nstest.Scenes() {
		for _, fam := range nstest.Families() {
			t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
				nstest.Require(t)
				ns := nstest.New(t)
				ns.Do(func() { scene.Build(t, fam) })
				var differences []string
				for range 10 { // a timer may fire more than once meanwhile, but ever more seldom
					if differences = lsAgainstSS(t, ns); len(differences) == 0 {
						return
					}
				}
				t.Error(strings.Join(differences, "\n"))
			})
		}
	}
}

func lsAgainstSS(t *testing.T, ns *nstest.Namespace) []string {
	t.Helper()
	ask := func() (sockets []nstest.SSSocket) {
		ns.Do(func() { sockets = nstest.SS(t, "-tanoieH") })
		return sockets
	}
	var out, notes string
	var code int
	ss := nstest.Around(ask, func() { out, notes, code = closewait(t, "ls", "-o", "json", "--netns", ns.Path()) })
	if code != 0 || notes != "" {
		t.Fatalf("exit %d: %s", code, notes)
	}
	var list struct {
		Kind    string
		Sockets []socketJSON
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || list.Kind != "SocketList" {
		t.Fatalf("kind %q, %v", list.Kind, err)
	}
	ours := slices.DeleteFunc(list.Sockets, func(s socketJSON) bool { return s.State == "bound" }) // ss 6.1 does not know them
	var cookies []tcp.Cookie
	for i := range ours {
		cookie, err := strconv.ParseUint(ours[i].Cookie, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, tcp.Cookie(cookie))
	}
	return ss.Differences(cookies, func(i int, ss *nstest.SSSocket) map[string]string { return compareJSON(&ours[i], ss) })
}

func compareJSON(s *socketJSON, ss *nstest.SSSocket) map[string]string {
	differences := map[string]string{}
	check := func(what string, equal bool, ours, theirs any) {
		if !equal {
			differences[what] = fmt.Sprintf("%s: %s %v, ss %v", s.State, what, ours, theirs)
		}
	}
	check("state", s.State == ss.State.String(), s.State, ss.State)
	check("family", s.Family == ss.Family.String(), s.Family, ss.Family)
	check("local", sameEnd(s.Local.addrPort(), ss.Local), s.Local, ss.Local)
	check("peer", s.State == "listen" && s.Peer == nil || sameEnd(s.Peer.addrPort(), ss.Peer), s.Peer, ss.Peer)
	check("recv-q", s.RecvQueueBytes == ss.RecvQueue, s.RecvQueueBytes, ss.RecvQueue)
	check("send-q", s.SendQueueBytes == ss.SendQueue, s.SendQueueBytes, ss.SendQueue)
	check("inode", s.Inode == ss.Inode, s.Inode, ss.Inode)
	check("uid", s.UID == ss.UID, s.UID, ss.UID)
	check("timer", s.Timer.Kind == ss.Timer.Kind.String() && s.Timer.Count == ss.Timer.Count, s.Timer, ss.Timer)
	if s.Timer.ExpiresSeconds != nil {
		expires := time.Duration(*s.Timer.ExpiresSeconds * float64(time.Second))
		check("expires", expires >= ss.Timer.Min && expires <= ss.Timer.Max, expires, ss.Timer.Text)
	}
	if s.State == "listen" { // its tcp_info has the two queues once more, under the names of other things
		check("info", s.Info == nil, s.Info, "")
		return differences
	}
	for key, name := range map[string]string{
		"unacked": "unacked", "bytes_acked": "bytes_acked", "bytes_received": "bytes_received", "bytes_sent": "bytes_sent",
		"segs_out": "segments_sent", "segs_in": "segments_received", "notsent": "not_sent_bytes", "snd_wnd": "send_window_bytes", "backoff": "backoff",
	} {
		if text := ss.Info[key]; text != "" {
			theirs, err := strconv.ParseFloat(text, 64)
			check(key, err == nil && s.Info[name] == theirs, s.Info[name], text)
		}
	}
	for key, name := range map[string]string{"rto": "rto_seconds"} {
		if text := ss.Info[key]; text != "" {
			theirs, err := strconv.ParseFloat(text, 64)
			check(key, err == nil && s.Info[name]*1000 == theirs, s.Info[name], text)
		}
	}
	return differences
}

func sameEnd(a, b netip.AddrPort) bool {
	unspecified := func(addr netip.Addr) bool { return !addr.IsValid() || addr.IsUnspecified() }
	return a.Port() == b.Port() && (a.Addr() == b.Addr() || unspecified(a.Addr()) && unspecified(b.Addr()))
}

// TestLs_holders names the process that holds a socket, and says that nobody does where that is so.
func TestLs_holders(t *testing.T) {
	nstest.Require(t)
	h := nstest.StartHolder(t, 3)
	out, _, code := closewait(t, "ls", "-o", "json", "--netns", strconv.Itoa(os.Getpid()), "state", "close-wait")
	var list struct{ Sockets []socketJSON }
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 || len(list.Sockets) < 3 {
		t.Fatalf("exit %d, %v, %d sockets", code, err, len(list.Sockets))
	}
	for _, s := range list.Sockets {
		if len(s.Holders) != 1 || s.Holders[0].PID != h.PID || s.Accepted == nil || !*s.Accepted || s.Ends.Kind != "never" {
			t.Errorf("%+v, want holder %d", s, h.PID)
		}
	}
}

// TestUnprivileged runs the binary as nobody: it answers, exits with 0, and says once that owners are missing.
func TestUnprivileged(t *testing.T) {
	nstest.Require(t)
	if os.Getuid() != 0 {
		t.Skip("needs root to become nobody")
	}
	if _, err := exec.LookPath("go"); err != nil {
		nstest.Missing(t, "go, to build a program for somebody else")
	}
	binary := filepath.Join(t.TempDir(), "closewait")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.Chmod(filepath.Dir(binary), 0o755); err != nil {
		t.Fatal(err)
	}
	nstest.StartHolder(t, 3)
	cmd := exec.Command("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", binary, "ls", "-p", "state", "close-wait")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if strings.Contains(stderr.String(), "setresuid") || strings.Contains(stderr.String(), "ermission") {
			t.Skipf("this namespace has no uid 65534: %s", stderr.String())
		}
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if n := strings.Count(stdout.String(), "\n"); n != 3 {
		t.Errorf("%d sockets, want 3:\n%s", n, stdout.String())
	}
	if n := strings.Count(stderr.String(), "CW501"); n != 1 {
		t.Errorf("CW501 said %d times:\n%s", n, stderr.String())
	}
}

// TestFilters_kernelAndGo: a filter selects the same sockets whether the kernel tests what it can or all is tested here.
func TestFilters_kernelAndGo(t *testing.T) {
	nstest.Require(t)
	ns := nstest.New(t)
	var port uint16
	ns.Do(func() {
		for _, fam := range nstest.Families() {
			for _, name := range []string{"close_wait_unread", "listen_waiting", "time_wait", "syn_received", "established", "last_ack_orphan", "bound"} {
				port = nstest.Build(t, name, fam).Subject.Local.Port()
			}
		}
	})
	for _, filter := range []string{
		"state close-wait", "state listen or state time-wait", "not state close-wait", "src 127.0.0.0/8", "dst ::1", "src 0.0.0.0/0", "not dst 127.0.0.1",
		fmt.Sprintf("sport = :%d", port), fmt.Sprintf("sport > :%d and state established", port), fmt.Sprintf("not ( dport <= :%d )", port), "recvq > 0",
		"unaccepted", "orphan", "timer = timewait", "ipv6", "mapped", "state syn-recv", "state bound", "state all",
	} {
		pushed, _, code := closewait(t, "ls", "-o", "name", "--netns", ns.Path(), filter)
		// "stuck or not stuck" holds for every row and needs a diagnosis, for which the kernel must not leave anything out.
		here, _, code2 := closewait(t, "ls", "-o", "name", "--netns", ns.Path(), "( "+filter+" ) and ( stuck or not stuck )")
		if code != 0 || code2 != 0 || sortedLines(pushed) != sortedLines(here) {
			t.Errorf("%s: kernel and Go\n%s\nGo alone\n%s (exit %d, %d)", filter, pushed, here, code, code2)
		}
	}
}

func sortedLines(text string) string {
	set := map[string]int{}
	for line := range strings.Lines(text) {
		set[line]++
	}
	return fmt.Sprint(set)
}
