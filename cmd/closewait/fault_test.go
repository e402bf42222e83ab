package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// faults are the errors that each system call may meet. A call that is killed is one that was not made: to be killed between two of them is to be killed at the second.
var faults = map[string][]string{
	"openat": {"EMFILE", "ENOMEM"}, "read": {"EIO", "EINTR"}, "getdents64": {"EIO"}, "newfstatat": {"ENOMEM"}, "readlinkat": {"ENOMEM"}, "fcntl": {"EINTR", "ENOLCK"},
	"write": {"ENOSPC", "EIO", "EINTR"}, "pwrite64": {"ENOSPC", "EIO"}, "fsync": {"EIO"}, "fdatasync": {"EIO"}, "ftruncate": {"EIO"}, "fchmod": {"EPERM"},
	"renameat": {"EROFS"}, "renameat2": {"EIO"}, "unlinkat": {"EROFS"}, "mkdirat": {"EROFS"},
	"pidfd_open": {"EMFILE", "ENOMEM"}, "pidfd_getfd": {"EPERM", "EMFILE"}, "setsockopt": {"EPERM", "ENOMEM"}, "getsockopt": {"ENOMEM"},
	"socket": {"EMFILE", "ENOMEM"}, "sendto": {"ENOMEM", "EINTR"}, "recvfrom": {"ENOMEM", "EINTR"}, "setns": {"EPERM"}, "shutdown": nil,
}

// altering are the calls among them by which a command alters anything: where it is killed. A netlink request is a write.
var altering = []string{"write", "pwrite64", "fsync", "fdatasync", "fchmod", "renameat", "renameat2", "unlinkat", "mkdirat", "ftruncate", "setsockopt", "shutdown"}

// died stands for the exit code of a program that was killed.
const died = -1

// faulty runs the program with an event injected at the nth call of a kind: "error=EIO", "signal=SIGKILL". hit is false when there is no such call. What it starts is not followed.
func (h *host) faulty(call, event string, n int, args ...string) (hit bool, code int, out string) {
	h.t.Helper()
	trace := filepath.Join(h.t.TempDir(), "trace")
	cmd := h.command([]string{h.strace(), "-qq", "-o", trace, "-e", "signal=none", "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, event, n)}, args...)
	// Where the pipe by which a new process says that it could not begin cannot be read, Go waits for its end: of the one that takes a change back.
	late := time.AfterFunc(10*time.Second, h.abandon)
	b, err := cmd.CombinedOutput()
	late.Stop()
	if cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return true, died, string(b)
	}
	if fatal.Match(b) { // in calls of Go's own, such as to begin or to wake a thread: no program can answer that
		return true, died, string(b)
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Contains(string(calls), "(INJECTED)"), cmd.ProcessState.ExitCode(), string(b)
}

// fatal is how the loader of programs and Go's runtime end a program.
var fatal = regexp.MustCompile(`(?m)(^|: )(error while loading shared libraries: |runtime: netpollBreak|fatal error: |panic: runtime error: .*\n(.*\n)*runtime stack:|goroutine 0 )`)

func (h *host) strace() string {
	h.t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		nstest.Missing(h.t, "strace")
	}
	return path
}

// ordeal is a command that has to stand every fault.
type ordeal struct {
	name string
	args []string
	// before brings the host to where the command begins.
	before func()
	// made reports whether what the command is for is there as a whole, unmade whether nothing of it is, restored whether everything is as it was before the change it is about.
	made, unmade, restored func() bool
}

// fault is an event at the nth call of a kind.
type fault struct {
	call, event string
	n           int
}

// faults lists all that a command can meet: it is run once, and its calls are counted.
func (h *host) faults(o *ordeal) (list []fault) {
	h.t.Helper()
	trace := filepath.Join(h.t.TempDir(), "trace")
	o.before()
	names := slices.Sorted(maps.Keys(faults))
	cmd := h.command([]string{h.strace(), "-qq", "-o", trace, "-e", "signal=none", "-e", "trace=" + strings.Join(names, ",")}, o.args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %v\n%s", o.args, err, out)
	}
	h.abandon()
	_ = h.command(nil, "undo", "--yes").Run()
	b, err := os.ReadFile(trace)
	if err != nil {
		h.t.Fatal(err)
	}
	count := map[string]int{}
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, "(")
		count[name]++
	}
	for _, name := range names {
		for n := 1; n <= count[name]; n++ {
			for _, errno := range faults[name] {
				list = append(list, fault{name, "error=" + errno, n})
			}
			if slices.Contains(altering, name) {
				list = append(list, fault{name, "signal=SIGKILL", n})
			}
		}
	}
	return list
}

// faultsEnv says how many faults each command has to stand, "all" for all there are. They are spread over all calls.
const faultsEnv = "CLOSEWAIT_FAULTS"

// sample returns some of the faults: for two of the calls that alter something one of the others, of which there are many more.
func sample(t *testing.T, list []fault) []fault {
	t.Helper()
	wanted := 9
	switch text := os.Getenv(faultsEnv); {
	case text == "all":
		return list
	case text != "":
		var err error
		if wanted, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var change, rest []fault
	for _, f := range list {
		if slices.Contains(altering, f.call) {
			change = append(change, f)
		} else {
			rest = append(rest, f)
		}
	}
	return append(spread(change, wanted*2/3), spread(rest, wanted/3)...)
}

func spread(list []fault, n int) (part []fault) {
	n = min(n, len(list))
	for i := range n {
		part = append(part, list[i*len(list)/n])
	}
	return part
}

// suffer lets the command meet faults: the exit code says truly whether it was done, the journal is whole, and one more command restores everything.
func (h *host) suffer(o ordeal) {
	h.t.Helper()
	list := h.faults(&o)
	part, met := sample(h.t, list), 0
	for _, f := range part {
		o.before()
		hit, code, out := h.faulty(f.call, f.event, f.n, o.args...)
		h.abandon()
		if hit {
			met++
		}
		wrong := ""
		switch {
		case code == 0 && !o.made():
			wrong = "it is not done"
		case (code == 2 || code == 4 || code == 6) && !o.unmade():
			wrong = "something was changed"
		case code == 1 || code == 3 || code > 6:
			wrong = "no such exit code"
		case code > 0 && strings.TrimSpace(out) == "":
			wrong = "it does not say why"
		}
		h.entries()
		undo := h.command(nil, "undo", "--yes")
		text, _ := undo.CombinedOutput()
		if code := undo.ProcessState.ExitCode(); code != 0 && (code != 4 || !strings.Contains(string(text), "no change that could be taken back")) || !o.restored() {
			wrong += fmt.Sprintf("; undo ends with %d, everything restored: %v: %s", code, o.restored(), text)
		}
		if wrong != "" || h.t.Failed() {
			h.t.Fatalf("%s with %s at %s %d: exit %d, %s: %s", o.name, f.event, f.call, f.n, code, wrong, out)
		}
	}
	if met < len(part)*2/3 || len(list) < 40 { // which calls are made when depends on the scheduler
		h.t.Errorf("%s: %d of %d faults were met, of %d", o.name, met, len(part), len(list))
	}
	h.t.Logf("%s: %d of %d faults were met, of %d", o.name, met, len(part), len(list))
}

// TestFaults: whatever call fails or is the last one, a command that changes something leaves it made or unmade, a journal that says what, and one more command restores everything.
func TestFaults(t *testing.T) {
	h := newHost(t)
	made := nstest.Build(t, "established", nstest.IPv4)
	fd, plan := made.Subject.FD, filepath.Join(h.root, "plan.json")
	tune := []string{"tune", "tcp_retries2=8", "--persist", "--yes"}
	limit := []string{"limit", "90s", only(made.Subject), "--keepalive", "60s/10s/6", "--netns", strconv.Itoa(os.Getpid())}
	if !nstest.Before(t, 6, 15) {
		limit = append(limit, "--rto-max", "30s")
	}
	with := func(args []string, more ...string) []string { return slices.Concat(args, more) }
	free := patienceOf(t, fd)
	begin := func() {
		h.set(retries2, "15")
		h.forget()
		if len(h.files()) > 0 || patienceOf(t, fd) != free {
			t.Fatalf("there are %v, and the options are %v", h.files(), patienceOf(t, fd))
		}
	}
	begin()
	h.run(0, with(limit, "--yes")...)
	bound := patienceOf(t, fd)
	h.run(0, "undo", "--yes")
	free = patienceOf(t, fd) // the numbers of keepalive are its own from now on
	after := func(args ...string) func() {
		return func() { begin(); h.run(0, args...); h.abandon() }
	}
	tuned := func(value string, files ...string) func() bool {
		return func() bool { return h.get(retries2) == value && slices.Equal(h.files(), files) }
	}
	limited := func(p patience) func() bool {
		return func() bool { return patienceOf(t, fd) == p }
	}
	const dropIn = "90-closewait.conf"
	for _, o := range []ordeal{
		{"tune", tune, begin, tuned("8", dropIn), tuned("15"), tuned("15")},
		{"undo of tune", []string{"undo", "--yes"}, after(tune...), tuned("15"), tuned("8", dropIn), tuned("15")},
		{"tune until confirmed", with(tune, "--confirm-within", "1h"), begin, tuned("8"), tuned("15"), tuned("15")},
		{"confirm", []string{"confirm"}, after(with(tune, "--confirm-within", "1h")...), tuned("8", dropIn), tuned("8"), tuned("15")},
		{"limit", with(limit, "--yes"), begin, limited(bound), limited(free), limited(free)},
		{"undo of limit", []string{"undo", "--yes"}, after(with(limit, "--yes")...), limited(free), limited(bound), limited(free)},
		{"apply of tune", []string{"apply", plan, "--yes"}, after("tune", "tcp_retries2=8", "--persist", "--save", plan), tuned("8", dropIn), tuned("15"), tuned("15")},
		{"apply of limit", []string{"apply", plan, "--yes"}, after(with(limit, "--save", plan)...), limited(bound), limited(free), limited(free)},
	} {
		t.Run(o.name, func(t *testing.T) { (&host{t, h.root}).suffer(o) })
	}
}

// forget begins a new journal.
func (h *host) forget() {
	h.t.Helper()
	if err := os.RemoveAll(filepath.Join(h.root, "state")); err != nil {
		h.t.Fatal(err)
	}
}

// abandon ends the processes that wait to take a change of this host back: also one whose starter was killed before it could name it.
func (h *host) abandon() {
	h.t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, path := range environs {
		b, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(b), "\x00"), rootEnv+"="+h.root) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// entryJSON is what scripts rely on of an entry of the journal.
type entryJSON struct {
	State string
	Steps []stepJSON
}

func (h *host) entries() (list []entryJSON) {
	h.t.Helper()
	paths, err := filepath.Glob(filepath.Join(h.root, "state/changes/*.json"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		var e entryJSON
		if err == nil {
			err = json.Unmarshal(b, &e)
		}
		if err != nil {
			h.t.Errorf("%s is not whole: %v", path, err)
		}
		list = append(list, e)
	}
	return list
}

// TestClose_faults kills the program while it destroys sockets, and lets its calls fail: the journal is whole, no socket has ended that is not in it, and what it calls done has ended.
func TestClose_faults(t *testing.T) {
	h := newHost(t)
	const sockets = 40 // more than one message
	points, deep := 0, 3
	if os.Getenv(faultsEnv) != "" {
		deep = 12
	}
	for how, calls := range map[string][]string{"destroy": {"write", "pwrite64", "fsync", "renameat"}, "shutdown": {"shutdown", "pidfd_getfd"}} {
		for _, call := range calls {
			for _, event := range append(errorsOf(call), "signal=SIGKILL") {
				for n := 1; ; n++ {
					h.forget()
					ns := nstest.New(t)
					var made []nstest.Expected
					ns.Do(func() { made = nstest.ManyCloseWait(t, sockets) })
					hit, code, out := h.faulty(call, event, n, "close", "state close-wait", "--how="+how, "--netns", outside(ns), allRisks, "--yes")
					h.judgeFault(ns, made, fmt.Sprintf("%s with %s at %s %d: exit %d, %s", how, event, call, n, code, out), code)
					for i := range made {
						_ = unix.Close(made[i].FD)
					}
					if !hit {
						break
					}
					if points++; t.Failed() || n == deep { // one call after the other is the same from then on
						break
					}
				}
			}
		}
	}
	t.Logf("%d faults", points)
	if points < 15 {
		t.Errorf("only %d faults were met", points)
	}
}

func errorsOf(call string) (events []string) {
	for _, errno := range faults[call] {
		events = append(events, "error="+errno)
	}
	return events
}

func (h *host) judgeFault(ns *nstest.Namespace, made []nstest.Expected, what string, code int) {
	h.t.Helper()
	states := look(h.t, ns).states
	ended := func(e *nstest.Expected) bool { return states[e.Tuple()] != tcp.CloseWait }
	named := map[string]*stepJSON{}
	list := h.entries()
	for i := range list {
		for k := range list[i].Steps {
			named[list[i].Steps[k].Target] = &list[i].Steps[k]
		}
	}
	some := false
	for i := range made {
		s := named[fmt.Sprintf("%v > %v", made[i].Local, made[i].Peer)]
		some = some || ended(&made[i])
		switch {
		case ended(&made[i]) && s == nil:
			h.t.Errorf("%s: a socket has ended that is not in the journal", what)
			return
		case s != nil && s.Status != nil && *s.Status == "done" && !ended(&made[i]):
			h.t.Errorf("%s: a socket is there that is called done", what)
			return
		}
	}
	switch {
	case code == 0 && (len(list) != 1 || list[0].State != "done" && !strings.Contains(what, "the journal could not be completed")), code == 4 && some, code == 2 && (some || len(list) > 0), code == 1 || code == 3 || code > 5:
		h.t.Errorf("%s: %d entries, some ended: %v", what, len(list), some)
	case code < 0 && len(list) == 1 && list[0].State == "open":
		if out := h.run(0, "confirm"); len(h.entries()) != 1 || h.entries()[0].State != "settled" {
			h.t.Errorf("%s: not settled: %s", what, out)
		}
	}
}
