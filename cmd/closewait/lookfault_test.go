package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/nstest"
)

// lookFaults are the system calls of looking that can fail, with what they may meet: errors, a file that ends at once. Those that the Go runtime makes for itself (memory, threads,
// signals, its poller) are not among them: no program survives that.
var lookFaults = map[string][]string{
	"openat": {"error=EINTR", "error=EACCES", "error=ENOENT", "error=ENOMEM", "error=EMFILE"}, "openat2": {"error=ENOSYS", "error=EXDEV", "error=EAGAIN"},
	"read": {"error=EINTR", "error=ESRCH", "error=ENOMEM", "error=ENOBUFS", "retval=0"}, "pread64": {"error=EINTR", "error=EIO", "retval=0"},
	"readlinkat": {"error=ENOENT", "error=EACCES", "error=ENOMEM"}, "getdents64": {"error=EINTR", "error=ENOENT", "error=ENOMEM"},
	"newfstatat": {"error=ENOENT", "error=EACCES"}, "fstat": {"error=ENOMEM"}, "fstatfs": {"error=ENOSYS"},
	"socket": {"error=EMFILE", "error=EPERM", "error=EPROTONOSUPPORT", "error=ENOBUFS"}, "bind": {"error=ENOMEM"}, "connect": {"error=ENOMEM"},
	"setsockopt": {"error=ENOPROTOOPT", "error=EPERM"}, "getsockopt": {"error=ENOPROTOOPT"}, "write": {"error=EINTR", "error=ENOBUFS", "error=EPERM", "error=ENOSPC"},
	"setns": {"error=EPERM", "error=EINVAL", "error=ENOMEM"}, "bpf": {"error=EPERM", "error=ENOMEM", "error=EINVAL"},
	"pidfd_open": {"error=ESRCH", "error=EMFILE", "error=ENOSYS"}, "pidfd_getfd": {"error=EPERM", "error=EBADF", "error=ENOSYS"},
	"uname": {"error=EFAULT"}, "ioctl": {"error=ENOTTY"}, "prlimit64": {"error=EPERM"},
}

// lookVerbs are the verbs whose calls fail, but for what selects the namespaces.
func lookVerbs(holder int) [][]string {
	return [][]string{
		{"status", "-o", "json"}, {"ls", "-p", "-o", "json"}, {"ls", "-p", "--no-bpf", "-o", "json"}, {"when", "-o", "json"}, {"show", "pid", fmt.Sprint(holder), "-o", "json"}, {"doctor", "-o", "json"}, {"record", "-"},
	}
}

// faultPoint is one call that is to go wrong: the nth of a thread, of those about a file if there is one.
type faultPoint struct {
	verb        []string
	call, event string
	n           int
	file        string
}

func (p faultPoint) String() string {
	return fmt.Sprintf("%s with %s at %s %d %s", strings.Join(p.verb, " "), p.event, p.call, p.n, p.file)
}

// looked is what a verb said.
type looked struct {
	stdout, stderr []byte
	code           int
	hit            string // the calls that went wrong, one of a thread; "" when there was none
	took           time.Duration
}

// faultyLook runs a verb with a fault in whichever of its threads comes to the call.
func (h *host) faultyLook(p faultPoint, within time.Duration, flags ...string) (l looked) {
	h.t.Helper()
	trace := filepath.Join(h.t.TempDir(), "trace")
	by := []string{h.strace(), "-f", "-qq", "-y", "-o", trace, "-e", "signal=none", "-e", "trace=" + p.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", p.call, p.event, p.n)}
	if p.file != "" {
		by = append(by, "-P", p.file)
	}
	cmd := h.command(by, append(slices.Clone(p.verb), flags...)...)
	ctx, cancel := context.WithTimeout(h.t.Context(), within)
	defer cancel()
	begun := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	begun.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1")
	begun.WaitDelay = time.Second
	var stdout bytes.Buffer
	stderr := onlooker{cancel: cancel}
	begun.Stdout, begun.Stderr = &stdout, &stderr
	start := time.Now()
	err := begun.Run()
	l.took, l.stdout, l.stderr = time.Since(start), stdout.Bytes(), stderr.said.Bytes()
	if begun.ProcessState == nil {
		h.t.Fatal(err)
	}
	l.code = begun.ProcessState.ExitCode()
	status, _ := begun.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case stderr.ended && len(l.stdout) > 0: // strace waits on for the call that hangs, and has to be killed
		l.code = 0
	case stderr.ended:
		l.code = 2
	case status.Signaled():
		l.code = died
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(calls)) {
		if strings.Contains(line, "(INJECTED)") || strings.Contains(line, "(DELAYED)") || strings.Contains(line, "<unfinished") && strings.HasPrefix(p.event, "delay") {
			l.hit += line
		}
	}
	return l
}

// onlooker keeps what is written, and stops strace(1) when that says that the program has ended, with a thread in a call that is being delayed.
type onlooker struct {
	said   bytes.Buffer
	cancel func()
	ended  bool
}

func (o *onlooker) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("has delayed wait data set already")) {
		o.ended = true
		o.cancel()
	}
	return o.said.Write(b)
}

// The outcomes that a fault may have.
const (
	right   = "right"
	partial = "partial, and says so"
	refused = "refused"
)

// notStarted is the exit code of the loader of shared libraries, where tests are built with them.
const notStarted = 127

// outcome says what an answer amounts to beside the one without fault; an error is why it is none of the three.
func (h *faultyHost) outcome(verb []string, l *looked) (string, error) {
	want := h.want[strings.Join(verb, " ")]
	switch {
	case l.code == notStarted, bytes.Contains(l.stderr, []byte("fatal error: ")), bytes.Contains(l.stderr, []byte("runtime: netpollBreak write failed")):
		return refused, nil // the fault met the loader or the Go runtime
	case l.code < 0 || l.code > 4 && l.code != 6:
		return "", fmt.Errorf("exit %d", l.code)
	case l.code > 1 && len(bytes.TrimSpace(l.stderr)) == 0 && !strings.Contains(l.hit, "write(2<"):
		return "", errors.New("refused without a word")
	case l.code > 1:
		return refused, nil
	}
	now, err := h.gist(verb, l.stdout)
	switch {
	case err != nil:
		return "", err
	case len(now.incomplete) > 0:
		return partial, now.within(&want)
	case !maps.Equal(now.sockets, want.sockets) || !maps.Equal(now.findings, want.findings) || now.stuck != want.stuck:
		return "", fmt.Errorf("another answer, and nothing said of it:\n%v\nwithout fault\n%v", now, want)
	}
	return right, nil
}

// faultyHost is a host with two namespaces, in which two programs hold connections that their peers have closed.
type faultyHost struct {
	*host
	holder int
	flags  []string
	want   map[string]gist // by verb
}

func newFaultyHost(t *testing.T, timeout time.Duration) *faultyHost {
	h := &faultyHost{host: newHost(t), want: map[string]gist{}}
	h.holder = nstest.StartHolder(t, 3).PID
	ns := nstest.New(t)
	ns.Do(func() { nstest.StartHolder(t, 2) })
	h.flags = []string{"--timeout", timeout.String(), "--netns", fmt.Sprintf("/proc/%d/ns/net,%s", os.Getpid(), outside(ns))}
	for _, verb := range lookVerbs(h.holder) {
		h.settle(verb)
	}
	return h
}

// settle waits until a verb says the same twice: that the connections are stuck.
func (h *faultyHost) settle(verb []string) {
	h.t.Helper()
	var last gist
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); { // nothing younger than five seconds is called stuck
		cmd := h.command(nil, append(slices.Clone(verb), h.flags...)...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		now, errGist := h.gist(verb, out)
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 || errGist != nil || len(now.incomplete) > 0 {
			h.t.Fatalf("%v without fault: %v, %v, incomplete %v\n%s", verb, err, errGist, now.incomplete, &stderr)
		}
		stuck := len(now.findings) > 0 || verb[0] != "status" && verb[0] != "doctor" && verb[0] != "show"
		if stuck && maps.Equal(last.sockets, now.sockets) && maps.Equal(last.findings, now.findings) {
			h.want[strings.Join(verb, " ")] = now
			return
		}
		last = now
	}
	h.t.Fatalf("%v does not settle: %+v", verb, last)
}

// try makes a fault and judges what came of it.
func (h *faultyHost) try(p faultPoint) (hit bool, outcome string) {
	h.t.Helper()
	const limit = 60 * time.Second // the flag --timeout, and what strace takes on a busy machine
	l := h.faultyLook(p, limit, h.flags...)
	if l.took >= limit {
		h.t.Errorf("%v: hangs\n%s", p, l.hit)
	}
	outcome, err := h.outcome(p.verb, &l)
	if err != nil && l.hit != "" {
		h.t.Errorf("%v: %v\n%s\n%s", p, err, l.hit, l.stderr)
	}
	return l.hit != "", outcome
}

// TestLook_faults makes what each verb that looks asks of the kernel go wrong: the answer is the right one, or a part of it that says so, or a refusal. CLOSEWAIT_FAULTS=all tries every call of every
// verb, which takes half an hour (-run '^TestLook_faults$/^fails$/^when$/^openat$' a part of it); else some of each kind.
func TestLook_faults(t *testing.T) {
	h := newFaultyHost(t, 20*time.Second)
	all := os.Getenv("CLOSEWAIT_FAULTS") == "all"
	t.Run("fails", func(t *testing.T) { h.fails(t, all) })
	t.Run("hangs", func(t *testing.T) { h.hangs(t, all) })
}

// outcomes counts them by what went wrong.
type outcomes map[string]map[string]int

func (o outcomes) add(what, outcome string) {
	if o[what] == nil {
		o[what] = map[string]int{}
	}
	o[what][outcome]++
}

func (o outcomes) log(t *testing.T) (points int) {
	for _, what := range slices.Sorted(maps.Keys(o)) {
		t.Logf("%-28s %v", what, o[what])
		for _, n := range o[what] {
			points += n
		}
	}
	t.Logf("%d faults", points)
	return points
}

// fails lets one system call after the other fail, in whichever of the program's threads.
func (h *faultyHost) fails(t *testing.T, all bool) {
	ended := outcomes{}
	for v, verb := range lookVerbs(h.holder) {
		t.Run(verb[0], func(t *testing.T) {
			for c, call := range slices.Sorted(maps.Keys(lookFaults)) {
				t.Run(call, func(t *testing.T) { h.failsAt(t, verb, call, v+c, all, ended) })
			}
		})
	}
	if points := ended.log(t); points < 15 && !all { // else -run may have left a part of them
		t.Errorf("only %d faults were met", points)
	}
}

// failsAt lets a system call of a verb fail, all of them or at those of the events that a number selects.
func (h *faultyHost) failsAt(t *testing.T, verb []string, call string, selected int, all bool, ended outcomes) {
	h.t = t
	for e, event := range lookFaults[call] {
		if !all && (selected+e)%20 != 0 {
			continue
		}
		first := 1
		if !all && (call == "read" || call == "openat") {
			first = 9 // those before are of the start of a program
		}
		for n := first; ; n = max(n+1, n*5/4) {
			hit, outcome := h.try(faultPoint{verb: verb, call: call, event: event, n: n})
			if hit {
				ended.add(call+" "+event, outcome)
			}
			if !hit || !all {
				break
			}
		}
	}
}

// hangs lets files of /proc hang that are about a process which holds sockets: what is known without is told, or that nothing is, not long after --timeout.
func (h *faultyHost) hangs(t *testing.T, all bool) {
	h.t = t
	h.flags[1] = "2s"
	ended := outcomes{}
	task := fmt.Sprintf("task/%d/", h.holder)
	for v, verb := range lookVerbs(h.holder) {
		for f, file := range []string{"cmdline", task + "syscall", "stat", task + "stat", "limits", "cgroup", "fd"} {
			if !all && v != 3*f {
				continue
			}
			call := "read"
			if file == "fd" {
				call = "getdents64"
			}
			if hit, outcome := h.try(faultPoint{verb, call, "delay_enter=100s", 1, fmt.Sprintf("/proc/%d/%s", h.holder, file)}); hit {
				ended.add(file, outcome)
			}
		}
	}
	ended.log(t)
	if ended["cmdline"][partial] == 0 || ended["stat"][refused] == 0 {
		t.Error("no command line hung, or none was missed")
	}
}
