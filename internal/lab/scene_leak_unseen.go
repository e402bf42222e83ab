package lab

import "github.com/closewait/closewait/internal/stage"

var leakUnseen = Scene{
	Name: "leak-unseen", Title: "a server accepts connections and forgets them unread",
	Teaches: `The FIN is in the receive queue, one byte of it together with the request,
and nobody will ever read it: the descriptor is in no poll set. The program
idles in epoll_wait as a healthy one does.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("forgetful")
		n := p.visitors(server, 12, 100)
		p.Say("%d clients sent a request and left; nobody reads it", n)
		p.Stuck(Stuck{Filter: of(server), Sockets: n, Holder: server})
		p.Expect(Expected{Code: "CW101", Count: n, Holder: server, Ends: "never"})
	},
	programs: map[string]func(*Program){"forgetful": func(p *Program) {
		loop(p, p.Listen(4096), func(stage.Poll, stage.Socket) {}, nil)
	}},
}
