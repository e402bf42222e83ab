package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// rootEnv makes the test binary the program itself, with /etc and its journal below a directory.
const rootEnv = "CLOSEWAIT_ROOT"

func programBelow(root string) {
	if other := map[string]func() error{offender: offend, bareClose: closeBare, churnMode: churn}[os.Args[len(os.Args)-1]]; other != nil {
		if err := other(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	runtime.LockOSThread() // so that strace sees and counts the calls of one thread
	cfg := cli.System()
	cfg.Root = root
	cfg.States = func() []string { return []string{filepath.Join(root, "state")} }
	os.Exit(cli.Main(os.Args[1:], cfg))
}

// host is a private one: the namespace of the tests, and a directory for its files.
type host struct {
	t    *testing.T
	root string
}

func newHost(t *testing.T) *host {
	nstest.Require(t)
	h := &host{t, t.TempDir()}
	if err := os.MkdirAll(filepath.Join(h.root, "etc/sysctl.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := h.get(retries2)
	t.Cleanup(func() { h.set(retries2, before) })
	return h
}

const retries2 = "tcp_retries2"

func (h *host) get(name string) string {
	h.t.Helper()
	b, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (h *host) set(name, value string) {
	h.t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
		h.t.Fatal(err)
	}
}

// command is the program with arguments, run by others if there are any.
func (h *host) command(by []string, args ...string) *exec.Cmd {
	argv := slices.Concat(by, []string{"/proc/self/exe"}, args)
	if len(by) > 0 {
		exe, err := os.Executable()
		if err != nil {
			h.t.Fatal(err)
		}
		argv[len(by)] = exe
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), rootEnv+"="+h.root)
	return cmd
}

// run runs the program and wants an exit code.
func (h *host) run(want int, args ...string) string {
	h.t.Helper()
	cmd := h.command(nil, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
		h.t.Fatalf("%v: %v, want exit %d\n%s%s", args, err, want, out, &stderr)
	}
	return string(out) + stderr.String()
}

// is wants the value of tcp_retries2 and the files of sysctl.d, hidden ones too.
func (h *host) is(value string, files ...string) {
	h.t.Helper()
	if now := h.get(retries2); now != value {
		h.t.Errorf("tcp_retries2 is %s, want %s", now, value)
	}
	if names := h.files(); !slices.Equal(names, files) {
		h.t.Errorf("sysctl.d has %q, want %q", names, files)
	}
}

// files are those of sysctl.d.
func (h *host) files() (names []string) {
	h.t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.root, "etc/sysctl.d"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (h *host) read(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.root, "etc/sysctl.d", name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.root, "etc/sysctl.d", name), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// TestTune makes changes and takes them back.
func TestTune(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	if out := h.run(4, "tune", "tcp_retries2=8"); !strings.Contains(out, "15 → 8") || !strings.Contains(out, "--yes") {
		t.Errorf("nobody could be asked: %s", out)
	}
	h.run(0, "tune", "-n", "tcp_retries2=8", "--persist")
	if out := h.run(4, "tune", "tcp_retries2=5", "--persist", "--yes"); !strings.Contains(out, "--accept-risk=below-rfc-minimum") {
		t.Errorf("the risk is not named: %s", out)
	}
	h.is("15")

	h.run(0, "tune", "net.ipv4.tcp_retries2=8", "--persist", "--yes")
	h.is("8", "90-closewait.conf")
	first := h.read("90-closewait.conf")
	if !strings.HasPrefix(first, "# Written by closewait") || !strings.Contains(first, "# To take it back: closewait undo ") || !strings.HasSuffix(first, "\nnet.ipv4.tcp_retries2 = 8\n") {
		t.Errorf("the file is %q", first)
	}
	// The same again changes nothing, the file included: the first can be taken back still.
	h.run(0, "tune", "tcp_retries2=8", "--persist", "--yes")
	if text := h.read("90-closewait.conf"); text != first {
		t.Errorf("the file is %q", text)
	}
	// A second change keeps what the first has written there.
	h.run(0, "tune", "tcp_fin_timeout=30s", "tcp_retries2=5", "--persist", "--yes", "--accept-risk=below-rfc-minimum")
	if text := h.read("90-closewait.conf"); strings.Count(text, "retries2") != 1 || !strings.Contains(text, "tcp_retries2 = 5") || !strings.Contains(text, "tcp_fin_timeout = 30") {
		t.Errorf("the file is %q", text)
	}
	h.run(0, "tune", "tcp_retries2=5", "--yes", "--accept-risk=below-rfc-minimum") // already
	h.run(0, "undo", "--yes")
	h.is("8", "90-closewait.conf")
	if text := h.read("90-closewait.conf"); text != first {
		t.Errorf("the file is %q after undo", text)
	}
	h.run(0, "undo", "--yes")
	h.is("15")
}

// TestRefused_leavesNothing: a change that is refused, or only planned, leaves no journal behind.
func TestRefused_leavesNothing(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		code int
		args []string
	}{
		{4, []string{"tune", "tcp_retries2=8"}}, {0, []string{"tune", "tcp_retries2=8", "-n"}}, {2, []string{"tune", "tcp_retries2=999"}}, {2, []string{"tune", "tcp_retires2=8"}},
		{6, []string{"tune", "nf_conntrack_tcp_timeout_close_wait=30"}}, {4, []string{"limit", "60s", "sport = :1 and dport = :2"}}, {2, []string{"limit", "never", "stuck"}},
		{4, []string{"close", "sport = :1 and dport = :2", "--how=destroy"}}, {2, []string{"close", "stuck"}}, {2, []string{"apply", filepath.Join(h.root, "nothing")}},
	} {
		if c.code == 6 {
			if _, err := os.Stat("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait"); err == nil {
				continue // the module is there
			}
		}
		h.run(c.code, c.args...)
		if _, err := os.Stat(filepath.Join(h.root, "state")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v has made a state directory", c.args)
		}
	}
}

// TestTune_moved: what somebody else has written in between stays, and nothing of the change is taken apart.
func TestTune_moved(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	h.run(0, "tune", "tcp_retries2=8", "--persist", "--yes")
	h.set(retries2, "12")
	if out := h.run(4, "undo", "--yes"); !strings.Contains(out, "net.ipv4.tcp_retries2 is 12, this change had set 8") {
		t.Error(out)
	}
	h.is("12", "90-closewait.conf")
	h.set(retries2, "8")
	h.write("90-closewait.conf", "net.ipv4.tcp_retries2 = 9\n")
	if out := h.run(4, "undo", "--yes"); !strings.Contains(out, "90-closewait.conf is no longer as this change had written it") {
		t.Error(out)
	}
	h.is("8", "90-closewait.conf")
	// Nor is a file replaced that is not closewait's.
	if out := h.run(4, "tune", "tcp_retries2=9", "--persist", "--yes"); !strings.Contains(out, "not written by closewait") {
		t.Error(out)
	}
	h.is("8", "90-closewait.conf")
}

// TestTune_allOrNothing: what the kernel refuses after other steps were made takes those back.
func TestTune_allOrNothing(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	sysctld := filepath.Join(h.root, "etc/sysctl.d")
	if err := errors.Join(os.Remove(sysctld), os.WriteFile(sysctld, nil, 0o644)); err != nil { // where the directory should be is a file
		t.Fatal(err)
	}
	plan := filepath.Join(h.root, "plan.json")
	h.run(4, "tune", "tcp_retries2=8", "tcp_fin_timeout=30", "--persist", "--yes") // seen at once
	if now := h.get(retries2); now != "15" {
		t.Errorf("tcp_retries2 is %s", now)
	}
	if err := errors.Join(os.Remove(sysctld), os.Mkdir(sysctld, 0o755)); err != nil {
		t.Fatal(err)
	}
	h.run(0, "tune", "tcp_retries2=8", "tcp_fin_timeout=30", "--persist", "--save", plan)
	h.write("90-closewait.conf", "# somebody was quicker\n")
	out := h.run(5, "apply", plan, "--yes")
	if !strings.Contains(out, "taken back") || h.get("tcp_fin_timeout") != "60" {
		t.Errorf("tcp_fin_timeout is %s: %s", h.get("tcp_fin_timeout"), out)
	}
	h.is("15", "90-closewait.conf")
}

// TestTune_winner names the line that decides at the next boot.
func TestTune_winner(t *testing.T) {
	h := newHost(t)
	h.write("99-sysctl.conf", "# generated by Puppet\nnet.ipv4.tcp_retries2 = 15\n")
	if err := os.MkdirAll(filepath.Join(h.root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(h.root, "usr/lib/systemd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.root, "usr/lib/systemd/systemd-sysctl"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	out := h.run(0, "tune", "-n", "tcp_retries2=9", "--persist")
	for _, want := range []string{"/etc/sysctl.d/99-sysctl.conf:2 sets net.ipv4.tcp_retries2=15 and WINS at boot (systemd-sysctl); Puppet writes that file", "--persist-as 99-zz-closewait.conf"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := h.run(0, "tune", "-n", "tcp_retries2=9", "--persist-as", "99-zz-closewait.conf"); strings.Contains(out, "WINS") {
		t.Error(out)
	}
	var list struct {
		Loader   string
		Settings []struct {
			Key  string
			Boot struct {
				Value any
				File  string
				Line  int
			}
		}
	}
	if err := json.Unmarshal([]byte(h.run(0, "tune", "-o", "json", "-q")), &list); err != nil {
		t.Fatal(err)
	}
	for _, s := range list.Settings {
		if s.Key == "net.ipv4.tcp_retries2" && fmt.Sprint(list.Loader, s.Boot) != "systemd-sysctl{15 /etc/sysctl.d/99-sysctl.conf 2}" {
			t.Errorf("the list says %v %v", list.Loader, s.Boot)
		}
	}
}

// TestTune_namespaces changes those that are named, and no others.
func TestTune_namespaces(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	one, two := nstest.New(t), nstest.New(t)
	value := func(ns *nstest.Namespace) (v string) {
		ns.Do(func() { v = h.get(retries2) }) // /proc/sys/net is that of the reading thread
		return v
	}
	path := strings.Replace(one.Path(), "self", fmt.Sprint(os.Getpid()), 1)
	h.run(0, "tune", "tcp_retries2=9", "--netns", path, "--yes")
	if got := []string{h.get(retries2), value(one), value(two)}; !slices.Equal(got, []string{"15", "9", "15"}) {
		t.Errorf("own, named, other: %v", got)
	}
	h.run(0, "tune", "tcp_retries2=8", "--netns", path+","+strings.Replace(two.Path(), "self", fmt.Sprint(os.Getpid()), 1), "--yes")
	h.run(0, "undo", "--yes")
	if got := []string{h.get(retries2), value(one), value(two)}; !slices.Equal(got, []string{"15", "9", "15"}) {
		t.Errorf("own, named, other after undo: %v", got)
	}
}

// TestTune_dies lowers tcp_retries2 under sockets that wait for an answer: they die; those of another namespace, and those made after the undo, live on. When they die is held against the forecast by
// TestTune_everyState.
func TestTune_dies(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	var stuck []*nstest.Socket
	for _, fam := range nstest.Families() {
		stuck = append(stuck, unanswered(t, fam))
	}
	container, spared := nstest.New(t), (*nstest.Socket)(nil)
	container.Do(func() { spared = unanswered(t, nstest.IPv4) })
	h.run(0, "tune", "tcp_retries2=1", "--yes", "--accept-risk=below-rfc-minimum")
	for _, s := range stuck {
		s.Await(tcp.Closed)
	}
	livesOn := func(what string, s *nstest.Socket) {
		t.Helper()
		s.AwaitInfo(what+": more tries than tcp_retries2=1 allows", func(info *tcp.Info) bool {
			n, _ := info.Uint(tcp.Retransmits)
			return n > 2
		})
	}
	livesOn("in a namespace that was not named", spared)
	h.run(0, "undo", "--yes")
	h.is("15")
	livesOn("after the undo", unanswered(t, nstest.Families()[0]))
}

// unanswered is a connection whose peer has stopped to answer, and which retransmits.
func unanswered(t *testing.T, fam nstest.Family) *nstest.Socket {
	t.Helper()
	s, p := nstest.Connect(t, fam)
	p.Deafen()
	s.Write(100)
	s.AwaitInfo("a retransmission", func(info *tcp.Info) bool {
		n, _ := info.Uint(tcp.Retransmits)
		return n > 0
	})
	return s
}
