package lab

import "github.com/closewait/closewait/internal/stage"

var workersRead = Scene{
	Name: "workers-read", Title: "all workers wait for a back-end that does not answer",
	Teaches: `The back-end is alive and silent; no timer runs on a connection that only
waits for an answer. The clients give up and leave, the workers do not.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		backend := p.Serve("silent")
		server := p.Serve("crew", "2", backend.At.String())
		p.served(server, 2, 40)
		n := p.visitors(server, 4, 40)
		p.Say("%d clients came and left; two workers read from a back-end that says nothing", n+2)
		p.Stuck(Stuck{Filter: of(server), Sockets: n + 2, Holder: server})
		p.Expect(Expected{Code: "CW105", Holder: server, What: "blocked_in_read", Culprit: server})
	},
	programs: map[string]func(*Program){
		"silent": func(p *Program) {
			loop(p, p.Listen(128), watched(p), func(_ stage.Poll, s stage.Socket) {
				if !p.ReadRequest(s) {
					s.Close()
				}
			})
		},
		"crew": func(p *Program) {
			crew(p, func(s stage.Socket) {
				p.ReadRequest(s)
				p.Say("serving")
				backend := p.Dial(p.Args[2])
				p.Must(backend.Block())
				_, err := backend.Write(make([]byte, 40))
				p.Must(err)
				p.ReadRequest(backend)
				backend.Close()
			})
		},
	},
}
