package lab

import (
	"fmt"

	"github.com/closewait/closewait/internal/stage"
)

var deadDescriptors = Scene{
	Name: "dead-descriptors", Title: "keepalive ended leaked connections; their descriptors stay",
	Teaches: `The advice to enable keepalive makes a leak invisible: the peer has forgotten
the connection, answers a probe with a reset, the socket leaves every table.
The descriptor stays, and counts against the limit.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		p.Set("tcp_fin_timeout", 1)
		server := p.Serve("leaky")
		n := p.visitors(server, 12, 100)
		p.Say("%d leaked sockets with keepalive after 3 s; the clients forget after 1 s", n)
		p.Stuck(Stuck{Filter: fmt.Sprintf("not state listen and sport = :%d", server.At.Port()), Holder: server})
		p.Expect(Expected{Code: "CW110", Count: n, Holder: server})
	},
	programs: map[string]func(*Program){"leaky": func(p *Program) {
		loop(p, p.Listen(4096), func(poll stage.Poll, s stage.Socket) {
			p.Must(s.Keepalive(3, 1, 3))
			p.Must(poll.Add(s))
		}, func(poll stage.Poll, s stage.Socket) {
			if !p.ReadRequest(s) {
				p.Must(poll.Remove(s))
			}
		})
	}},
}
