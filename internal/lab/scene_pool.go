package lab

import "time"

var pool = Scene{
	Name: "pool", Title: "no fault: a bounded pool whose idle members the server closed",
	Teaches: `A client keeps connections for reuse; the server closes them after a while.
They stay in CLOSE_WAIT until the client wants one. As long as their number is
bounded that harms nobody.`,
	play: func(p *Play) {
		server := p.Serve("impatient")
		client := p.Start("pool", server.At.String())
		client.Await("idle")
		p.Say("a pool of 2 connections; the server closed both while they were idle")
		p.Silent(8 * time.Second)
	},
	programs: map[string]func(*Program){
		"impatient": func(p *Program) {
			for listener := p.Listen(8); ; {
				s := p.Accept(listener)
				p.Must(s.Block())
				p.ReadRequest(s)
				_, err := s.Write(make([]byte, 10))
				p.Must(err)
				s.Close()
			}
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
