package lab

var vanishedCloseWait = Scene{
	Name: "vanished-close-wait", Title: "the peer closed its side and vanished before it had our answer",
	Teaches: `The post that began it all. The server answers a client that said FIN and is
gone: the answer is sent again and again, each pause twice the last, until
tcp_retries2 has been turned into a time and that is over.`,
	stuck: true,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		client.Send(5)
		client.Finish()
		server.Do("read")
		p.vanish()
		server.Do("write 200")
		server.Do("await")
		p.stalled(server, client, "CW201", told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
