package lab

import "time"

var zeroWindow = Scene{
	Name: "zero-window", Title: "the peer is alive and does not read",
	Teaches: `The window is closed, the kernel probes it, the peer answers each probe: it
does not want our data now. No kernel limit ends that while answers come.`,
	stuck: true,
	play: func(p *Play) {
		server, client := p.flood()
		server.Do("await")
		p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server, Told: told(server)})
		forecast := p.Predict(server.At, client.Local)
		p.Expect(Expected{Code: "CW202", Count: 1, Holder: server, Ends: "never"})
		forecast.Stays(time.Second)
	},
	programs: map[string]func(*Program){"owner": owner},
}
