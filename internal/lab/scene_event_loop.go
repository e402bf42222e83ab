package lab

import (
	"sync/atomic"

	"github.com/closewait/closewait/internal/stage"
)

var eventLoop = Scene{
	Name: "event-loop", Title: "a handler keeps the thread of the event loop busy",
	Teaches: `One request computes for ever on the only thread that could look at the
others. Their descriptors are all in the poll set; nobody polls.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("busy")
		p.served(server, 1, 1)
		n := p.visitors(server, 4, 84)
		p.Say("the handler of the first client spins; %d more came and left", n)
		p.Stuck(Stuck{Filter: of(server), Sockets: n + 1, Queued: n, Holder: server})
		p.Expect(Expected{Code: "CW106", Holder: server, What: "busy_cpu", Culprit: server})
	},
	programs: map[string]func(*Program){"busy": func(p *Program) {
		var spun atomic.Uint64
		loop(p, p.Listen(8), watched(p), func(_ stage.Poll, s stage.Socket) {
			p.ReadRequest(s)
			p.Say("serving")
			for n := uint64(0); ; n++ { // what a regular expression or a large JSON document can do to a loop
				spun.Store(n)
			}
		})
	}},
}
