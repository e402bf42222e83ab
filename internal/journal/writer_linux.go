package journal

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/report"
)

// Writer completes an entry while its steps are made.
type Writer struct {
	dir    Dir
	id     string
	file   *os.File
	places []int64
}

// Create writes an entry and syncs it. What exists under its identifier is replaced.
func (d Dir) Create(entry *report.Journal) (*Writer, error) {
	places, err := d.write(entry)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(d.Path(entry.ID), os.O_WRONLY, 0)
	if err != nil {
		return nil, opError("open", d.Path(entry.ID), err)
	}
	return &Writer{d, entry.ID, file, places}, nil
}

// Update replaces an entry as a whole.
func (d Dir) Update(entry *report.Journal) error {
	_, err := d.write(entry)
	return err
}

// Status notes what became of a step, and syncs it when the step outlives the kernel.
func (w *Writer) Status(step int, status string, sync bool) error {
	_, err := w.file.WriteAt(padded(&status), w.places[step])
	if err == nil && sync {
		err = unix.Fdatasync(int(w.file.Fd()))
	}
	return opError("write", w.dir.Path(w.id), err)
}

// Finish writes the entry for the last time, with the errors of its steps, and closes the writer.
func (w *Writer) Finish(entry *report.Journal) error {
	err := w.dir.Update(entry)
	w.Close()
	return err
}

// Close gives the writer up and leaves the entry as it is.
func (w *Writer) Close() { _ = w.file.Close() }

// write replaces the file of an entry: another name first, synced, renamed, and the directory synced.
func (d Dir) write(entry *report.Journal) (places []int64, err error) {
	b, places, err := encode(entry)
	if err != nil {
		return nil, opError("encode", entry.ID, err)
	}
	path := d.Path(entry.ID)
	temporary := fmt.Sprintf("%s/.%s.%d", d.path, filepath.Base(path), os.Getpid())
	if err := writeSynced(temporary, b); err != nil {
		_ = os.Remove(temporary)
		return nil, opError("write", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return nil, opError("write", path, err)
	}
	return places, opError("sync", d.path, syncDir(d.path))
}

func writeSynced(path string, b []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(b); err != nil {
		return err
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
