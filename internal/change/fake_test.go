package change_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

// files is an actor whose targets are small files, so that what it did outlives its process: their content is the value, a missing file has ended.
type files struct {
	stuck   string // a target that takes no value
	refused string // a target that may not be written
}

func (f files) Read(_ context.Context, s *report.Step) (change.Reading, error) {
	b, err := os.ReadFile(s.Target)
	if errors.Is(err, fs.ErrNotExist) {
		return change.Reading{Standing: change.Gone}, nil
	}
	return change.Compare(s, report.Value(b)), err
}

func (f files) Apply(_ context.Context, s *report.Step) error { return f.write(s.Target, s.After) }

func (f files) Undo(_ context.Context, s *report.Step) error { return f.write(s.Target, s.Before) }

func (f files) write(path string, value report.Value) error {
	switch filepath.Base(path) {
	case f.stuck:
		return nil
	case f.refused:
		return fs.ErrPermission
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(value), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// bench is a place for changes: a journal and some targets.
type bench struct {
	t      testing.TB
	runner *change.Runner
	dir    string
}

const boot = "11111111-0000-0000-0000-000000000000"

func newBench(t testing.TB, actor change.Actor) *bench {
	t.Helper()
	return benchAt(t, t.TempDir(), actor)
}

func benchAt(t testing.TB, dir string, actor change.Actor) *bench {
	t.Helper()
	b, err := openBench(dir, actor)
	if err != nil {
		t.Fatal(err)
	}
	b.t = t
	return b
}

func openBench(dir string, actor change.Actor) (*bench, error) {
	j, err := journal.Open(filepath.Join(dir, "state"))
	header := report.Header{Schema: report.Schema, Host: report.Host{Name: "here", Kernel: "6.18", BootID: new(boot)}, Incomplete: []report.Incomplete{}}
	return &bench{dir: dir, runner: &change.Runner{
		Journal: j, Actors: change.Actors{report.ActionSysctl: actor, report.ActionFile: actor}, Header: header, Now: time.Now,
	}}, err
}

// change plans one that sets the targets from 1 to 2.
func (b *bench) change(together bool, names ...string) *report.Change {
	c := &report.Change{Header: b.runner.Header, ChangeHead: report.ChangeHead{ID: "abcd", Action: "tune", Together: together, BootID: new(boot)}}
	for _, name := range names {
		c.Steps = append(c.Steps, report.Step{Action: report.ActionSysctl, Target: filepath.Join(b.dir, name), Before: "1", After: "2", Undoable: true})
	}
	return c
}

// set gives every target a value.
func (b *bench) set(value string, names ...string) {
	b.t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(value), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// want checks the values of targets.
func (b *bench) want(value string, names ...string) {
	b.t.Helper()
	for _, name := range names {
		if got, err := os.ReadFile(filepath.Join(b.dir, name)); err != nil || string(got) != value {
			b.t.Errorf("%s is %q, %v; want %q", name, got, err, value)
		}
	}
}

func (b *bench) apply(c *report.Change, confirm *change.Confirmation) *report.Result {
	b.t.Helper()
	result, err := b.runner.Apply(b.t.Context(), c, confirm)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

func (b *bench) undo(id string) *report.Result {
	b.t.Helper()
	c, _, err := b.runner.PlanUndo(id)
	if err != nil {
		b.t.Fatal(err)
	}
	result, err := b.runner.Undo(b.t.Context(), c, id, false)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// entry reads the journal.
func (b *bench) entry(id string) *report.Journal {
	b.t.Helper()
	entry, err := b.runner.Journal.Read(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return entry
}

// statuses lists what became of the steps.
func statuses(steps []report.StepResult) (list []string) {
	for _, s := range steps {
		if s.Status == nil {
			list = append(list, "")
		} else {
			list = append(list, *s.Status)
		}
	}
	return list
}
