package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/nstest"
)

// machine is one that systemd runs: process 1 of namespaces of its own, with a root of its own.
type machine struct {
	t   *testing.T
	pid int // of that process
}

// boot starts one, on which the program is /opt/closewait.
func boot(t *testing.T) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to boot systemd")
	}
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		nstest.Missing(t, "systemd")
	}
	dir, program, group := t.TempDir(), filepath.Join(t.TempDir(), "closewait"), "closewait-"+strconv.Itoa(os.Getpid())
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	script, err := filepath.Abs("testdata/systemd/init.sh")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--ipc", "--uts", "bash", script, dir, program, group)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t}
	t.Cleanup(func() {
		if m.pid != 0 {
			_ = syscall.Kill(m.pid, syscall.SIGKILL) // the others of its namespace end with it
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		removeGroups(t, group)
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		children, _ := exec.Command("pgrep", "-P", strconv.Itoa(cmd.Process.Pid)).Output()
		if m.pid, err = strconv.Atoi(strings.TrimSpace(string(children))); err == nil && m.command("systemctl", "is-system-running").Run() == nil {
			return m
		}
		if time.Now().After(end) || syscall.Kill(cmd.Process.Pid, 0) != nil {
			t.Fatalf("systemd does not run: %s", log.String())
		}
	}
}

// removeGroups removes the control group of the machine, which is empty by then, wherever the hierarchy is mounted.
func removeGroups(t *testing.T, group string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); f[2] == "cgroup2" {
			for range 100 { // its processes may be ending still
				_ = exec.Command("find", filepath.Join(f[1], group), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
				if _, err := os.Stat(filepath.Join(f[1], group)); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("%s is left in %s", group, f[1])
		}
	}
}

// command is a program on the machine.
func (m *machine) command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", strconv.Itoa(m.pid), "-m", "-p", "-n", "-C", "--wd=/"}, args...)...)
}

func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (m *machine) retries2() string {
	m.t.Helper()
	return strings.TrimSpace(m.run("cat", "/proc/sys/net/ipv4/tcp_retries2"))
}

func (m *machine) units() string {
	m.t.Helper()
	return m.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "closewait*")
}

// TestConfirmWithin_systemd: where systemd runs the host its timer takes a change back, whatever becomes of the session it was made in; the timer goes when the change is confirmed or undone.
func TestConfirmWithin_systemd(t *testing.T) {
	m := boot(t)
	note := m.run("setsid", "--wait", "/opt/closewait", "tune", "tcp_retries2=9", "--yes", "--confirm-within", "1s")
	if !strings.Contains(note, "by the timer closewait-undo-") {
		t.Errorf("it does not say how: %s", note)
	}
	nstest.Eventually(t, func() (bool, any) {
		value, units := m.retries2(), m.units()
		return value == "15" && units == "", value + " " + units
	})
	for end, value := range map[string]string{"confirm": "9", "undo": "10"} {
		m.run("/opt/closewait", "tune", "tcp_retries2="+value, "--yes", "--confirm-within", "1h")
		if units := strings.Fields(m.units()); !slices.Contains(units, "waiting") {
			t.Errorf("no timer waits: %q", units)
		}
		args := []string{"/opt/closewait", end}
		if end == "undo" {
			args = append(args, "--yes")
		}
		m.run(args...)
		if units := m.units(); units != "" {
			t.Errorf("after %s there is %q", end, units)
		}
	}
	if value := m.retries2(); value != "9" { // the confirmed one
		t.Errorf("tcp_retries2 is %s", value)
	}
	m.run("/opt/closewait", "tune", "tcp_retries2=9", "--yes", "--confirm-within", "1h")
	if units := m.units(); units != "" {
		t.Errorf("after a change that changed nothing there is %q", units)
	}
	// A roll-back that cannot be made stays in the list of failed units.
	m.run("/opt/closewait", "tune", "tcp_retries2=12", "--yes", "--confirm-within", "1s")
	m.run("sh", "-c", "echo 13 > /proc/sys/net/ipv4/tcp_retries2")
	nstest.Eventually(t, func() (bool, any) {
		failed := m.run("systemctl", "list-units", "--failed", "--plain", "--no-legend")
		return strings.Contains(failed, "closewait-undo-"), failed
	})
	if value := m.retries2(); value != "13" {
		t.Errorf("what somebody else has set is %s now", value)
	}
}
