package lab

var vanishedEstablished = Scene{
	Name: "vanished-established", Title: "the peer vanished in the middle of a conversation",
	Teaches: `No FIN, no reset: a cable, a firewall, a crashed host. As long as nothing is
sent nobody notices; the first write starts the retransmissions.`,
	stuck: true,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		p.vanish()
		server.Do("write 200")
		server.Do("await")
		p.stalled(server, client, "CW201", told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
