package lab

var vanishedFinWait1 = Scene{
	Name: "vanished-fin-wait-1", Title: "our FIN gets no answer, the program still holds the socket",
	Teaches: `The program shut down its side. The FIN is retransmitted like data; the limit
is tcp_retries2, as the socket has an owner.`,
	stuck: true,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		p.vanish()
		server.Do("shutdown")
		server.Do("await")
		p.stalled(server, client, "CW204", told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
