package lab

import (
	"fmt"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

// loop is an event loop over a listener: accepted is called with each connection, ready with each that has something to read.
func loop(p *Program, listener stage.Socket, accepted func(stage.Poll, stage.Socket), ready func(stage.Poll, stage.Socket)) {
	poll, err := stage.OpenPoll()
	p.Must(err)
	p.Must(poll.Add(listener))
	for {
		s, err := poll.Wait()
		p.Must(err)
		if s != listener {
			ready(poll, s)
			continue
		}
		accepted(poll, p.Accept(listener))
	}
}

// watched is the usual thing to do with a new connection.
func watched(p *Program) func(stage.Poll, stage.Socket) {
	return func(poll stage.Poll, s stage.Socket) { p.Must(poll.Add(s)) }
}

// visit is a client that sends a request and leaves.
func (p *Play) visit(server *Process, request int) {
	c := p.Dial(server.At)
	if request > 0 {
		c.Send(request)
	}
	c.Leave()
}

// served are clients that send a request and leave when the server has read it ("serving"): one recv may take a request and the FIN behind it together, and then nothing shows that the
// program does not know of the end.
func (p *Play) served(server *Process, clients, request int) {
	for range clients {
		c := p.Dial(server.At)
		c.Send(request)
		server.Await("serving")
		c.Leave()
	}
}

// visitors are as many of them as the reader wants, else as the scene does.
func (p *Play) visitors(server *Process, otherwise, request int) int {
	n := p.sockets(otherwise)
	for range n {
		p.visit(server, request)
	}
	return n
}

func (p *Play) sockets(otherwise int) int {
	if p.Settings.Sockets == 0 {
		p.Settings.Sockets = otherwise
	}
	return p.Settings.Sockets
}

// owner is the program of scenes that look at one connection: it accepts it and does what it is told.
func owner(p *Program) {
	s := p.Accept(p.Listen(8))
	p.Must(s.UserTimeout(0))
	p.Say("accepted")
	for {
		verb, argument, _ := strings.Cut(p.Hear(), " ")
		var n int
		_, _ = fmt.Sscan(argument, &n)
		switch verb {
		case "read":
			p.Must(s.ReadEnd())
		case "write":
			_, err := s.Write(make([]byte, n))
			p.Must(err)
		case "shutdown":
			p.Must(s.CloseWrite())
		case "close":
			s.Close()
		case "user-timeout":
			p.Must(s.UserTimeout(time.Duration(n) * time.Millisecond))
		case "await":
			go func() { p.Say("ended %s", stage.ErrorName(s.AwaitEnd())) }()
		}
		p.Say("done")
	}
}

// Do gives an owner a command and waits until it is done.
func (w *Process) Do(format string, args ...any) {
	w.Tell(format, args...)
	w.Await("done")
}

// connection is what most scenes about timers are made of: an owner and its client.
func (p *Play) connection() (*Process, *Client) {
	server := p.Serve("owner")
	client := p.Dial(server.At)
	server.Await("accepted")
	return server, client
}

// limits makes deaths quick enough to be waited for, and slow enough to be looked at, unless the reader wants others. Where something is to be done about a socket it would live so long that
// the difference shows, also on a host where that takes long.
func (p *Play) limits() {
	switch {
	case p.Settings.Retries2 > 0:
	case p.Settings.Act != "":
		p.Settings.Retries2 = 8
	default:
		p.Settings.Retries2 = 5
	}
	p.Set("tcp_retries2", p.Settings.Retries2)
	if p.Settings.RTOMax > 0 {
		p.Set("tcp_rto_max_ms", int(p.Settings.RTOMax.Milliseconds()))
	}
}

// vanish makes the path lose everything for the client, without a sign.
func (p *Play) vanish() {
	p.must(p.near.BlackHole())
	p.mu.Lock()
	p.swallowed = time.Now()
	p.mu.Unlock()
	p.Say("from now on the path swallows all that is sent to the client")
}

// retransmitting waits until a socket has repeated itself, which is when a stall is one.
func (p *Play) retransmitting(server *Process, client *Client) {
	p.Await(server.At, client.Local, "retransmissions", func(s *report.Socket) bool {
		return s.Timer.Kind == "retransmit" && s.Timer.Count >= 1
	})
}

// told returns how an owner that awaits the end was told of it.
func told(server *Process) func() string { return func() string { return server.Await("ended") } }

// stalled is the common part of the scenes with a vanished peer: a forecast, the verdict, the end.
func (p *Play) stalled(server *Process, client *Client, code string, got func() string) {
	p.retransmitting(server, client)
	p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server, Told: got})
	forecast := p.Predict(server.At, client.Local)
	if code != "" {
		p.Expect(Expected{Code: code, Count: 1, Ends: "at"})
	}
	forecast.Confirm(got)
}

// flood makes an owner send more than a client that does not read can take, until the window is closed.
func (p *Play) flood() (*Process, *Client) {
	server := p.Serve("owner")
	client := p.DialSmall(server.At)
	server.Await("accepted")
	client.Finish()
	server.Do("read")
	server.Do("write %d", 64<<10)
	p.Say("the server answers with 64 KiB; the client reads nothing")
	p.Await(server.At, client.Local, "a closed window", func(s *report.Socket) bool {
		// The timer runs as well while there is room for less than a segment, as Linux 6.1 leaves here. Its first probe fills that (tcp_write_wakeup), and would be data in flight to a peer that has vanished.
		window, known := s.Info.Number("send_window_bytes")
		return s.Timer.Kind == "persist" && (window == 0 || !known)
	})
	return server, client
}
