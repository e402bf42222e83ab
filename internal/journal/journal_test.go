package journal_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

func entry(id string, steps int) *report.Journal {
	e := &report.Journal{Header: report.Header{Schema: report.Schema, Kind: "Journal", Incomplete: []report.Incomplete{}}, State: report.JournalOpen}
	e.ID, e.Action, e.StartedAt = id, "close", time.Unix(1_700_000_000, 0).UTC()
	e.Risks, e.Refused, e.Who.Command, e.Steps = []string{}, []report.Refusal{}, []string{"closewait"}, []report.StepResult{}
	for range steps {
		e.Steps = append(e.Steps, report.StepResult{Step: report.Step{Action: "destroy", Target: "\"null}\"\n", Before: report.Text("close_wait"), Detail: report.Detail{Other: json.RawMessage(`{"pid":1}`)}}})
	}
	return e
}

// TestWriter: after every status the file is whole and says so, and a reader needs only its first line to know what it is about.
func TestWriter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := journal.Open(t.TempDir())
		if err != nil {
			rt.Fatal(err)
		}
		e := entry("00ff", rapid.IntRange(0, 6).Draw(rt, "steps"))
		w, err := dir.Create(e)
		if err != nil {
			rt.Fatal(err)
		}
		defer w.Close()
		for i := 0; i < len(e.Steps); {
			first := i
			i = min(len(e.Steps), first+rapid.IntRange(1, 3).Draw(rt, "at once"))
			for k := first; k < i; k++ {
				e.Steps[k].Status, e.Steps[k].Verified = new(rapid.SampledFrom([]string{"done", "already", "gone", "refused", "failed"}).Draw(rt, "status")), rapid.Bool().Draw(rt, "verified")
			}
			if err := w.Status(first, e.Steps[first:i], rapid.Bool().Draw(rt, "sync")); err != nil {
				rt.Fatal(err)
			}
			got, err := dir.Read("00ff")
			if diff := cmp.Diff(e, got); err != nil || diff != "" {
				rt.Fatalf("%v\n%s", err, diff)
			}
		}
		if len(e.Steps) > 0 && rapid.Bool().Draw(rt, "an error") {
			e.Steps[len(e.Steps)/2].Error = new("it was \"so\"\n")
		}
		e.State = report.JournalDone
		if err := w.Finish(e); err != nil {
			rt.Fatal(err)
		}
		got, err := dir.Read("00ff")
		if diff := cmp.Diff(e, got); err != nil || diff != "" {
			rt.Fatalf("finished: %v\n%s", err, diff)
		}
		heads, err := dir.Heads()
		e.Steps = []report.StepResult{}
		if diff := cmp.Diff([]report.Journal{*e}, heads); err != nil || diff != "" {
			rt.Fatalf("heads: %v\n%s", err, diff)
		}
	})
}

// TestHeads_damaged: one file that cannot be read hides no other.
func TestHeads_damaged(t *testing.T) {
	state := t.TempDir()
	dir, err := journal.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Update(entry("00ff", 1)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"0001": "", "0002": "{}\n", "0003": "{\"kind\":\"Journal\"", "0004": "null\n"} {
		if err := os.WriteFile(filepath.Join(state, "changes", name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if heads, err := dir.Heads(); len(heads) != 1 || err == nil {
		t.Errorf("%d heads, %v", len(heads), err)
	}
}

// TestPending: an open entry wants attention unless its writer is still at it.
func TestPending(t *testing.T) {
	dir, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	waiting := entry("00aa", 1)
	waiting.State, waiting.ConfirmBy = report.JournalDone, new(time.Unix(1_700_000_600, 0).UTC())
	for _, e := range []*report.Journal{entry("00ff", 1), waiting} {
		if err := dir.Update(e); err != nil {
			t.Fatal(err)
		}
	}
	release, err := dir.Lock(false)
	if err != nil {
		t.Fatal(err)
	}
	if pending, err := dir.Pending(); len(pending) != 1 || pending[0].ID != "00aa" || err != nil {
		t.Errorf("while it is made: %d, %v", len(pending), err)
	}
	if _, err := dir.Lock(false); !errors.Is(err, journal.ErrBusy) {
		t.Errorf("a second lock: %v", err)
	}
	release()
	if pending, err := dir.Pending(); len(pending) != 2 || err != nil {
		t.Errorf("afterwards: %d, %v", len(pending), err)
	}
}

// TestLock_copied: a copy of the descriptor, as a process has that is being started, keeps no lock that was released.
func TestLock_copied(t *testing.T) {
	state := t.TempDir()
	dir, err := journal.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	release, err := dir.Lock(false)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	copied := 0
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); !strings.HasPrefix(to, state) || filepath.Base(to) != "lock" {
			continue
		}
		n, err := strconv.Atoi(fd.Name())
		if err != nil {
			t.Fatal(err)
		}
		if n, err = syscall.Dup(n); err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(n)
		copied++
		break // its number may be one of those that were listed
	}
	release()
	again, err := dir.Lock(false)
	if err != nil || copied != 1 {
		t.Fatalf("%d copies: %v", copied, err)
	}
	again()
}

// TestRead_notFiles: what is no file of its own is not opened, however it got into the directory.
func TestRead_notFiles(t *testing.T) {
	state := t.TempDir()
	dir, err := journal.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Update(entry("00ff", 1)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syscall.Mkfifo(dir.Path("0001"), 0o600), os.Symlink(dir.Path("00ff"), dir.Path("0002")), os.Symlink("/dev/zero", dir.Path("0003")), os.Mkdir(dir.Path("0004"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"0001", "0002", "0003", "0004"} {
		if e, err := dir.Read(id); err == nil {
			t.Errorf("%s is read as %+v", id, e)
		}
	}
	if heads, err := dir.Heads(); len(heads) != 1 || err == nil {
		t.Errorf("%d heads, %v", len(heads), err)
	}
}

// TestRead_paths: an identifier is never a way to another file.
func TestRead_paths(t *testing.T) {
	dir, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "../../etc/passwd", "ABCD", "abc", "abcd.json", "abcd/"} {
		if _, err := dir.Read(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if heads, err := journal.At(filepath.Join(t.TempDir(), "none")).Heads(); heads != nil || err != nil {
		t.Errorf("no journal at all: %v, %v", heads, err)
	}
}
