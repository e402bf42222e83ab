package lab

import (
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

var localDrop = Scene{
	Name: "local-drop", Title: "our packets do not leave this host",
	Teaches: `A firewall, a route that discards, a full queue: TCP learns that sending
failed, and tries again with the timer of window probes although the window
is open. The peer has nothing to do with it.`,
	stuck: true,
	play: func(p *Play) {
		p.Cable()
		server, client := p.connection()
		p.forbid()
		server.Do("await")
		server.Do("write 200")
		p.Await(server.At, client.Local, "the timer of probes", func(s *report.Socket) bool { return s.Timer.Kind == "persist" })
		p.Stuck(Stuck{Filter: between(server, client), Sockets: 1, Holder: server, Told: told(server), Mute: true})
		p.Expect(Expected{Code: "CW203", Count: 1, What: "local_drop"})
	},
	programs: map[string]func(*Program){"owner": owner},
}

// forbid makes this host drop what it would send: by a rule of its firewall or, where the kernel has none, by a route.
func (p *Play) forbid() {
	err := p.near.Firewall()
	if stage.Absent(err) {
		p.must(p.near.Forbid())
		p.Say("a blackhole route to the client, on this host: the kernel has no nf_tables")
		return
	}
	p.must(err)
	p.Say("a rule of this host's firewall: meta l4proto tcp drop, on the way out")
}
