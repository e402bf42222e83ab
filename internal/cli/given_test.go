package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// silent is a standard input that says nothing, and when it is asked.
type silent struct{ asked func() }

func (s silent) Read([]byte) (int, error) {
	s.asked()
	select {}
}

// TestGiven_waits: what has to be waited for is waited for as long as was said, or until a signal comes, of which one is enough.
func TestGiven_waits(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--from", pipe}, {"ls", "--from", pipe}, {"when", "--from", "-"}, {"report", "-", "--from", pipe}, {"record", "-", "--from", pipe}, {"check", "--from", "-"}, {"apply", pipe, "-n"},
	} {
		begin := time.Now()
		stdout, stderr, code := run(t, func(c *Config) { c.In = silent{func() {}} }, append(args, "--timeout", "200ms")...)
		want := int(Usage)
		if args[0] == "check" {
			want = 3
		}
		if took := time.Since(begin); code != want || stdout != "" && want != 3 || !strings.Contains(stdout+stderr, ": not read within 200ms") || took > 20*time.Second {
			t.Errorf("%v: exit %d after %v, %q, %q", args, code, took, stdout, stderr)
		}
	}
	_, stderr, code := run(t, func(c *Config) {
		c.In = silent{func() { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM) }}
	}, "ls", "--from", "-")
	if code != int(Terminated) {
		t.Errorf("exit %d after SIGTERM, %q", code, stderr)
	}
}

// TestGiven_endless: what never ends is read no further than it takes to see that it is none of ours.
func TestGiven_endless(t *testing.T) {
	for name, test := range map[string]struct {
		in   io.Reader
		args []string
		want string
	}{
		"zeros":       {nil, []string{"ls", "--from", "/dev/zero"}, "line longer than 64 KiB"},
		"lines":       {repeated("y\n"), []string{"ls", "--from", "-"}, "1000001 lines, and 0 sockets"},
		"a directory": {nil, []string{"ls", "--from", t.TempDir()}, "is a directory"},
		"a zero plan": {nil, []string{"apply", "/dev/zero"}, "no plan"},
		"plan, dir":   {nil, []string{"apply", t.TempDir()}, "is a directory"},
	} {
		stdout, stderr, code := run(t, func(c *Config) { c.In = test.in }, test.args...)
		if code != int(Usage) || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit %d, %q, %q", name, code, stdout, stderr)
		}
	}
}

// repeated is a text without end.
type repeated string

func (r repeated) Read(b []byte) (n int, err error) {
	if len(b) < len(r) {
		return 0, errors.New("the buffer is too small")
	}
	for len(b)-n >= len(r) {
		n += copy(b[n:], r)
	}
	return n, nil
}
