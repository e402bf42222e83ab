package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// vacant reports why a file cannot be written, before anything is done for it.
func vacant(name string, overwrite bool) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Error{Exit: Usage, Code: "output", Message: err.Error(), Err: err}
	case !info.Mode().IsRegular():
		return usageError("- writes to standard output", "%s is not a regular file", name)
	case !overwrite:
		return taken(name)
	}
	return nil
}

func taken(name string) error {
	return &Error{Exit: Refused, Code: "exists", Message: name + " exists, and was left as it is", Help: "use another name, or --overwrite"}
}

// writeFile writes a file for its owner alone (0600: it names processes and peers). It has its name only once it is whole and on the disk; what was there before
// stays until then, and for good unless overwrite is set.
func writeFile(name string, overwrite bool, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".closewait-*")
	if err != nil {
		return notWritten(name, err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it has its name by then
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return notWritten(name, err)
	}
	switch err := place(file.Name(), name, overwrite); {
	case errors.Is(err, fs.ErrExist):
		return taken(name)
	case err != nil:
		return notWritten(name, err)
	}
	return nil
}

// place gives a file its name. A link, unlike a rename, never replaces what somebody else has put there meanwhile; some file systems have none.
func place(file, name string, overwrite bool) error {
	if !overwrite {
		err := os.Link(file, name)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		if _, err := os.Lstat(name); err == nil {
			return fs.ErrExist
		}
	}
	return os.Rename(file, name)
}

// notWritten names the file that was meant, not the one that was to become it.
func notWritten(name string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return &Error{Exit: OutputFailed, Code: "output", Message: "write " + name + ": " + err.Error(), Why: "nothing was left of it", Err: err}
}
