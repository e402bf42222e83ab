package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sysctl"
)

// Acting is what the acting verbs need of the world.
type Acting struct {
	// Actors returns what carries out steps, and what gives back the resources they hold. Files are below root, netns are the namespaces as
	// they were named.
	Actors func(root string, netns []string) (change.Actors, io.Closer)
	// Sockets returns what asks sockets before they are changed.
	Sockets func(netns []string) SocketDoor
	// Own returns what tells the connection the user came in by.
	Own func() func(*look.Row) bool
	// Schedule starts what takes a change in the journal of a state directory back at a moment unless it is confirmed; see change.Confirmation.
	Schedule func(state, id string, at time.Time) (how string, err error)
	// Cancel ends what Schedule has started for a change, as far as it has to be ended.
	Cancel func(id string) error
	// Who says who is making the change.
	Who func() report.Who
}

// SocketDoor asks sockets before they are changed; steps name them. Errors: fs.ErrPermission, fs.ErrNotExist for a socket that has ended, errors.ErrUnsupported for what
// this kernel cannot do.
type SocketDoor interface {
	// OptionOf returns the value the option of a step has.
	OptionOf(s *report.Step) (report.Value, error)
	// Reach tells whether a descriptor leads to the socket.
	Reach(s *report.Step) error
	// CanDestroy tells whether the socket may be destroyed.
	CanDestroy(ctx context.Context, s *report.Step) error
	io.Closer
}

// systemActing is the real one.
func systemActing() *Acting {
	return &Acting{
		Actors: systemActors, Who: func() report.Who { return who(os.Getenv, "/proc/self/loginuid", os.Args) },
		Sockets: func(netns []string) SocketDoor { return change.NewSockets(netns...) }, Own: ownConnection, Schedule: schedule, Cancel: cancelTimer,
	}
}

// systemActors has one row for each action.
func systemActors(root string, namespaces []string) (change.Actors, io.Closer) {
	sockets := change.NewSockets(namespaces...)
	actors := sockets.Actors()
	actors[report.ActionSysctl] = change.Sysctl{Tree: sysctl.New("/proc/sys"), Roots: netns.DefaultRoots()}
	actors[report.ActionFile] = change.DropIn{Files: sysctl.NewDropIns(root)}
	return actors, sockets
}

// maxArguments is how much of the command line the journal keeps.
const maxArguments = 64

// who describes the user behind this process.
func who(env func(string) string, loginUID string, args []string) report.Who {
	w := report.Who{UID: os.Getuid(), PID: os.Getpid(), Command: slices.Clone(args[:min(len(args), maxArguments)])}
	for i, arg := range w.Command {
		w.Command[i] = arg[:min(len(arg), 256)]
	}
	if user := env("SUDO_USER"); user != "" {
		w.SudoUser = &user
	}
	// The kernel's word for "nobody has logged in" is the largest number (AUDIT_UID_UNSET).
	if n, err := strconv.ParseUint(firstLine(loginUID), 10, 32); err == nil && n != 1<<32-1 {
		w.LoginUID = new(int(n))
	}
	return w
}

// stateDirs lists where the journal may be: below /var/lib for root, below the user's own state directory for others, and for root where /var/lib cannot be written.
func stateDirs(uid int, env func(string) string) []string {
	var dirs []string
	if uid == 0 {
		dirs = append(dirs, "/var/lib/closewait")
	}
	if xdg := env("XDG_STATE_HOME"); filepath.IsAbs(xdg) {
		dirs = append(dirs, filepath.Join(xdg, "closewait"))
	} else if home := env("HOME"); filepath.IsAbs(home) {
		dirs = append(dirs, filepath.Join(home, ".local/state/closewait"))
	}
	return dirs
}

// acts refuses where nothing can be changed at all.
func (a *app) acts() error {
	if a.cfg.Acting == nil || a.cfg.States == nil {
		return &Error{Exit: Unsupported, Message: "change this host: not in this build", Help: "closewait capabilities"}
	}
	return nil
}

// actor makes the Runner of an acting verb, with a journal to write to, and what gives back its resources.
func (a *app) actor() (*change.Runner, func(), error) {
	if err := a.acts(); err != nil {
		return nil, nil, err
	}
	dir, err := openJournal(a.cfg.States())
	if err != nil {
		return nil, nil, noJournal(err)
	}
	actors, closer := a.cfg.Acting.Actors(a.cfg.root(), a.flags.netns)
	return &change.Runner{Journal: dir, Actors: actors, Header: a.header("Change"), Who: a.cfg.Acting.Who(), Now: a.cfg.Now, Cancel: a.cfg.Acting.Cancel}, func() { _ = closer.Close() }, nil
}

// noJournal is the error where the directory of the journal cannot be used.
func noJournal(err error) error {
	return &Error{Exit: Refused, Code: "journal", Message: "no journal can be kept, and nothing is changed without one", Why: err.Error(), Help: "set XDG_STATE_HOME to a directory of your own", Err: err}
}

// keeper makes the Runner of a verb about a change that was made. Where none ever was it makes no journal: what it is asked for is not found.
func (a *app) keeper() (*change.Runner, func(), error) {
	if err := a.acts(); err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(a.journals(), journal.Dir.Exists) {
		return a.planner(), func() {}, nil
	}
	return a.actor()
}

// planner makes the Runner of a verb that has not decided yet whether it changes anything: it leaves nothing behind.
func (a *app) planner() *change.Runner {
	r := &change.Runner{Header: a.header("Change"), Now: a.cfg.Now}
	if dirs := a.journals(); len(dirs) > 0 {
		r.Journal = dirs[0]
	}
	return r
}

// openJournal opens the first directory that lets itself be made and used.
func openJournal(states []string) (journal.Dir, error) {
	var failed error = fs.ErrNotExist
	for _, state := range states {
		dir, err := journal.Open(state)
		if err == nil {
			return dir, nil
		}
		failed = err
	}
	return journal.Dir{}, failed
}

// changeError gives the errors of changes the words and exit codes of the contract.
func changeError(id string, err error) error {
	e := &Error{Exit: Refused, Message: "change " + id, Why: err.Error(), Err: err}
	switch {
	case errors.Is(err, journal.ErrBusy):
		e.Code, e.Message, e.Help = "busy", "nothing was changed", "try again when it has ended"
	case errors.Is(err, fs.ErrNotExist):
		e.Exit, e.Code, e.Message, e.Why, e.Help = Usage, "unknown_change", fmt.Sprintf("no change %q in the journal", id), "", "closewait changes"
	case errors.Is(err, change.ErrReboot):
		e.Code, e.Help = "drift", "plan it again"
	case errors.Is(err, change.ErrMoved):
		e.Code = "drift"
	case errors.Is(err, change.ErrKnown):
		e.Code, e.Message, e.Help = "drift", "plan "+id+" is not applied", "closewait changes"
	case errors.Is(err, change.ErrNothingToUndo), errors.Is(err, change.ErrNothingToConfirm), errors.Is(err, change.ErrConfirmed), errors.Is(err, change.ErrOtherHost):
		e.Code, e.Help = "nothing_to_do", "closewait changes"
	case errors.Is(err, context.Canceled):
		return err
	}
	return e
}

// judgeResult turns what became of the steps into an exit code: some made and some not, or some taken back, is RolledBack. A step that was taken back is refused
// and verified.
func judgeResult(r *report.Result) Code {
	count := map[string]int{}
	changed := false
	for i := range r.Steps {
		status := r.Steps[i].Status
		if status == nil {
			continue
		}
		count[*status]++
		changed = changed || *status == report.StatusDone || *status == report.StatusRefused && r.Steps[i].Verified
	}
	missed := count[report.StatusRefused] + count[report.StatusFailed]
	switch {
	case missed == 0:
		return Done
	case count[report.StatusFailed] == 0 && !changed:
		return Refused
	}
	return RolledBack
}

// summary says what steps are about, for lists.
func summary(steps []report.StepResult) string {
	if len(steps) == 0 {
		return ""
	}
	first := steps[0].Target
	if steps[0].Action == report.ActionSysctl {
		first += " " + steps[0].Before.String() + " → " + steps[0].After.String()
	}
	if len(steps) == 1 {
		return first
	}
	return first + " and " + strconv.Itoa(len(steps)-1) + " more"
}

// wantedID returns the identifier on the command line, "" when there is none.
func wantedID(args []string) string { return strings.ToLower(strings.Join(args, "")) }
