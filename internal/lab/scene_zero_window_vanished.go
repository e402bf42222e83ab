package lab

import "github.com/closewait/closewait/internal/report"

var zeroWindowVanished = Scene{
	Name: "zero-window-vanished", Title: "the peer closed its window and vanished",
	Teaches: `The same picture in netstat as a slow reader, but the probes go unanswered:
these count, and tcp_retries2 ends it.`,
	stuck: true,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.flood()
		server.Do("await")
		p.vanish()
		p.Await(server.At, client.Local, "two probes without an answer", func(s *report.Socket) bool {
			return s.Timer.Kind == "persist" && s.Timer.Count >= 2
		})
		p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server, Told: told(server)})
		p.Predict(server.At, client.Local).Confirm(told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
