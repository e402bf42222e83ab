package lab

import "github.com/closewait/closewait/internal/report"

var finWait2 = Scene{
	Name: "fin-wait-2", Title: "we closed, the peer does not",
	Teaches: `An orphan in FIN_WAIT_2 is kept for tcp_fin_timeout, then forgotten. The peer
is the one in CLOSE_WAIT.`,
	stuck: true,
	play: func(p *Play) {
		p.Set("tcp_fin_timeout", 5)
		p.Cable()
		server, client := p.connection()
		server.Do("close")
		p.Await(server.At, client.Local, "FIN_WAIT_2", func(s *report.Socket) bool { return s.State == "fin_wait_2" })
		p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server})
		p.Predict(server.At, client.Local).Confirm(nil)
	},
	programs: map[string]func(*Program){"owner": owner},
}
