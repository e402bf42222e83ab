package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// changing calls are those by which a command alters anything: what is there when it is killed between two of them is what is there when it is killed at the second. A netlink
// request is a write.
var changingCalls = []string{"write", "pwrite64", "fsync", "fdatasync", "fchmod", "renameat", "renameat2", "unlinkat", "mkdirat", "ftruncate", "setsockopt", "shutdown"}

// faults are the errors that each of these calls may meet.
var faults = map[string][]string{
	"write": {"ENOSPC", "EIO"}, "pwrite64": {"ENOSPC", "EIO"}, "fsync": {"EIO"}, "fdatasync": {"EIO"}, "fchmod": {"EPERM"}, "renameat": {"EROFS"}, "renameat2": {"EIO"},
	"unlinkat": {"EROFS"}, "mkdirat": {"EROFS"}, "ftruncate": {"EIO"}, "setsockopt": {"EPERM"}, "pidfd_getfd": {"EPERM"},
}

// died stands for the exit code of a program that was killed.
const died = -1

// faulty runs the program with an event injected at the nth call of a kind: "error=EIO", "signal=SIGKILL". hit is false when there is no such call. What it starts is not followed.
func (h *host) faulty(call, event string, n int, args ...string) (hit bool, code int, out string) {
	h.t.Helper()
	trace := filepath.Join(h.t.TempDir(), "trace")
	cmd := h.command([]string{h.strace(), "-qq", "-o", trace, "-e", "signal=none", "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, event, n)}, args...)
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return true, died, string(b)
	}
	if strings.Contains(string(b), "runtime: netpollBreak write failed") { // Go's own call, to wake a thread of its own: no program can answer that
		return true, died, string(b)
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Contains(string(calls), "(INJECTED)"), cmd.ProcessState.ExitCode(), string(b)
}

func (h *host) strace() string {
	h.t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		nstest.Missing(h.t, "strace")
	}
	return path
}

// each calls f with each fault, at each call that meets it, and wants to have seen some.
func (h *host) each(calls []string, f func(call, event string, n int) (hit bool)) {
	h.t.Helper()
	points := 0
	for _, call := range calls {
		for _, errno := range faults[call] {
			for n := 1; f(call, "error="+errno, n); n++ {
				if points++; h.t.Failed() || points > 400 {
					h.t.Fatalf("%s at call %d of %s", errno, n, call)
				}
			}
		}
	}
	if points < 5 {
		h.t.Errorf("only %d faults were met", points)
	}
	h.t.Logf("%d faults", points)
}

// TestTune_faults: whatever call fails while settings are changed, the exit code says whether they were, nothing is half changed, and one command restores the host.
func TestTune_faults(t *testing.T) {
	h := newHost(t)
	calls := []string{"write", "pwrite64", "fsync", "fdatasync", "fchmod", "renameat", "renameat2", "unlinkat", "mkdirat", "ftruncate"}
	h.each(calls, func(call, event string, n int) bool {
		h.set(retries2, "15")
		h.forget()
		hit, code, out := h.faulty(call, event, n, "tune", "tcp_retries2=8", "--persist", "--yes")
		switch code {
		case 0:
			h.is("8", "90-closewait.conf")
		case died:
		case 4, 5:
			h.is("15")
			if strings.TrimSpace(out) == "" {
				t.Error("it does not say why")
			}
		default:
			t.Errorf("exit %d", code)
		}
		h.undone(fmt.Sprintf("tune with %s at %s %d: exit %d, %s", event, call, n, code, out))
		return hit
	})
}

// TestUndo_faults is the same while a change is taken back.
func TestUndo_faults(t *testing.T) {
	h := newHost(t)
	h.each([]string{"write", "pwrite64", "fsync", "fdatasync", "renameat", "unlinkat"}, func(call, event string, n int) bool {
		h.set(retries2, "15")
		h.forget()
		h.run(0, "tune", "tcp_retries2=8", "--persist", "--yes")
		hit, code, out := h.faulty(call, event, n, "undo", "--yes")
		switch code {
		case 0:
			h.is("15")
		case 4:
			h.is("8", "90-closewait.conf")
		case 5, died:
		default:
			t.Errorf("exit %d", code)
		}
		h.undone(fmt.Sprintf("undo with %s at %s %d: exit %d, %s", event, call, n, code, out))
		return hit
	})
}

// forget begins a new journal.
func (h *host) forget() {
	h.t.Helper()
	if err := os.RemoveAll(filepath.Join(h.root, "state")); err != nil {
		h.t.Fatal(err)
	}
}

// TestConfirmWithin_killed kills the program while it makes a change that is to take itself back, and while that is confirmed: one command restores the host.
func TestConfirmWithin_killed(t *testing.T) {
	h := newHost(t)
	points := 0
	for _, call := range changingCalls {
		for n := 1; n < 40; n++ {
			h.set(retries2, "15")
			h.forget()
			hit, _, out := h.faulty(call, "signal=SIGKILL", n, "tune", "tcp_retries2=8", "--persist", "--yes", "--confirm-within", "1h")
			if _, err := os.Stat(filepath.Join(h.root, "etc/sysctl.d/90-closewait.conf")); err == nil {
				t.Error("the file for the next boot was there before anybody has confirmed it")
			}
			h.abandon()
			h.undone(fmt.Sprintf("--confirm-within killed at %s %d: %s", call, n, out))
			h.run(0, "tune", "tcp_retries2=8", "--persist", "--yes", "--confirm-within", "1h")
			h.abandon()
			confirmed, _, out := h.faulty(call, "signal=SIGKILL", n, "confirm")
			h.undone(fmt.Sprintf("confirm killed at %s %d: %s", call, n, out))
			if !hit && !confirmed {
				break
			}
			points++
		}
	}
	if points < 15 {
		t.Errorf("it was killed only %d times", points)
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
	points := 0
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
					if points++; t.Failed() || n == 6 { // one call after the other is the same from then on
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
