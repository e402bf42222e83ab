package lab

var noNeighbour = Scene{
	Name: "no-neighbour", Title: "nobody on the local network answers for the peer's address",
	Teaches: `The peer was switched off, and its address is asked for in vain. While the kernel
asks, the segment waits in a queue of this host and is not sent again. Each time
asking fails the error is noted and the segment sent anew, which moves the timer: the
limit stays, the moment comes up to a time-out later, with EHOSTUNREACH. Since when
the kernel asks can be read, so that the moment can be foretold.`,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		server.Do("await")
		p.must(p.near.Forget())
		p.Say("the client's hardware address is forgotten, and nobody answers who asks for it")
		server.Do("write 200")
		p.retransmitting(server, client)
		forecast := p.Predict(server.At, client.Local)
		p.Expect(Expected{Code: "CW201", Count: 1, Ends: "at"})
		forecast.Confirm(nil) // asking may go on when the limit is reached: then the error is ETIMEDOUT
	},
	programs: map[string]func(*Program){"owner": owner},
}
