package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/closewait/closewait/internal/systemd"
)

// schedule starts what takes a change back at a moment unless it is confirmed by then: a timer of systemd where that runs the host, else a process that waits. Neither outlives the host: steps
// that would wait for the confirmation.
func schedule(state, id string, at time.Time) (how string, err error) {
	how, timerErr := startTimer(state, id, at)
	if timerErr == nil {
		return how, nil
	}
	how, err = detach(id, at)
	if err == nil && !errors.Is(timerErr, errors.ErrUnsupported) {
		how += ", as no timer could be started: " + timerErr.Error()
	}
	return how, err
}

// busPatience is how long systemd may take to answer.
const busPatience = 10 * time.Second

// rollbackUnit is the name of the timer that takes a change back.
func rollbackUnit(id string) string { return "closewait-undo-" + id }

// startTimer starts a timer of systemd: errors.ErrUnsupported where that cannot do what this process would, as it does not run the host, or sees another program or another journal.
func startTimer(state, id string, at time.Time) (how string, err error) {
	path, err := os.Executable() // "... (deleted)" once the program is replaced, which nobody sees
	states := stateDirs(os.Geteuid(), os.Getenv)
	found := slices.IndexFunc(states, func(dir string) bool { _, err := os.Stat(dir); return err == nil }) // by what is started
	if err != nil || os.Geteuid() != 0 || found < 0 || states[found] != state || !systemd.Sees(path) || !systemd.Sees(state) {
		return "", errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(context.Background(), busPatience)
	defer cancel()
	m, err := systemd.Open(ctx)
	if err != nil {
		return "", err
	}
	defer m.Close()
	var env []string
	for _, name := range []string{"HOME", "XDG_STATE_HOME"} { // where the journal is
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return "the timer " + rollbackUnit(id) + " of systemd", m.Start(ctx, systemd.Timer{
		Name: rollbackUnit(id), Description: "take back change " + id + " of closewait, which is not confirmed", After: time.Until(at),
		Command: []string{path, "undo", id, "--unless-confirmed", "--yes", "--quiet"}, Environment: env,
	})
}

// cancelTimer removes the timer of a change, if there is one. A process that waits finds out by itself that it has nothing to do.
func cancelTimer(id string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), busPatience)
	defer cancel()
	m, err := systemd.Open(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Stop(ctx, rollbackUnit(id)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// detach starts this program once more, in a session of its own and without a terminal, to take a change back. It outlives the
// terminal and the user's session.
func detach(id string, at time.Time) (how string, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer null.Close()
	// The path behind the link would be another program's once the file is replaced.
	process, err := os.StartProcess("/proc/self/exe", []string{"closewait", "undo", id, "--at=" + at.Format(time.RFC3339Nano), "--unless-confirmed", "--yes", "--quiet"}, &os.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return "", err
	}
	how = fmt.Sprintf("a process of closewait in the background (pid %d); it outlives the terminal, but ends with the host, and with the user's session where logind kills what is left "+
		"(KillUserProcesses)", process.Pid)
	return how, process.Release()
}
