package lab

import (
	"net/netip"
	"time"

	"github.com/closewait/closewait/internal/stage"
)

var halfClose = Scene{
	Name: "half-close", Title: "no fault: the client has sent all and waits for a long answer",
	Teaches: `CLOSE_WAIT by intent. The client said that it will send no more and goes on
reading; the server goes on writing. Nothing must be said of it, and nothing
done to it.`,
	play: func(p *Play) {
		server := p.Serve("slow")
		p.Watch(server.At, netip.AddrPort{})
		reader := p.Start("reader", server.At.String())
		reader.Await("asked")
		p.Say("a client shut down its side and reads a slow answer")
		p.Silent(8 * time.Second)
	},
	programs: map[string]func(*Program){
		"slow": func(p *Program) {
			s := p.Accept(p.Listen(8))
			p.Must(s.Block())
			for p.ReadRequest(s) {
			}
			for {
				if _, err := s.Write(make([]byte, 100)); err != nil {
					return
				}
				stage.Sleep(200 * time.Millisecond)
			}
		},
		"reader": func(p *Program) {
			s := p.Dial(p.Args[0])
			p.Must(s.Block())
			_, err := s.Write(make([]byte, 10))
			p.Must(err)
			p.Must(s.CloseWrite())
			p.Say("asked")
			for p.ReadRequest(s) {
			}
		},
	},
}
