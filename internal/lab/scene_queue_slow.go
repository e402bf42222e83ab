package lab

import (
	"time"

	"github.com/closewait/closewait/internal/stage"
)

var queueSlow = Scene{
	Name: "queue-slow", Title: "a single thread accepts more slowly than clients come",
	Teaches: `The queue holds clients that have long left when their turn comes. Nobody
leaks: the one thread that would accept is in a handler. The handler is the
cause, the queue its victims.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("slow")
		n := p.sockets(4)
		p.served(server, 1, 60)
		for range n - 1 {
			p.visit(server, 60)
		}
		p.Say("%d impatient clients came and left; the only thread sleeps in the handler of the first", n)
		p.Stuck(Stuck{Filter: of(server), Sockets: n, Queued: n - 1, Holder: server})
		p.Expect(Expected{Code: "CW105", Holder: server})
	},
	programs: map[string]func(*Program){"slow": func(p *Program) {
		for listener := p.Listen(8); ; {
			s := p.Accept(listener)
			p.Must(s.Block())
			p.ReadRequest(s)
			p.Say("serving")
			stage.Sleep(time.Hour)
			s.Close()
		}
	}},
}
