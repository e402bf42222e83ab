package lab

import "net/netip"

var leakUnread = Scene{
	Name: "leak-unread", Title: "a client reads its answers halfway and drops them",
	Teaches: `Response bodies that are never closed: the client has what it wanted, the
rest and the server's FIN stay in the receive queue. Here the connecting side
leaks, and each new request adds a socket.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		server := p.Serve("server")
		p.Watch(netip.AddrPort{}, server.At)
		client := p.Start("client", server.At.String())
		n := p.sockets(12)
		for range n {
			client.Tell("ask")
			client.Await("asked")
		}
		p.Say("%d answers of 1000 bytes were begun and dropped, the server closed its side", n)
		p.Stuck(Stuck{Filter: "state close-wait", Sockets: n, Holder: client})
		p.Expect(Expected{Code: "CW101", Count: n, Holder: client, Ends: "never"})
	},
	programs: map[string]func(*Program){
		"server": func(p *Program) {
			for listener := p.Listen(4096); ; {
				s := p.Accept(listener)
				_, err := s.Write(make([]byte, 1000))
				p.Must(err)
				s.Close()
			}
		},
		"client": func(p *Program) {
			for p.Hear() == "ask" {
				s := p.Dial(p.Args[0])
				p.Must(s.Block())
				_, err := s.Read(make([]byte, 16))
				p.Must(err)
				p.Say("asked")
			}
		},
	},
}
