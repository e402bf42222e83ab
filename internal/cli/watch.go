package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// repeat shows an answer once, or with -w again and again until a signal ends it. On a terminal each answer takes the place of the one
// before; in a pipe an empty line separates them. The cursor and the terminal's modes are left alone, so that there is nothing to restore.
func (a *app) repeat(ctx context.Context, show func(context.Context, io.Writer) error) error {
	if a.flags.watch == 0 {
		return show(ctx, a.out)
	}
	for first := true; ; first = false {
		next := time.NewTimer(a.flags.watch)
		if err := a.tick(ctx, first, show); err != nil {
			next.Stop()
			return err
		}
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-next.C:
		}
	}
}

// tick shows one answer of a watch. A look that a signal cut short has nothing new to show.
func (a *app) tick(ctx context.Context, first bool, show func(context.Context, io.Writer) error) error {
	redraw := a.cfg.OutTerminal && !a.flags.json() && a.flags.output != formatName && a.flags.output != formatPlain
	if !redraw {
		if !first && !a.flags.json() {
			a.out.WriteByte('\n')
		}
		return errors.Join(show(ctx, a.out), a.out.Flush())
	}
	var screen bytes.Buffer
	if err := show(ctx, &screen); err != nil {
		return err
	}
	_, height := a.size()
	frame(a.out, screen.Bytes(), height, first)
	return a.out.Flush()
}

// frame writes a screen over the one before, in one go so that it does not flicker: from the top, each line cleared to its end, then all that is
// below. The first one scrolls what was on the screen out of the way instead of wiping it out. Lines that do not fit are left out.
func frame(w io.Writer, screen []byte, height int, first bool) {
	lines := bytes.SplitAfter(bytes.TrimSuffix(screen, []byte("\n")), []byte("\n"))
	if height > 1 && len(lines) >= height {
		lines = lines[:height-1]
	}
	var b []byte
	if first {
		b = append(b, bytes.Repeat([]byte("\n"), height)...)
	}
	b = append(b, "\x1b[H"...)
	for _, line := range lines {
		b = append(append(b, bytes.TrimSuffix(line, []byte("\n"))...), "\x1b[K\n"...)
	}
	_, _ = w.Write(append(b, "\x1b[J"...)) // the caller's Flush reports the error
}
