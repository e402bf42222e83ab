package cli

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/report"
)

// terminal makes the streams lead to a terminal of some size.
func terminal(width, height int) func(*Config) {
	return func(c *Config) {
		c.OutTerminal, c.ErrTerminal = true, true
		c.Size = func() (int, int) { return width, height }
	}
}

func TestTerminal_golden(t *testing.T) {
	for name, args := range map[string][]string{"status": {}, "ls": {"ls"}, "ls_wide": {"ls", "-o", "wide"}, "capabilities": {"capabilities"}} {
		t.Run(name, func(t *testing.T) {
			out, stderr, code := run(t, terminal(80, 24), args...)
			if code != 0 || stderr != "" {
				t.Errorf("exit %d, stderr %q", code, stderr)
			}
			golden.Compare(t, "tty_"+name+".golden", []byte(out))
		})
	}
}

// TestTerminal_shows_notes_once: a screen with the notes in it needs none on stderr.
func TestTerminal_shows_notes_once(t *testing.T) {
	t.Setenv("CANNED", "hidden")
	out, stderr, _ := run(t, terminal(80, 24))
	if !strings.Contains(out, "CW501") || stderr != "" {
		t.Errorf("stdout %q, stderr %q", out, stderr)
	}
}

// locked is a buffer for a command that is still running.
type locked struct {
	sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(b)
}

func (l *locked) String() string {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.String()
}

func TestProgress(t *testing.T) {
	for name, c := range map[string]struct {
		takes    time.Duration
		terminal bool
		args     []string
		want     bool
	}{
		"quick":     {300 * time.Millisecond, true, nil, false},
		"slow":      {900 * time.Millisecond, true, nil, true},
		"slow_pipe": {900 * time.Millisecond, false, nil, false},
		"quiet":     {900 * time.Millisecond, true, []string{"-q"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stderr locked
				a := &app{cfg: Config{Streams: Streams{Err: &stderr, ErrTerminal: c.terminal}, Now: time.Now}}
				a.flags.quiet = len(c.args) > 0
				stop := a.progress("reading sockets")
				time.Sleep(c.takes)
				stop()
				if shown := strings.Contains(stderr.String(), "reading sockets, 0.4 s"); shown != c.want {
					t.Errorf("%q", stderr.String())
				}
				if stderr.String() != "" && !strings.HasSuffix(stderr.String(), "\r\x1b[K") {
					t.Errorf("not erased: %q", stderr.String())
				}
			})
		})
	}
}

// TestWatch_redraws looks at three rounds on a terminal: the first scrolls, later ones overwrite, none is higher than the screen.
func TestWatch_redraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout locked
		looks := 0
		_, _, code := run(t, func(c *Config) {
			terminal(60, 5)(c)
			c.Out = &stdout
			look := c.Look
			c.Look = func(inner context.Context, q Query) (*Answer, error) {
				if looks++; looks == 4 {
					panic("enough") // the only end a test can give from here; a signal would hit the whole test binary
				}
				return look(inner, q)
			}
		}, "-w")
		out := stdout.String()
		if code != 70 || strings.Count(out, "\x1b[H") != 3 || !strings.HasPrefix(out, "\n\n\n\n\n\x1b[H") {
			t.Errorf("exit %d, %q", code, out)
		}
		for _, screen := range strings.Split(out, "\x1b[H")[1:] {
			if rows := strings.Count(screen, "\n"); rows != 4 {
				t.Errorf("%d rows", rows)
			}
		}
	})
}

func TestLook_passes_what_was_asked(t *testing.T) {
	var got Query
	ask := func(args ...string) Query {
		run(t, func(c *Config) {
			c.Look = func(_ context.Context, q Query) (*Answer, error) {
				got = q
				return &Answer{Report: &report.Report{}}, nil
			}
		}, args...)
		return got
	}
	if q := ask("ls", "state", "close-wait"); q.Filter != "state close-wait" || !q.Rows || q.Owners {
		t.Errorf("%+v", q)
	}
	if q := ask("ls", "-p"); !q.Owners {
		t.Errorf("-p: %+v", q)
	}
	if q := ask("ls", "-o", "json"); !q.Owners {
		t.Errorf("json: %+v", q)
	}
	if q := ask("ls", "-o", "json", "-p=false"); q.Owners {
		t.Errorf("json -p=false: %+v", q)
	}
	if q := ask("--netns", "host,blue"); len(q.Netns) != 2 || q.Rows || !q.Findings {
		t.Errorf("%+v", q)
	}
}
