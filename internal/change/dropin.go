package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sysctl"
)

// DropIn carries out steps that write a file of /etc/sysctl.d. Their values are whole texts, and null where there is no file.
type DropIn struct{ Files sysctl.DropIns }

// Read implements Actor.
func (a DropIn) Read(_ context.Context, s *report.Step) (Reading, error) {
	if path.Dir(s.Target) != sysctl.Dirs()[0] {
		return Reading{}, fmt.Errorf("%w: %s is no file of %s", ErrRefused, s.Target, sysctl.Dirs()[0])
	}
	text, err := a.Files.Read(path.Base(s.Target))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Compare(s, ""), nil
	case errors.Is(err, sysctl.ErrNotFile):
		return Reading{}, fmt.Errorf("%w: %w", ErrRefused, err)
	case err != nil:
		return Reading{}, err
	}
	return Compare(s, report.Text(text)), nil
}

// Apply implements Actor.
func (a DropIn) Apply(_ context.Context, s *report.Step) error {
	return a.turn(s.Target, s.Before, s.After)
}

// Undo implements Actor.
func (a DropIn) Undo(_ context.Context, s *report.Step) error {
	return a.turn(s.Target, s.After, s.Before)
}

// tidy implements tidier.
func (a DropIn) tidy(s *report.Step) error { return a.Files.Tidy(path.Base(s.Target)) }

func (a DropIn) turn(target string, from, to report.Value) error {
	name := path.Base(target)
	var err error
	if to == "" {
		err = a.Files.Remove(name)
	} else {
		err = a.Files.Write(name, to.String(), from == "")
	}
	if errors.Is(err, sysctl.ErrReadOnlyFiles) || errors.Is(err, sysctl.ErrNotFile) || errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
