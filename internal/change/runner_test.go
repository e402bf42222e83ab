package change_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

// TestApply_undo: what was made is read back and written down, and taking it back is identity.
func TestApply_undo(t *testing.T) {
	b := newBench(t, files{})
	b.set("1", "a", "b")
	b.set("2", "already")
	result := b.apply(b.change(true, "a", "b", "already", "missing"), nil)
	if got := statuses(result.Steps); !slices.Equal(got, []string{"done", "done", "already", "gone"}) || result.Undo == nil || *result.Undo != "closewait undo abcd" {
		t.Errorf("%v, undo %v", got, result.Undo)
	}
	b.want("2", "a", "b", "already")
	entry := b.entry("abcd")
	if entry.State != report.JournalDone || entry.FinishedAt == nil || *entry.Host.BootID != boot || !entry.Steps[0].Verified {
		t.Errorf("entry %+v", entry)
	}
	back := b.undo("abcd")
	if got := statuses(back.Steps); !slices.Equal(got, []string{"done", "done"}) {
		t.Errorf("undo: %v", got)
	}
	b.want("1", "a", "b")
	b.want("2", "already")
	entry = b.entry("abcd")
	if entry.State != report.JournalUndone || *entry.UndoneBy != back.ID || *b.entry(back.ID).Undoes != "abcd" {
		t.Errorf("after undo: %+v", entry)
	}
	if _, _, err := b.runner.PlanUndo("abcd"); !errors.Is(err, change.ErrNothingToUndo) {
		t.Errorf("a second undo: %v", err)
	}
}

// TestApply_interrupted: what ended before the first step leaves no entry.
func TestApply_interrupted(t *testing.T) {
	b := newBench(t, files{})
	b.set("1", "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.runner.Apply(ctx, b.change(true, "a"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	b.want("1", "a")
	if _, err := b.runner.Journal.Read("abcd"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the entry: %v", err)
	}
}

// TestApply_together: the first step that fails takes the others back; without it they stand for themselves.
func TestApply_together(t *testing.T) {
	for name, test := range map[string]struct {
		actor    files
		together bool
		want     []string
		state    string
		value    string
	}{
		"stuck together":   {files{stuck: "c"}, true, []string{"refused", "refused", "failed", "refused"}, report.JournalRolledBack, "1"},
		"refused together": {files{refused: "c"}, true, []string{"refused", "refused", "refused", "refused"}, report.JournalRolledBack, "1"},
		"stuck alone":      {files{stuck: "c"}, false, []string{"done", "done", "failed", "done"}, report.JournalDone, "2"},
		"refused alone":    {files{refused: "c"}, false, []string{"done", "done", "refused", "done"}, report.JournalDone, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.actor)
			b.set("1", "a", "b", "c", "d")
			result := b.apply(b.change(test.together, "a", "b", "c", "d"), nil)
			if got := statuses(result.Steps); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
			for _, s := range result.Steps {
				if s.Error != nil && strings.HasPrefix(*s.Error, "refused: ") {
					t.Errorf("%s, %s: %s", s.Target, *s.Status, *s.Error)
				}
			}
			b.want(test.value, "a", "b", "d")
			b.want("1", "c")
			if entry := b.entry("abcd"); entry.State != test.state || !slices.Equal(statuses(entry.Steps), test.want) {
				t.Errorf("entry %s %v", entry.State, statuses(entry.Steps))
			}
		})
	}
}

// TestApply_moved: nothing is written over what somebody else has set since the plan.
func TestApply_moved(t *testing.T) {
	b := newBench(t, files{})
	b.set("7", "a")
	result := b.apply(b.change(false, "a"), nil)
	if got := statuses(result.Steps); got[0] != report.StatusRefused || !strings.Contains(*result.Steps[0].Error, "is 7 now, and was 1") {
		t.Errorf("%v %v", got, *result.Steps[0].Error)
	}
	b.want("7", "a")
}

// TestUndo_moved: steps that belong together are not taken apart; others are refused one by one.
func TestUndo_moved(t *testing.T) {
	for _, together := range []bool{true, false} {
		b := newBench(t, files{})
		b.set("1", "a", "b")
		b.apply(b.change(together, "a", "b"), nil)
		b.set("5", "a")
		c, _, err := b.runner.PlanUndo("abcd")
		if err != nil {
			t.Fatal(err)
		}
		result, err := b.runner.Undo(t.Context(), c, "abcd", false)
		if together {
			if !errors.Is(err, change.ErrMoved) || !strings.Contains(err.Error(), "is 5, this change had set 2") {
				t.Errorf("%v", err)
			}
			b.want("2", "b")
			continue
		}
		if err != nil || !slices.Equal(statuses(result.Steps), []string{"done", "refused"}) {
			t.Errorf("%v %v", result, err)
		}
		b.want("1", "b")
		b.want("5", "a")
		if state := b.entry("abcd").State; state != report.JournalDone {
			t.Errorf("what was not taken back is %s", state)
		}
	}
}

// TestUndo_reboot: what ended with the kernel needs no undo, what outlives it does.
func TestUndo_reboot(t *testing.T) {
	b := newBench(t, files{})
	b.set("1", "value", "drop-in")
	c := b.change(true, "value", "drop-in")
	c.Steps[1].Action, c.Steps[1].SurvivesReboot = report.ActionFile, true
	b.apply(c, nil)
	b.runner.Header.Host.BootID = new("22222222-0000-0000-0000-000000000000")
	if got := statuses(b.undo("abcd").Steps); !slices.Equal(got, []string{"done", "gone"}) {
		t.Errorf("%v", got)
	}
	b.want("2", "value")
	b.want("1", "drop-in")
}

// TestConfirm: what outlives a reboot waits for the confirmation, and the roll-back is started before anything else.
func TestConfirm(t *testing.T) {
	var cancelled []string
	begin := func(t *testing.T) (*bench, *report.Change) {
		b := newBench(t, files{})
		cancelled = nil
		b.runner.Cancel = func(id string) error { cancelled = append(cancelled, id); return nil }
		b.set("1", "value", "drop-in")
		c := b.change(true, "value", "drop-in")
		c.Steps[1].SurvivesReboot = true
		scheduled := false
		result := b.apply(c, &change.Confirmation{Within: time.Minute, Schedule: func(id string, at time.Time) (string, error) {
			b.want("1", "value")
			scheduled = id == "abcd" && time.Until(at) > 50*time.Second
			return "a test", nil
		}})
		if got := statuses(result.Steps); !scheduled || !slices.Equal(got, []string{"done", ""}) || result.ConfirmBy == nil {
			t.Errorf("scheduled %v, %v", scheduled, got)
		}
		b.want("1", "drop-in")
		if entry := b.entry("abcd"); !journal.Unconfirmed(entry) || *entry.Rollback != "a test" {
			t.Errorf("entry %+v", entry)
		}
		return b, c
	}
	t.Run("confirmed", func(t *testing.T) {
		b, _ := begin(t)
		if result, err := b.runner.Confirm(t.Context(), "abcd"); err != nil || !slices.Equal(statuses(result.Steps), []string{"done", "done"}) || result.ConfirmBy != nil {
			t.Errorf("%+v, %v", result, err)
		}
		b.want("2", "value", "drop-in")
		if !slices.Equal(cancelled, []string{"abcd"}) {
			t.Errorf("no longer to be taken back: %v", cancelled)
		}
		plan, _, err := b.runner.PlanUndo("abcd")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.runner.Undo(t.Context(), plan, "abcd", true); !errors.Is(err, change.ErrConfirmed) {
			t.Errorf("the roll-back of a confirmed change: %v", err)
		}
		if _, err := b.runner.Confirm(t.Context(), "abcd"); !errors.Is(err, change.ErrNothingToConfirm) {
			t.Errorf("a second confirmation: %v", err)
		}
		b.undo("abcd")
		b.want("1", "value", "drop-in")
	})
	t.Run("rolled back", func(t *testing.T) {
		b, _ := begin(t)
		plan, _, err := b.runner.PlanUndo("abcd")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.runner.Undo(t.Context(), plan, "abcd", true); err != nil {
			t.Fatal(err)
		}
		b.want("1", "value", "drop-in")
		if !slices.Equal(cancelled, []string{"abcd"}) {
			t.Errorf("no longer to be taken back: %v", cancelled)
		}
		if _, err := b.runner.Confirm(t.Context(), "abcd"); !errors.Is(err, change.ErrNothingToConfirm) {
			t.Errorf("a late confirmation: %v", err)
		}
	})
	t.Run("nothing to roll back", func(t *testing.T) {
		b := newBench(t, files{})
		cancelled = nil
		b.runner.Cancel = func(id string) error { cancelled = append(cancelled, id); return nil }
		b.set("2", "a")
		result := b.apply(b.change(true, "a"), &change.Confirmation{Within: time.Minute, Schedule: func(string, time.Time) (string, error) { return "a test", nil }})
		if got := statuses(result.Steps); !slices.Equal(got, []string{"already"}) || result.ConfirmBy != nil || journal.Unconfirmed(b.entry("abcd")) || !slices.Equal(cancelled, []string{"abcd"}) {
			t.Errorf("%v, to be confirmed by %v, cancelled %v", got, result.ConfirmBy, cancelled)
		}
	})
	t.Run("nothing to roll back with", func(t *testing.T) {
		b := newBench(t, files{})
		b.set("1", "a")
		_, err := b.runner.Apply(t.Context(), b.change(true, "a"), &change.Confirmation{Within: time.Minute, Schedule: func(string, time.Time) (string, error) {
			return "", errors.New("no timers here")
		}})
		if err == nil || !strings.Contains(err.Error(), "no timers here") {
			t.Errorf("%v", err)
		}
		b.want("1", "a")
	})
}

// TestApply_twice: the entry of a change that was made is never replaced by that of another attempt, which would lose what there was before.
func TestApply_twice(t *testing.T) {
	b := newBench(t, files{})
	b.set("1", "a")
	b.apply(b.change(true, "a"), nil)
	if _, err := b.runner.Apply(t.Context(), b.change(true, "a"), nil); !errors.Is(err, change.ErrKnown) {
		t.Errorf("%v, want ErrKnown", err)
	}
	if got := statuses(b.entry("abcd").Steps); !slices.Equal(got, []string{"done"}) {
		t.Errorf("the entry says %v", got)
	}
	b.undo("abcd")
	b.want("1", "a")
}

// TestLock: two of them at once do not mix their steps.
func TestLock(t *testing.T) {
	b := newBench(t, files{})
	b.set("1", "a")
	release, err := b.runner.Journal.Lock(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.runner.Apply(t.Context(), b.change(true, "a"), nil); !errors.Is(err, journal.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	b.want("1", "a")
	release()
	b.apply(b.change(true, "a"), nil)
}

// TestJournal_private: nobody else may read it, and without it nothing is changed.
func TestJournal_private(t *testing.T) {
	b := newBench(t, files{})
	b.set("1", "a")
	b.apply(b.change(true, "a"), nil)
	changes := filepath.Join(b.dir, "state", "changes")
	for path, want := range map[string]os.FileMode{filepath.Dir(changes): 0o700, changes: 0o700, filepath.Join(changes, "abcd.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %o", path, info.Mode(), err, want)
		}
	}
	if err := os.RemoveAll(changes); err != nil {
		t.Fatal(err)
	}
	b.set("1", "a")
	if _, err := b.runner.Apply(t.Context(), b.change(true, "a"), nil); err == nil {
		t.Error("a change without a journal")
	}
	b.want("1", "a")
}
