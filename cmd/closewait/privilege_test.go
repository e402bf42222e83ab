package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/nstest"
)

// somebody is a user without rights who is given some capabilities.
type somebody struct {
	*host
	binary string
}

func newSomebody(t *testing.T) *somebody {
	s := &somebody{host: newHost(t)}
	if os.Getuid() != 0 {
		nstest.Missing(t, "root, to become somebody else")
	}
	dir := t.TempDir()
	s.binary = filepath.Join(dir, "closewait")
	from, errFrom := os.Open("/proc/self/exe")
	to, errTo := os.OpenFile(s.binary, os.O_CREATE|os.O_WRONLY, 0o755)
	err := errors.Join(errFrom, errTo)
	if err == nil {
		_, err = io.Copy(to, from)
	}
	if err := errors.Join(err, to.Close(), from.Close(), os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(s.root, "state"), 0o777)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(filepath.Join(s.root, "state"), 0o777), os.Chmod(s.root, 0o755)); err != nil {
		t.Fatal(err)
	}
	return s
}

// with runs the program as nobody with capabilities, and no others.
func (s *somebody) with(caps []string, args ...string) (out string, code int) {
	s.t.Helper()
	set := "-all"
	for _, c := range caps {
		set += ",+" + c
	}
	argv := append([]string{"--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=" + set, "--ambient-caps=" + set, s.binary}, args...)
	cmd := exec.Command("setpriv", argv...)
	cmd.Env = append(os.Environ(), rootEnv+"="+s.root)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if cmd.ProcessState == nil || strings.Contains(stderr.String(), "setpriv:") {
		s.t.Fatalf("%v: %v %s", argv, err, &stderr)
	}
	return string(b) + stderr.String(), cmd.ProcessState.ExitCode()
}

// mayIterate reports whether capabilities are said to include BPF.
func mayIterate(capabilities string) bool {
	var doc struct {
		Capabilities []struct{ Name, Status string }
	}
	return json.Unmarshal([]byte(capabilities), &doc) == nil && slices.Contains(doc.Capabilities, struct{ Name, Status string }{"bpf", "available"})
}

// TestPrivileges measures which capabilities each part of an answer, and each change, takes: with those it works, without any one of them it does not. SECURITY.md has the table.
func TestPrivileges(t *testing.T) {
	s := newSomebody(t)
	nstest.StartHolder(t, 3)
	nstest.Build(t, "established_unacked", nstest.Families()[0])
	ns := nstest.New(t)
	other := 0
	ns.Do(func() { other = nstest.StartHolder(t, 2).PID })
	last := ""
	held := func(caps []string) bool {
		out, _ := s.with(caps, "ls", "-p", "-o", "json", "state", "close-wait", "-q")
		var list struct{ Sockets []socketJSON }
		return json.Unmarshal([]byte(out), &list) == nil && len(list.Sockets) > 0 && !slices.ContainsFunc(list.Sockets, func(s socketJSON) bool { return len(s.Holders) == 0 })
	}
	done := func(args ...string) func([]string) bool {
		return func(caps []string) bool {
			var code int
			last, code = s.with(caps, args...)
			return code == 0
		}
	}
	fresh := func(works func([]string) bool) func([]string) bool {
		return func(caps []string) bool {
			nstest.StartHolder(t, 1)
			return works(caps)
		}
	}
	for _, part := range []struct {
		name  string
		caps  []string
		works func(caps []string) bool
	}{
		{"sockets of the own network", nil, func(caps []string) bool {
			out, code := s.with(caps, "ls", "-o", "name", "-q", "state", "close-wait")
			return code == 0 && strings.Count(out, "\n") >= 3
		}},
		{"holders among other users' processes", []string{"sys_ptrace", "dac_read_search"}, held},
		{"other networks", []string{"sys_admin", "sys_ptrace"}, done("ls", "--netns", strconv.Itoa(other))},
		{"filter by mark", []string{"net_admin"}, done("ls", "fwmark = 1")},
		{"BPF", []string{"bpf", "perfmon"}, func(caps []string) bool {
			out, _ := s.with(caps, "capabilities", "-o", "json")
			whole, _, _ := closewait(t, "capabilities", "-o", "json")
			return mayIterate(out) || len(caps) == 2 && !mayIterate(whole) // this kernel lets nobody
		}},
		{"tune", []string{"net_admin"}, done("tune", "tcp_retries2=9", "--yes")},
		{"limit", []string{"sys_ptrace", "dac_read_search"}, done("limit", "5m", "state established and timer = retransmit", "--yes", allRisks)},
		{"close --how=shutdown", []string{"sys_ptrace", "dac_read_search"}, fresh(done("close", "--how=shutdown", "state close-wait", "--yes", allRisks))},
		{"close --how=destroy", []string{"net_admin"}, fresh(done("close", "--how=destroy", "state close-wait", "--yes", allRisks))},
	} {
		t.Run(part.name, func(t *testing.T) {
			s.t = t
			s.set(retries2, "15")
			for i := range part.caps {
				if less := slices.Delete(slices.Clone(part.caps), i, i+1); part.works(less) {
					t.Errorf("works with %v alone", less)
				}
			}
			if !part.works(part.caps) {
				t.Errorf("does not work with %v: %s", part.caps, last)
			}
		})
	}
}
