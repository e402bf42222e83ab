package lab

import "github.com/closewait/closewait/internal/stage"

var inherited = Scene{
	Name: "inherited", Title: "a helper process inherited the connection",
	Teaches: `The server closed its descriptor, but a child it had started has a copy: no
FIN goes out, and the socket lives for as long as the child does. Descriptors
need close-on-exec.`,
	stuck: true,
	play: func(p *Play) {
		server := p.Serve("parent")
		c := p.Dial(server.At)
		server.Await("started")
		p.Say("the server started a helper, which got the connection too, and closed its own copy")
		c.Leave()
		p.Stuck(Stuck{Filter: of(server), Sockets: 1, Holder: server})
		p.Expect(Expected{Code: "CW109", Count: 1, What: "inherited"})
	},
	programs: map[string]func(*Program){
		"parent": func(p *Program) {
			s := p.Accept(p.Listen(8))
			p.Must(s.Inherit())
			p.Must(stage.Spawn("lab", "program", "inherited", "helper"))
			s.Close()
			p.Say("started")
			p.Stay()
		},
		"helper": func(p *Program) { p.Stay() },
	},
}
