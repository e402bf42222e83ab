package lab

var retries2 = Scene{
	Name: "retries2", Title: "tcp_retries2 against the clock",
	Teaches: `The value is no count of retransmissions: the kernel makes a time of it, from a
time-out of 200 ms doubled that often, and measures from the first
retransmission. --sweep 3..8 shows several values.`,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		server.Do("await")
		p.vanish()
		server.Do("write 200")
		p.stalled(server, client, "", told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
