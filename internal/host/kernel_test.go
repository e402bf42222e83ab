package host_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/tcp"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// own selects the namespace the test is in.
func own() []string { return []string{fmt.Sprint(os.Getpid())} }

func lookAt(t *testing.T, r host.Request) (*look.Snapshot, []tcp.Socket) {
	t.Helper()
	s, later, err := host.New(time.Now).Look(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s, later
}

// TestLook_diagnosed makes every scene at once and waits for the verdict on each: the codes follow from what the kernel shows.
func TestLook_diagnosed(t *testing.T) {
	nstest.Require(t)
	want := map[string]string{
		"established_unacked": "CW201", "established_unaccepted": "CW104", "fin_wait_1": "CW204", "fin_wait_1_orphan": "CW204",
		"close_wait": "CW101", "close_wait_keepalive": "CW101",
		"close_wait_eof":     "CW101", // no listener has its port any more, and its counters show that it has not connected: no member of a pool
		"close_wait_unread":  "CW101", // an answer left unread
		"close_wait_unacked": "CW201", "close_wait_zero_window": "CW202", "close_wait_zero_window_vanished": "CW201",
		"close_wait_unaccepted": "CW104", "last_ack": "CW204", "last_ack_orphan": "CW204", "closing": "CW204", "closing_orphan": "CW204",
		"established": "", "established_keepalive": "", "fin_wait_2": "", "fin_wait_2_mini": "", "fin_wait_2_orphan": "", "time_wait": "",
		"listen": "", "bound": "", "syn_sent": "", "syn_received": "",
	}
	for _, fam := range nstest.Families() {
		t.Run(fam.String(), func(t *testing.T) {
			t.Parallel()
			nstest.New(t).Do(func() { verdicts(t, fam, want) })
		})
	}
}

func verdicts(t *testing.T, fam nstest.Family, want map[string]string) {
	subjects := map[string]nstest.Expected{}
	for name := range want {
		subjects[name] = nstest.Build(t, name, fam).Subject
	}
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		s, later, err := host.New(time.Now).Look(t.Context(), host.Request{Netns: []string{netnsPath()}, Holders: diagnose.Suspect, Undecided: diagnose.Undecided, Inquire: new(diagnose.Diagnosis).Inquire})
		if err != nil {
			t.Fatal(err)
		}
		wrong := compare(s, diagnose.Run(s, later), subjects, want)
		if len(wrong) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(strings.Join(wrong, "\n"))
		}
		<-tick.C
	}
}

// netnsPath leads to the namespace of the calling thread, which is not that of the process.
func netnsPath() string { return "/proc/thread-self/ns/net" }

func compare(s *look.Snapshot, v *diagnose.Verdicts, subjects map[string]nstest.Expected, want map[string]string) (wrong []string) {
	for name, subject := range subjects {
		sockets := s.Namespaces[0].Sockets
		i := slices.IndexFunc(sockets, func(k tcp.Socket) bool {
			return k.Local.AddrPort() == subject.Local && k.Peer.AddrPort() == subject.Peer && (k.State == tcp.Listen) == (subject.State == tcp.Listen)
		})
		got := ""
		if i >= 0 {
			if f := v.Of(&sockets[i]); f != nil {
				got = f.Code
			}
		}
		if got != want[name] {
			wrong = append(wrong, fmt.Sprintf("%s: code %q, want %q", name, got, want[name]))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// TestLook_dead finds the descriptors whose sockets are in no table, and takes neither fresh nor live ones for them.
func TestLook_dead(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		held := startHolderOfDead(t)
		live := nstest.Build(t, "established", nstest.IPv4)
		s, _ := lookAt(t, host.Request{Dead: true})
		var fds []int
		for _, d := range s.Dead {
			if d.PID == held.pid {
				fds = append(fds, d.FD)
			}
		}
		slices.Sort(fds)
		if !slices.Equal(fds, held.dead) {
			t.Errorf("dead descriptors %v, want %v (live socket at %d); missing %+v", fds, held.dead, live.Subject.FD, s.Missing)
		}
		elsewhere, _ := lookAt(t, host.Request{Dead: true, Netns: []string{nstest.New(t).Path()}})
		if len(elsewhere.Dead) != 0 {
			t.Errorf("dead descriptors %v of another namespace than the one asked for", elsewhere.Dead)
		}
	})
}

func TestLook_holders(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 5)
		s, _ := lookAt(t, host.Request{Netns: []string{netnsPath()}, Holders: func(k *tcp.Socket) bool { return k.State == tcp.CloseWait }})
		for _, want := range h.Sockets {
			holders := s.Holders.Of(want.Inode)
			if len(holders) != 1 || holders[0].PID != h.PID || holders[0].FD != want.FD {
				t.Errorf("holders of %v: %v, want pid %d fd %d", want, holders, h.PID, want.FD)
			}
		}
		if p := s.Processes[h.PID]; p == nil || p.FDs < 5 || p.StartTicks == 0 {
			t.Errorf("process %+v", p)
		}
	})
}

// TestLook_otherNamespaces reads sockets of namespaces the test is not in, names included, and skips the empty ones.
func TestLook_otherNamespaces(t *testing.T) {
	nstest.Require(t)
	full, empty := nstest.New(t), nstest.New(t)
	var subject nstest.Expected
	full.Do(func() { subject = nstest.Build(t, "close_wait", nstest.IPv6).Subject })
	s, _ := lookAt(t, host.Request{Netns: []string{full.Path(), empty.Path()}})
	if len(s.Namespaces) != 2 {
		t.Fatalf("%d namespaces, want 2", len(s.Namespaces))
	}
	for _, n := range s.Namespaces {
		switch n.Inode {
		case full.Inode():
			if !slices.ContainsFunc(n.Sockets, func(k tcp.Socket) bool { return k.Local.AddrPort() == subject.Local && k.State == tcp.CloseWait }) {
				t.Errorf("no %v among %d sockets", subject, len(n.Sockets))
			}
			if n.Sysctls["tcp_retries2"] != 15 {
				t.Errorf("tcp_retries2 %d, want the 15 of a fresh namespace", n.Sysctls["tcp_retries2"])
			}
		case empty.Inode():
			if !n.Skipped || len(n.Sockets) != 0 {
				t.Errorf("the empty namespace was dumped: %+v", n)
			}
		}
	}
}

func TestLook_errors(t *testing.T) {
	nstest.Require(t)
	_, _, err := host.New(time.Now).Look(t.Context(), host.Request{Netns: []string{"no-such-namespace"}})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no-such-namespace") {
		t.Errorf("unknown namespace: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, _, err := host.New(time.Now).Look(ctx, host.Request{Netns: own()})
	if err == nil && len(s.Missing) == 0 {
		t.Error("no time at all: neither an error nor a note")
	}
}

// TestLook_interrupted: an answer that lacks evidence or the second look says so, and in the user's words.
func TestLook_interrupted(t *testing.T) {
	nstest.Require(t)
	ns := nstest.New(t)
	ns.Do(func() { nstest.StartHolder(t, 1) })
	for name, wish := range map[string]look.Wish{"CW501": {Activity: []int{1}}, "CW506": {Patience: time.Second}} {
		ctx, cancel := context.WithCancel(t.Context())
		s, later, err := host.New(time.Now).Look(ctx, host.Request{
			Netns:     []string{ns.Path()},
			Undecided: func(_ *look.Snapshot, s *tcp.Socket) bool { return s.State == tcp.CloseWait },
			Inquire:   func(*look.Snapshot) look.Wish { cancel(); return wish },
		})
		said := func(m look.Missing) bool {
			return m.Code == name && strings.Contains(m.Message, "interrupted") && m.Remedy == "look again"
		}
		if err != nil || later != nil || !slices.ContainsFunc(s.Missing, said) {
			t.Errorf("%s: %d sockets seen twice, missing %v, %v", name, len(later), s.Missing, err)
		}
	}
}

// deadHolder is a process with dead descriptors.
type deadHolder struct {
	pid  int
	dead []int
}

// startHolderOfDead starts this test binary once more to hold one socket of each kind that is in no table. The dead ones are in a process of their
// own because a look passes over the process that takes it.
func startHolderOfDead(t *testing.T) deadHolder {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestHoldDead$", "-test.v")
	cmd.Env = append(os.Environ(), "HOLD_DEAD=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	h := deadHolder{}
	var a, b, c int
	for {
		var line string
		if _, err := fmt.Fscanln(stdout, &line); err != nil && err.Error() != "expected newline" && err.Error() != "unexpected newline" {
			t.Fatal(err)
		}
		if n, _ := fmt.Sscanf(line, "dead:%d:%d:%d:%d", &h.pid, &a, &b, &c); n == 4 {
			h.dead = []int{a, b, c}
			slices.Sort(h.dead)
			return h
		}
	}
}

// TestHoldDead is the other process of startHolderOfDead.
func TestHoldDead(t *testing.T) {
	if os.Getenv("HOLD_DEAD") == "" {
		t.Skip("runs as another process of TestLook_dead")
	}
	nstest.Require(t)
	var fds []int
	for _, name := range []string{"dead", "dead_close_wait", "dead_bound", "unconnected", "bound"} {
		fds = append(fds, nstest.Build(t, name, nstest.IPv6).Subject.FD)
	}
	fmt.Printf("\ndead:%d:%d:%d:%d\n", os.Getpid(), fds[0], fds[1], fds[2])
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// TestLook_options: a socket with a TCP_USER_TIMEOUT of its own is forecast by it, beside one without.
func TestLook_options(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		limited, deaf := nstest.Connect(t, nstest.IPv6)
		common, other := nstest.Connect(t, nstest.IPv6)
		limited.Set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 40_000)
		limited.Set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
		for _, s := range []*nstest.Socket{deaf, other} {
			s.Deafen()
		}
		for _, s := range []*nstest.Socket{limited, common} {
			s.Write(1)
			s.AwaitInfo("a retransmission", func(i *tcp.Info) bool { n, _ := i.Uint(tcp.Retransmits); return n > 0 })
		}
		s, _ := lookAt(t, host.Request{Netns: []string{netnsPath()}, Holders: look.Telling, Options: true, NoBPF: true})
		if len(s.Missing) > 0 && os.Geteuid() != 0 {
			t.Skipf("this process may not trace itself: %v", s.Missing)
		}
		n := &s.Namespaces[0]
		for socket, by := range map[*nstest.Socket]string{limited: forecast.ByUserTimeout, common: forecast.ByRetransmission} {
			i := slices.IndexFunc(n.Sockets, func(k tcp.Socket) bool { return k.Inode == socket.Inode() })
			if ends := s.Forecaster(n).Ends(i); ends.By != by {
				t.Errorf("ends by %s, want by %s; options %+v", ends.By, by, n.Options[n.Sockets[i].Cookie])
			}
		}
		i := slices.IndexFunc(n.Sockets, func(k tcp.Socket) bool { return k.Inode == limited.Inode() })
		want := look.Options{
			UserTimeout: 40 * time.Second, RTOMax: n.Options[n.Sockets[i].Cookie].RTOMax, KeepaliveTime: 7200 * time.Second, KeepaliveInterval: 75 * time.Second,
			KeepaliveProbes: 3, SynRetries: 6,
		}
		if got := n.Options[n.Sockets[i].Cookie]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if len(n.Options) != 2 {
			t.Errorf("%d sockets were asked, want the two with a timer", len(n.Options))
		}
	})
}

// TestLook_partial: a look at some states only knows no more of the peers than one at all, and so foresees no end that only their absence would bring.
func TestLook_partial(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		want := nstest.Build(t, "close_wait_keepalive", nstest.Families()[0]).Subject.Tuple()
		var kinds []forecast.Kind
		for _, states := range []tcp.StateSet{0, tcp.SetOf(tcp.CloseWait)} {
			s, _ := lookAt(t, host.Request{Netns: []string{netnsPath()}, Holders: look.Telling, Options: true, States: states})
			n := &s.Namespaces[0]
			for i := range n.Sockets {
				if n.Sockets[i].Tuple() == want {
					kinds = append(kinds, s.Forecaster(n).Ends(i).Kind)
				}
			}
		}
		if len(kinds) != 2 || kinds[0] != kinds[1] {
			t.Errorf("ends, seen among all and among its like: %v", kinds)
		}
	})
}

// TestLook_optionsOfAll: what sockets have of their own is the same whether they are asked through their descriptors or by a BPF program, which knows it of orphans as well.
func TestLook_optionsOfAll(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		held, deaf := nstest.Connect(t, nstest.IPv4)
		for option, value := range map[int]int{
			unix.TCP_USER_TIMEOUT: 41_000, unix.TCP_KEEPIDLE: 50, unix.TCP_KEEPINTVL: 6, unix.TCP_KEEPCNT: 3, unix.TCP_SYNCNT: 4, unix.TCP_THIN_LINEAR_TIMEOUTS: 1, unix.TCP_LINGER2: 65,
		} {
			held.Set(unix.IPPROTO_TCP, option, value)
		}
		closed := nstest.Build(t, "close_wait_zero_window", nstest.IPv4).Subject.Tuple()
		limited, other := nstest.Connect(t, nstest.IPv6)
		limited.Set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 40_000)
		common, third := nstest.Connect(t, nstest.Mapped)
		for _, s := range []*nstest.Socket{deaf, other, third} {
			s.Deafen()
		}
		ends := map[tcp.Tuple]string{}
		for socket, by := range map[*nstest.Socket]string{limited: forecast.ByUserTimeout, common: forecast.ByOrphan, held: forecast.ByUserTimeout} {
			named := tcp.Socket{Local: tcp.EndpointOf(socket.Local()), Peer: tcp.EndpointOf(socket.Peer())}
			ends[named.Tuple()] = by
		}
		for _, s := range []*nstest.Socket{held, limited, common} {
			s.Write(1)
			s.AwaitInfo("a retransmission", func(i *tcp.Info) bool { n, _ := i.Uint(tcp.Retransmits); return n > 0 })
		}
		through := host.Request{Netns: []string{netnsPath()}, Holders: look.Telling, Options: true, NoBPF: true}
		slow, _ := lookAt(t, through)
		if len(slow.Missing) > 0 && os.Geteuid() != 0 {
			t.Skipf("this process may not trace itself: %v", slow.Missing)
		}
		limited.Close()
		common.Close()
		through.NoBPF = false
		s, _ := lookAt(t, through)
		n := &s.Namespaces[0]
		if h, err := probe.OpenOptions(time.Millisecond); err != nil {
			if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) && nstest.Before(t, 6, 4) {
				t.Skip(err)
			}
			t.Fatal(err)
		} else {
			h.Close()
		}
		seen := 0
		for i := range n.Sockets {
			cookie := n.Sockets[i].Cookie
			if o := n.Options[cookie]; n.Sockets[i].Tuple() == closed && o.Probing < n.Sockets[i].Timer.Expires {
				t.Errorf("probes a closed window since %v before its next probe, in %v", o.Probing, n.Sockets[i].Timer.Expires)
			}
			by, ours := ends[n.Sockets[i].Tuple()]
			if !ours {
				continue
			}
			seen++
			if got := s.Forecaster(n).Ends(i); got.By != by {
				t.Errorf("%v ends by %s, want by %s; options %+v", n.Sockets[i].State, got.By, by, n.Options[cookie])
			}
			if want, got := slow.Namespaces[0].Options[cookie], optional(n.Options[cookie]); got != want {
				t.Errorf("%v: by the program %+v, through its descriptor %+v", n.Sockets[i].State, got, want)
			}
			if o := n.Options[cookie]; !o.Inside || o.SoftError != 0 || o.Recoveries > 1 || o.Recoveries == 1 && o.Ahead.Abs() > 10*time.Millisecond || o.RTOMin == 0 ||
				o.Armed.Expires > o.Armed.Fires || o.Armed.At == 0 || o.Linger != map[bool]time.Duration{true: 65 * time.Second}[n.Sockets[i].Inode == held.Inode()] {
				t.Errorf("%v: not as it is inside: %+v", n.Sockets[i].State, o)
			}
		}
		if seen != len(ends) {
			t.Errorf("%d of %d sockets", seen, len(ends))
		}
	})
}

// optional leaves out what no option of the socket tells.
func optional(o look.Options) look.Options {
	o.Inside, o.SoftError, o.Recoveries, o.Ahead, o.RTOMin, o.Linger, o.Probing, o.Armed = false, 0, 0, 0, 0, 0, 0, look.Armed{}
	return o
}
