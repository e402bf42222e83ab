package lab

var vanishedLastAck = Scene{
	Name: "vanished-last-ack", Title: "the peer closed first, then vanished before our FIN",
	Teaches: `CLOSE_WAIT, then shutdown: LAST_ACK waits for one acknowledgement that cannot
come.`,
	stuck: true,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		client.Finish()
		server.Do("read")
		p.vanish()
		server.Do("shutdown")
		server.Do("await")
		p.stalled(server, client, "CW204", told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
