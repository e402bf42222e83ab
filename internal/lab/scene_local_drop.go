package lab

import "github.com/closewait/closewait/internal/report"

var localDrop = Scene{
	Name: "local-drop", Title: "our packets do not leave this host",
	Teaches: `A route that discards, a firewall, a full queue: TCP learns that sending
failed, and tries again with the timer of window probes although the window
is open. The peer has nothing to do with it.`,
	play: func(p *Play) {
		p.Cable()
		server, client := p.connection()
		p.must(p.near.Forbid())
		p.Say("a blackhole route to the client, on this host")
		server.Do("write 200")
		p.Await(server.At, client.Local, "the timer of probes", func(s *report.Socket) bool { return s.Timer.Kind == "persist" })
		p.Expect(Expected{Code: "CW203", Count: 1, What: "local_drop"})
	},
	programs: map[string]func(*Program){"owner": owner},
}
