package lab

import (
	"net/netip"
	"time"

	"github.com/closewait/closewait/internal/stage"
)

var burst = Scene{
	Name: "burst", Title: "no fault: many short connections, closed a moment after the end",
	Teaches: `Every look finds some sockets in CLOSE_WAIT, and each time others. A count
alone would raise an alarm.`,
	play: func(p *Play) {
		server := p.Serve("prompt")
		p.Watch(server.At, netip.AddrPort{})
		client := p.Start("visitor", server.At.String())
		client.Await("begun")
		p.Say("a client connects and leaves 200 times a second; the server closes 50 ms after the end")
		p.Silent(8 * time.Second)
	},
	programs: map[string]func(*Program){
		"prompt": func(p *Program) {
			for listener := p.Listen(4096); ; {
				s := p.Accept(listener)
				go func() {
					p.Must(s.ReadEnd())
					time.Sleep(50 * time.Millisecond)
					s.Close()
				}()
			}
		},
		"visitor": func(p *Program) {
			p.Say("begun")
			for range 5000 { // 25 s at most
				p.Dial(p.Args[0]).Close()
				stage.Sleep(5 * time.Millisecond)
			}
		},
	},
}
