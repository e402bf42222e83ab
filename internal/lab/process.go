package lab

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/stage"
)

// self is this binary, also when its file was replaced or lies where an ordinary user may not go.
const self = "/proc/self/exe"

// roomName is the variable that tells programs how many connections the reader wants: their queues must not be shorter.
const roomName = "CLOSEWAIT_LAB_SOCKETS"

// Process is another process of a scene, seen from the one that plays it.
type Process struct {
	PID   int
	At    netip.AddrPort // where it listens, if it does
	play  *Play
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	heard [][2]string // words and rests of lines nobody has asked for yet
}

// Start starts one of the scene's programs and waits until it listens, when its first argument is an address to listen at.
func (p *Play) Start(program string, args ...string) *Process {
	cmd := exec.Command(self, append([]string{"lab", "program", p.scene.Name, program}, args...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", roomName, p.Settings.Sockets))
	cmd.Stderr = os.Stderr
	w := &Process{play: p, name: program, cmd: cmd}
	var err error
	w.in, err = cmd.StdinPipe()
	p.must(err)
	out, err := cmd.StdoutPipe()
	p.must(err)
	w.lines = bufio.NewScanner(out)
	p.must(stage.Start(cmd))
	w.PID = cmd.Process.Pid
	p.cleanup(func() { w.kill() })
	return w
}

// Serve is Start for a program that listens, at the address clients of this scene reach.
func (p *Play) Serve(program string, args ...string) *Process {
	w := p.Start(program, append([]string{p.near.Address(p.Settings.Family).String()}, args...)...)
	at, err := netip.ParseAddrPort(w.Await("listens"))
	p.must(err)
	w.At = at
	return w
}

// Tell gives the program a command.
func (w *Process) Tell(format string, args ...any) {
	_, err := fmt.Fprintf(w.in, format+"\n", args...)
	w.play.must(err)
}

// Await waits for a line that begins with a word and returns the rest. Other lines are kept for later.
func (w *Process) Await(word string) string {
	for i, said := range w.heard {
		if said[0] == word {
			w.heard = slices.Delete(w.heard, i, i+1)
			return said[1]
		}
	}
	for w.lines.Scan() {
		said, rest, _ := strings.Cut(w.lines.Text(), " ")
		switch said {
		case word:
			return rest
		case "error":
			w.play.must(fmt.Errorf("program %s: %s", w.name, rest))
		}
		w.heard = append(w.heard, [2]string{said, rest})
	}
	w.play.must(fmt.Errorf("program %s ended without saying %q", w.name, word))
	return ""
}

// kill ends the process and waits for it. It may have ended before.
func (w *Process) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}
