package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/report"
)

// Writer completes an entry while its steps are made.
type Writer struct {
	dir  Dir
	id   string
	file *os.File
	// head is the length of what stands before the steps.
	head  int
	steps *steps
}

// Create writes an entry and syncs it. What exists under its identifier is replaced.
func (d Dir) Create(entry *report.Journal) (*Writer, error) {
	w := &Writer{dir: d, id: entry.ID, steps: encodeSteps(entry.Steps)}
	var err error
	if w.head, err = d.write(entry, w.steps); err != nil {
		return nil, err
	}
	if w.file, err = os.OpenFile(d.Path(entry.ID), os.O_WRONLY, 0); err != nil {
		return nil, opError("open", d.Path(entry.ID), err)
	}
	return w, nil
}

// Update replaces an entry as a whole.
func (d Dir) Update(entry *report.Journal) error {
	_, err := d.write(entry, encodeSteps(entry.Steps))
	return err
}

// Status notes what became of steps from the first on, and syncs it when they outlive the kernel. Their errors wait for Finish.
func (w *Writer) Status(first int, list []report.StepResult, sync bool) error {
	changed, at := w.steps.note(first, list)
	_, err := w.file.WriteAt(changed, int64(w.head+at))
	if err == nil && sync {
		err = unix.Fdatasync(int(w.file.Fd()))
	}
	return opError("write", w.dir.Path(w.id), err)
}

// Finish writes the entry for the last time, with the errors of its steps, and closes the writer.
func (w *Writer) Finish(entry *report.Journal) error {
	defer w.Close()
	if len(entry.Steps) == 0 || slices.ContainsFunc(entry.Steps, func(s report.StepResult) bool { return s.Error != nil }) {
		return w.dir.Update(entry)
	}
	w.steps.note(0, entry.Steps)
	_, err := w.dir.write(entry, w.steps)
	return err
}

// Close gives the writer up and leaves the entry as it is.
func (w *Writer) Close() { _ = w.file.Close() }

// write replaces the file of an entry: another name first, synced, renamed, and the directory synced. head is the length of what stands before the steps.
func (d Dir) write(entry *report.Journal, s *steps) (head int, err error) {
	b, err := encodeHead(entry)
	if err != nil {
		return 0, opError("encode", entry.ID, err)
	}
	path := d.Path(entry.ID)
	temporary := fmt.Sprintf("%s/.%s.%d", d.path, filepath.Base(path), os.Getpid())
	if err := writeSynced(temporary, b, s.text); err != nil {
		_ = os.Remove(temporary)
		return 0, opError("write", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return 0, opError("write", path, err)
	}
	return len(b), opError("sync", d.path, syncDir(d.path))
}

func writeSynced(path string, parts ...[]byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, b := range parts {
		if _, err := file.Write(b); err != nil {
			return err
		}
	}
	return file.Sync()
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
