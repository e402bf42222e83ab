package lab

import (
	"fmt"

	"github.com/closewait/closewait/internal/stage"
)

// crew accepts into as many threads as its second argument says, each of which serves one connection at a time.
func crew(p *Program, serve func(stage.Socket)) {
	listener := p.Listen(128)
	jobs := make(chan stage.Socket, 1<<14)
	var workers int
	_, err := fmt.Sscan(p.Args[1], &workers)
	p.Must(err)
	for i := range workers {
		p.Thread(fmt.Sprintf("worker-%d", i+1), func() {
			for s := range jobs {
				p.Must(s.Block())
				serve(s)
				s.Close()
			}
		})
	}
	for {
		jobs <- p.Accept(listener)
	}
}

var workersWrite = Scene{
	Name: "workers-write", Title: "all workers are blocked in write to clients that do not read",
	Teaches: `Two clients ask for something large and do not read it. Both workers of the
pool wait in write, for ever. Everybody who comes later is accepted, waits,
leaves, and stays in CLOSE_WAIT: victims, not leaks.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("crew", "2")
		for range 2 {
			c := p.Dial(server.At)
			c.Send(10)
			server.Await("serving")
			c.Finish()
		}
		p.Say("two clients ask for 8 MB, say that they have no more to send, and do not read")
		p.eventually(patience, interval, func() (bool, string) {
			_, sockets, err := p.look(p.ctx, p.near.Path(), fmt.Sprintf("sport = :%d and timer = persist", server.At.Port()))
			p.must(err)
			return len(sockets) == 2, "two connections with a closed window"
		})
		n := p.visitors(server, 5, 29)
		p.Say("%d more clients came and left", n)
		p.Stuck(Stuck{Filter: "timer = persist", Sockets: 2, Holder: server, Closes: true})
		p.Expect(Expected{Code: "CW105", Holder: server, What: "blocked_in_write", Culprit: server})
	},
	programs: map[string]func(*Program){"crew": func(p *Program) {
		crew(p, func(s stage.Socket) {
			if p.ReadRequest(s) {
				p.Say("serving")
				_, _ = s.Write(make([]byte, 8<<20)) // a client that leaves in the middle is no fault of ours
			}
		})
	}},
}
