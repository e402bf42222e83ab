package lab

import "github.com/closewait/closewait/internal/report"

var noRoute = Scene{
	Name: "no-route", Title: "the route to the peer went away",
	Teaches: `The kernel knows that it cannot send. It does not give up earlier for that,
and what the program is told depends: over IPv6 EHOSTUNREACH, because the
socket remembers why sending failed (sk_err_soft), over IPv4 ETIMEDOUT.`,
	stuck: true,
	takes: []string{Retries2Flag, RTOMaxFlag},
	play: func(p *Play) {
		p.limits()
		p.Cable()
		server, client := p.connection()
		server.Do("await")
		p.must(p.near.Unroute())
		p.Say("the route to the client now says: unreachable")
		server.Do("write 200")
		p.Await(server.At, client.Local, "two attempts that failed", func(s *report.Socket) bool { return s.Timer.Count >= 2 })
		p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server, Mute: true})
		p.Predict(server.At, client.Local).Confirm(nil)
	},
	programs: map[string]func(*Program){"owner": owner},
}
