package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

// message is what the process that plays a scene tells the one that started it: events, then the result.
type message struct {
	Event *report.LabEvent `json:"event,omitempty"`
	Done  *report.LabScene `json:"done,omitempty"`
}

// Teller hears events and results as they come, one at a time.
type Teller struct {
	Event func(scene string, e report.LabEvent)
	Done  func(report.LabScene)
}

// Task is a scene to be played with settings.
type Task struct {
	Scene
	Settings
}

// Run plays scenes, some at once, each in a process and a network of its own, and returns their results in the order of the tasks. Those not begun when
// ctx ends are skipped.
func Run(ctx context.Context, tasks []Task, atOnce int, teller Teller) []report.LabScene {
	results := make([]report.LabScene, len(tasks))
	places := make(chan struct{}, max(atOnce, 1))
	var mu sync.Mutex
	var playing sync.WaitGroup
	for i, task := range tasks {
		places <- struct{}{}
		playing.Go(func() {
			results[i] = runOne(ctx, task.Scene, task.Settings, func(e report.LabEvent) {
				mu.Lock()
				defer mu.Unlock()
				teller.Event(task.Name, e)
			})
			mu.Lock()
			teller.Done(results[i])
			mu.Unlock()
			<-places
		})
	}
	playing.Wait()
	return results
}

func runOne(ctx context.Context, scene Scene, settings Settings, tell func(report.LabEvent)) report.LabScene {
	failure := func(status string, err error) report.LabScene {
		return report.LabScene{
			Name: scene.Name, Title: scene.Title, Settings: settings.shown(), Status: status, Reason: new(err.Error()),
			Story: []report.LabEvent{}, Verdicts: []report.LabVerdict{}, Predictions: []report.LabPrediction{},
		}
	}
	if err := ctx.Err(); err != nil {
		return failure(report.LabSkipped, err)
	}
	s, err := open(scene.Name, settings, nil)
	if err != nil {
		return failure(report.LabSkipped, err)
	}
	defer s.close()
	stop := context.AfterFunc(ctx, s.kill)
	defer stop()
	done, err := s.follow(tell)
	switch {
	case done != nil:
		return *done
	case ctx.Err() != nil:
		return failure(report.LabSkipped, ctx.Err())
	}
	return failure(report.LabFailed, fmt.Errorf("the process that plays the scene ended without a result: %w", err))
}

// Shell plays a scene and, when everything has been seen, runs a shell inside it on the streams of this process.
//
// Errors: those of starting it, or what ended the scene before.
func Shell(scene Scene, settings Settings, tell func(report.LabEvent)) error {
	s, err := open(scene.Name, settings, &terminal{os.Stdin, os.Stdout, os.Stderr})
	if err != nil {
		return err
	}
	defer s.close()
	done, err := s.follow(tell)
	switch {
	case done == nil:
		return fmt.Errorf("the process that plays the scene ended without a result: %w", err)
	case done.Reason != nil:
		return fmt.Errorf("%s: %s", done.Status, *done.Reason)
	}
	return nil
}

type terminal struct{ in, out, err *os.File }

// performer is the process that plays a scene, seen from outside.
type performer struct {
	cmd      *exec.Cmd
	messages *os.File
	state    string    // the directory for the journal of what is done, "" when nothing is
	alive    io.Closer // its standard input; the end of that is the end of the scene
}

// ErrNested says that a lab was asked for inside a scene. Scenes do not nest: a program that starts itself again without end would take the host with it.
var ErrNested = errors.New("this is already inside a scene of the lab")

// open starts the process. The calling goroutine is bound to its thread until close: the process dies with that thread.
func open(scene string, settings Settings, shell *terminal) (*performer, error) {
	if os.Getenv(markName) != "" {
		return nil, ErrNested
	}
	encoded, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	messages, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	s := &performer{messages: messages}
	if settings.Act != "" {
		if s.state, err = newState(); err != nil {
			messages.Close()
			return nil, err
		}
	}
	runtime.LockOSThread()
	s.cmd, err = stage.Enter(func() *exec.Cmd {
		args := []string{"lab", "stage", scene, string(encoded)}
		if shell != nil {
			args = append(args, "shell")
		}
		cmd := exec.Command(self, args...)
		cmd.Env = append(os.Environ(), Mark(), stateName+"="+s.state)
		cmd.ExtraFiles = []*os.File{write}
		cmd.Stderr = os.Stderr
		if shell != nil {
			cmd.Stdin, cmd.Stdout = shell.in, shell.out
			return cmd
		}
		s.alive, err = cmd.StdinPipe()
		return cmd
	})
	if err != nil {
		s.release()
		return nil, fmt.Errorf("no private network: %w", err)
	}
	return s, nil
}

func (s *performer) kill() { _ = s.cmd.Process.Kill() }

func (s *performer) close() {
	s.kill()
	_ = s.cmd.Wait()
	s.release()
}

// release gives back what the process was started with.
func (s *performer) release() {
	s.messages.Close()
	runtime.UnlockOSThread()
	if s.state != "" {
		_ = os.RemoveAll(s.state)
	}
}

// follow hands on events until the result comes, and waits for the end of the process.
func (s *performer) follow(tell func(report.LabEvent)) (*report.LabScene, error) {
	var done *report.LabScene
	lines := bufio.NewScanner(s.messages)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, err
		}
		if m.Event != nil {
			tell(*m.Event)
		}
		if m.Done != nil {
			done = m.Done
		}
	}
	return done, s.cmd.Wait()
}

// messagesFD is the descriptor on which Stage tells.
const messagesFD = 3

// Stage is the program of the process that plays a scene: see Run.
//
// Errors: those of telling. What goes wrong in the scene is in the result.
func Stage(ctx context.Context, name, settings string, shell bool, verbs Verbs) error {
	scene, found := Find(name)
	if !found {
		return fmt.Errorf("no scene %q", name)
	}
	var s Settings
	if err := json.Unmarshal([]byte(settings), &s); err != nil {
		return err
	}
	s.state = os.Getenv(stateName)
	if err := stage.Rename("lab-stage"); err != nil {
		return err
	}
	out := json.NewEncoder(os.NewFile(messagesFD, "messages"))
	if shell {
		scene.play = withShell(scene)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // ends when whoever started this has gone
			cancel()
		}()
	}
	var failed error
	done := Perform(ctx, scene, s, verbs, func(e report.LabEvent) {
		if err := out.Encode(message{Event: &e}); err != nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	return out.Encode(message{Done: &done})
}

// withShell lets the scene go on for as long as somebody works in it.
func withShell(scene Scene) func(*Play) {
	return func(p *Play) {
		scene.play(p)
		p.Say("a shell in the scene's network: leave it to end the scene")
		shell := os.Getenv("SHELL")
		if shell == "" {
			shell = "/bin/sh"
		}
		cmd := exec.Command(shell)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		p.must(stage.Start(cmd))
		_ = cmd.Wait() // its exit status is that of the last command typed
	}
}
