package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/stage"
)

// Program is what another process of a scene works with. It hears commands on standard input and answers on standard output, a line each. Its methods end
// the process when something goes wrong, and so does the end of the input.
type Program struct {
	Args []string
	in   *bufio.Scanner
	out  io.Writer
}

// RunProgram is the whole life of such a process.
//
// Errors: there is no such scene or program.
func RunProgram(scene, program string, args []string) error {
	s, _ := Find(scene)
	run := s.programs[program]
	if run == nil {
		return fmt.Errorf("scene %q has no program %q", scene, program)
	}
	p := &Program{Args: args, in: bufio.NewScanner(os.Stdin), out: os.Stdout}
	p.Must(stage.Rename("lab-" + program))
	stage.Aside(func() { run(p) }) // on one thread from beginning to end: the runtime moves a goroutine that computes from thread to thread
	return nil
}

// Must ends the process if there is an error; whoever started it hears why.
func (p *Program) Must(err error) {
	if err != nil {
		p.Say("error %v", err)
		os.Exit(1)
	}
}

// Say answers a line.
func (p *Program) Say(format string, args ...any) {
	if _, err := fmt.Fprintf(p.out, format+"\n", args...); err != nil {
		os.Exit(1)
	}
}

// Hear waits for a command.
func (p *Program) Hear() string {
	if !p.in.Scan() {
		os.Exit(0)
	}
	return p.in.Text()
}

// Stay waits for the end of the scene.
func (p *Program) Stay() {
	for {
		p.Hear()
	}
}

// Listen listens where the first argument says, with room for backlog connections or as many as the reader wants, and tells the scene where that is.
func (p *Program) Listen(backlog int) stage.Socket {
	at, err := netip.ParseAddr(p.Args[0])
	p.Must(err)
	room, _ := strconv.Atoi(os.Getenv(roomName))
	s, err := stage.Listen(familyOf(at), netip.AddrPortFrom(at, 0), max(backlog, room))
	p.Must(err)
	local, err := s.Local()
	p.Must(err)
	p.Say("listens %v", local)
	return s
}

func familyOf(a netip.Addr) stage.Family {
	switch {
	case a.Is4():
		return stage.IPv4
	case a.Is4In6():
		return stage.Mapped
	}
	return stage.IPv6
}

// Accept waits, without a limit, for a connection.
func (p *Program) Accept(listener stage.Socket) stage.Socket {
	for {
		s, err := listener.Accept()
		if err == nil {
			return s
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			p.Must(err)
		}
	}
}

// Thread runs f on a thread of its own, with a name. That is not the main thread, which is nobody's worker: one that sleeps there has nothing to do, for all the kernel shows.
func (p *Program) Thread(name string, f func()) {
	go stage.Aside(func() {
		p.Must(stage.RenameThread(name))
		f()
	})
}

// ReadRequest reads once; false is the end of what the peer sent.
func (p *Program) ReadRequest(s stage.Socket) bool {
	n, err := s.Read(make([]byte, 4096))
	p.Must(err)
	return n > 0
}

// Dial connects to an address.
func (p *Program) Dial(to string) stage.Socket {
	at, err := netip.ParseAddrPort(strings.TrimSpace(to))
	p.Must(err)
	s, err := stage.Open(familyOf(at.Addr()))
	p.Must(err)
	p.Must(s.Connect(at))
	return s
}
