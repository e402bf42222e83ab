package lab

import (
	"time"

	"github.com/closewait/closewait/internal/report"
)

var timeWait = Scene{
	Name: "time-wait", Title: "both sides closed: the minute of TIME_WAIT",
	Teaches: `No fault: the side that closed first remembers the connection for 60 s, which
no sysctl changes. The scene looks and does not wait for the end.`,
	stuck: true,
	play: func(p *Play) {
		p.Cable()
		server, client := p.connection()
		server.Do("close")
		p.must(client.ReadEnd())
		client.Leave()
		p.Await(server.At, client.Local, "TIME_WAIT", func(s *report.Socket) bool { return s.State == "time_wait" })
		p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server})
		p.Predict(server.At, client.Local)
		p.Silent(2 * time.Second)
	},
	programs: map[string]func(*Program){"owner": owner},
}
