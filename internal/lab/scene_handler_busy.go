package lab

import (
	"time"

	"github.com/closewait/closewait/internal/stage"
)

var handlerBusy = Scene{
	Name: "handler-busy", Title: "a handler still works for a client that has left",
	Teaches: `One thread of several is in a handler; the client has gone. Others are free,
nobody waits: the socket goes when the handler is done.`,
	stuck: true,
	play: func(p *Play) {
		server := p.Serve("crew", "4")
		p.served(server, 1, 50)
		p.Say("the only client has left; its handler sleeps, three workers are idle")
		p.Stuck(Stuck{Filter: of(server), Sockets: 1, Holder: server})
		p.Expect(Expected{Code: "CW107", Count: 1, Holder: server})
	},
	programs: map[string]func(*Program){"crew": func(p *Program) {
		crew(p, func(s stage.Socket) {
			p.ReadRequest(s)
			p.Say("serving")
			stage.Sleep(time.Hour)
		})
	}},
}
