package lab

var inTransit = Scene{
	Name: "in-transit", Title: "a connection is on its way to a process that does not take it",
	Teaches: `The descriptor was sent over a unix socket and closed. Until somebody
receives the message, no process has the connection, yet it is open.`,
	stuck: true,
	play: func(p *Play) {
		server := p.Serve("sender")
		c := p.Dial(server.At)
		server.Await("sent")
		c.Leave()
		p.Say("the server sent the connection away over a unix socket that nobody reads; the client left")
		p.Stuck(Stuck{Filter: of(server), Sockets: 1, Holder: server})
		p.Expect(Expected{Code: "CW112", Count: 1})
	},
	programs: map[string]func(*Program){"sender": func(p *Program) {
		_, err := p.Accept(p.Listen(8)).SendAway()
		p.Must(err)
		p.Say("sent")
		p.Stay()
	}},
}
