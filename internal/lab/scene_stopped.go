package lab

import "github.com/closewait/closewait/internal/stage"

var stopped = Scene{
	Name: "stopped", Title: "the server is stopped (SIGSTOP, a debugger, a frozen cgroup)",
	Teaches: `Nothing is wrong with the program but that it does not run. The kernel goes
on accepting for it; clients come and leave.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("good")
		var clients []*Client
		n := p.sockets(4)
		for range n {
			clients = append(clients, p.Dial(server.At))
			server.Await("accepted")
		}
		p.must(stage.Stop(server.PID))
		for _, c := range clients {
			c.Leave()
		}
		p.Say("%d clients leave a server that was stopped", n)
		p.Stuck(Stuck{Filter: of(server), Sockets: n, Holder: server})
		p.Expect(Expected{Code: "CW111", Holder: server, What: "stopped", Culprit: server})
	},
	programs: map[string]func(*Program){"good": func(p *Program) {
		loop(p, p.Listen(8), func(poll stage.Poll, s stage.Socket) {
			p.Must(poll.Add(s))
			p.Say("accepted")
		}, func(_ stage.Poll, s stage.Socket) {
			if !p.ReadRequest(s) {
				s.Close()
			}
		})
	}},
}
