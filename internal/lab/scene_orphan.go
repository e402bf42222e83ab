package lab

var orphan = Scene{
	Name: "orphan", Title: "the program closed, the kernel still tries to deliver",
	Teaches: `Nobody holds the socket any more. Another limit applies: tcp_orphan_retries,
where 0 means 8.`,
	stuck: true,
	play: func(p *Play) {
		p.Set("tcp_orphan_retries", 5)
		p.Cable()
		server, client := p.connection()
		p.vanish()
		server.Do("write 200")
		server.Do("close")
		p.stalled(server, client, "CW204", nil)
	},
	programs: map[string]func(*Program){"owner": owner},
}
