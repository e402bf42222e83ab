package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// cannedActing changes a kernel that is a directory: what a socket has become is in a file named after the step, so that a later command finds it.
func cannedActing() *Acting {
	k := kernel{filepath.Join(os.Getenv("STATE"), "kernel")}
	a := systemActing()
	a.Actors = func(string, []string) (change.Actors, io.Closer) {
		actors := change.Actors{}
		for _, action := range []string{report.ActionUserTimeout, report.ActionRTOMax, report.ActionKeepalive, report.ActionShutdown, report.ActionDestroy} {
			actors[action] = k
		}
		return actors, k
	}
	a.Sockets = func([]string) SocketDoor { return k }
	a.Own = func() func(*look.Row) bool {
		return func(r *look.Row) bool { return os.Getenv("CANNED") == "own" && r.Socket.Peer.Port() == 60000 }
	}
	a.Who = func() report.Who { return report.Who{Command: []string{"closewait"}} }
	a.Cancel = nil
	a.Schedule = func(string, string, time.Time) (string, error) { return "nothing but this test", nil }
	return a
}

type kernel struct{ dir string }

func (k kernel) path(s *report.Step) string {
	return filepath.Join(k.dir, strings.NewReplacer(" ", "", "/", "_").Replace(s.Action+s.Target))
}

// Read implements change.Actor.
func (k kernel) Read(_ context.Context, s *report.Step) (change.Reading, error) {
	now, err := os.ReadFile(k.path(s))
	if errors.Is(err, fs.ErrNotExist) {
		return change.Compare(s, s.Before), nil
	}
	if string(now) == "" {
		return change.Reading{Standing: change.Gone}, err
	}
	return change.Compare(s, report.Value(now)), err
}

// Apply implements change.Actor.
func (k kernel) Apply(_ context.Context, s *report.Step) error { return k.write(s, s.After) }

// Undo implements change.Actor.
func (k kernel) Undo(_ context.Context, s *report.Step) error { return k.write(s, s.Before) }

func (k kernel) write(s *report.Step, value report.Value) error {
	if os.Getenv("KERNEL") == "denied" {
		return fs.ErrPermission
	}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(k.path(s), []byte(value), 0o600)
}

// OptionOf implements SocketDoor.
func (k kernel) OptionOf(s *report.Step) (report.Value, error) {
	switch {
	case os.Getenv("KERNEL") == "old":
		return "", errors.ErrUnsupported
	case os.Getenv("KERNEL") == "denied":
		return "", fs.ErrPermission
	}
	now, err := os.ReadFile(k.path(s))
	switch {
	case err == nil:
		return report.Value(now), nil
	case s.Action == report.ActionKeepalive:
		return report.Keepalive(false, 7200, 75, 9), nil
	}
	return report.Duration(0), nil
}

// Reach implements SocketDoor.
func (kernel) Reach(*report.Step) error { return kernelError() }

// CanDestroy implements SocketDoor.
func (kernel) CanDestroy(context.Context, *report.Step) error { return kernelError() }

func kernelError() error {
	switch os.Getenv("KERNEL") {
	case "old":
		return errors.ErrUnsupported
	case "denied":
		return fs.ErrPermission
	}
	return nil
}

// Close implements io.Closer.
func (kernel) Close() error { return nil }
