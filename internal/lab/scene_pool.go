package lab

import (
	"net/netip"
	"time"

	"github.com/closewait/closewait/internal/stage"
)

var pool = Scene{
	Name: "pool", Title: "no fault: a bounded pool whose idle members the server closed",
	Teaches: `A client keeps connections for reuse; the server closes them after a while.
They stay in CLOSE_WAIT until the client wants one. As long as their number is
bounded that harms nobody.`,
	play: func(p *Play) {
		server := p.Serve("impatient")
		p.Watch(netip.AddrPort{}, server.At)
		client := p.Start("pool", server.At.String())
		client.Await("idle")
		server.Do("close")
		p.Say("a pool of 2 connections; the server closed both while they were idle")
		p.Expect(Expected{Code: "CW103", Count: 2, Holder: client})
		p.Silent(2 * time.Second)
	},
	programs: map[string]func(*Program){
		"impatient": func(p *Program) {
			listener := p.Listen(8)
			var idle [2]stage.Socket
			for i := range idle {
				s := p.Accept(listener)
				p.Must(s.Block())
				p.ReadRequest(s)
				_, err := s.Write(make([]byte, 10))
				p.Must(err)
				idle[i] = s
			}
			p.Hear() // the client has its answers: one that comes together with the FIN would be read together with it
			for _, s := range idle {
				s.Close()
			}
			p.Say("done")
			p.Stay()
		},
		"pool": func(p *Program) {
			for range 2 {
				s := p.Dial(p.Args[0])
				p.Must(s.Block())
				_, err := s.Write(make([]byte, 10))
				p.Must(err)
				p.ReadRequest(s)
			}
			p.Say("idle")
			p.Stay()
		},
	},
}
