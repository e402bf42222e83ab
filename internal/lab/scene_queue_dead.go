package lab

var queueDead = Scene{
	Name: "queue-dead", Title: "a listener nobody accepts from",
	Teaches: `The kernel completes handshakes for a program that never calls accept. The
connections belong to nobody (inode 0) until the queue is full; then clients
cannot connect at all. Destroying them gives no place back.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("deaf")
		n := p.sockets(3)
		for range n {
			p.visit(server, 3)
		}
		p.Say("%d clients connected, sent 3 bytes and left; nobody called accept", n)
		p.Stuck(Stuck{Filter: of(server), Sockets: n, Queued: n, Holder: server})
		p.Expect(Expected{Code: "CW104", Count: n, Ends: "never"})
	},
	programs: map[string]func(*Program){"deaf": func(p *Program) {
		p.Listen(4)
		p.Stay()
	}},
}
