package lab

import "github.com/closewait/closewait/internal/stage"

var leak = Scene{
	Name: "leak", Title: "a server reads to the end and never closes",
	Teaches: `The commonest fault. The peer's FIN was read, the program knows that the
connection is over, and keeps the descriptor. No kernel timer runs on such a
socket: no sysctl ends it, only close() or the end of the process does.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("leaky")
		n := p.visitors(server, 12, 100)
		p.Say("%d clients sent a request and left; the server read it and the end, and kept the sockets", n)
		p.Stuck(Stuck{Filter: of(server) + " and recvq = 0", Sockets: n, Holder: server})
		p.Expect(Expected{Code: "CW101", Count: n, Holder: server, Ends: "never"})
	},
	programs: map[string]func(*Program){"leaky": func(p *Program) {
		loop(p, p.Listen(4096), watched(p), func(poll stage.Poll, s stage.Socket) {
			if !p.ReadRequest(s) {
				p.Must(poll.Remove(s)) // and close(s) is what is missing
			}
		})
	}},
}
