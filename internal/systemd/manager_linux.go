package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// OpError is the error of this package. errors.ErrUnsupported: systemd does not run this host; fs.ErrNotExist: there is no such unit.
type OpError struct {
	Op, Unit string // Unit is "" where it is about none
	Err      error
}

// Error implements error.
func (e *OpError) Error() string {
	if e.Unit == "" {
		return "systemd: " + e.Op + ": " + e.Err.Error()
	}
	return "systemd: " + e.Op + " " + e.Unit + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Manager is a connection to the systemd that runs this host. It must be closed.
type Manager struct{ conn *dbus.Conn }

// Open connects to the socket that systemd keeps for root, which needs no message bus.
func Open(ctx context.Context) (*Manager, error) {
	if _, err := os.Lstat("/run/systemd/system"); err != nil { // sd_booted(3)
		return nil, &OpError{Op: "connect", Err: errors.ErrUnsupported}
	}
	conn, err := dbus.NewSystemdConnectionContext(ctx)
	if err != nil {
		return nil, &OpError{Op: "connect", Err: err}
	}
	return &Manager{conn}, nil
}

// Close gives the connection back.
func (m *Manager) Close() { m.conn.Close() }

// Timer is a program that is to run once.
type Timer struct {
	// Name is what its two units are called: NAME.timer and NAME.service.
	Name string
	// Description is what people read in the list of units.
	Description string
	// After is how long from now on (CLOCK_MONOTONIC, which no change of the wall clock moves).
	After time.Duration
	// Command is the program, by its path, and its arguments.
	Command []string
	// Environment is all it gets beside systemd's own, as NAME=VALUE.
	Environment []string
}

// accuracy is how much later than asked for the program may be started; systemd's default is a minute.
const accuracy = 100 * time.Millisecond

// Start starts the timer as a transient unit: it is gone when it has elapsed, and with the host. A program that fails stays in the list of failed units.
func (m *Manager) Start(ctx context.Context, t Timer) error {
	type monotonic struct {
		Base         string
		Microseconds uint64
	}
	name := t.Name + ".timer"
	// The last argument of PropExecStart is whether failures are ignored, whatever its name says (bus_set_transient_exec_command).
	service := []dbus.Property{dbus.PropDescription(t.Description), dbus.PropType("oneshot"), dbus.PropExecStart(t.Command, false), property("Environment", t.Environment)}
	done := make(chan string, 1)
	_, err := m.conn.StartTransientUnitAux(ctx, name, "fail", []dbus.Property{
		dbus.PropDescription(t.Description), property("TimersMonotonic", []monotonic{{"OnActiveSec", uint64(max(t.After, time.Microsecond) / time.Microsecond)}}), //nolint:gosec // positive
		property("AccuracyUSec", uint64(accuracy/time.Microsecond)), property("RemainAfterElapse", false),
	}, []dbus.PropertyCollection{{Name: t.Name + ".service", Properties: service}}, done)
	return finished(ctx, "start", name, done, err)
}

// Stop ends a timer that has not elapsed: fs.ErrNotExist when there is none.
func (m *Manager) Stop(ctx context.Context, timer string) error {
	name := timer + ".timer"
	done := make(chan string, 1)
	_, err := m.conn.StopUnitContext(ctx, name, "replace", done)
	return finished(ctx, "stop", name, done, err)
}

// finished waits for the end of a job.
func finished(ctx context.Context, op, unit string, done <-chan string, err error) error {
	var reply godbus.Error
	switch {
	case errors.As(err, &reply) && reply.Name == "org.freedesktop.systemd1.NoSuchUnit":
		err = fs.ErrNotExist
	case err == nil:
		select {
		case result := <-done:
			if result == "done" {
				return nil
			}
			err = fmt.Errorf("its job is %s", result)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return &OpError{op, unit, err}
}

func property(name string, value any) dbus.Property {
	return dbus.Property{Name: name, Value: godbus.MakeVariant(value)}
}

// Sees reports whether systemd finds the same file or directory under a path as this process does: it may live in another mount namespace.
func Sees(path string) bool {
	var ours, theirs unix.Stat_t
	return unix.Stat(path, &ours) == nil && unix.Stat("/proc/1/root"+path, &theirs) == nil && ours.Dev == theirs.Dev && ours.Ino == theirs.Ino
}
