package lab

import "github.com/closewait/closewait/internal/stage"

var relay = Scene{
	Name: "relay", Title: "a proxy passes the client's end on, the back-end never closes",
	Teaches: `The proxy holds two sockets for one conversation: one in CLOSE_WAIT, the
other in FIN_WAIT_2. It only waits; the program at the end of the chain does
not close.`,
	stuck: true,
	takes: []string{SocketsFlag},
	play: func(p *Play) {
		backend := p.Serve("keeper")
		proxy := p.Serve("proxy", backend.At.String())
		n := p.visitors(proxy, 3, 20)
		p.Say("%d clients left; the proxy shut down its side towards the back-end, which keeps the connections", n)
		p.Stuck(Stuck{Filter: of(proxy) + " and recvq = 0", Sockets: n, Holder: proxy})
		p.Expect(Expected{Code: "CW108", Holder: proxy})
	},
	programs: map[string]func(*Program){
		"keeper": func(p *Program) {
			loop(p, p.Listen(128), watched(p), func(poll stage.Poll, s stage.Socket) {
				if !p.ReadRequest(s) {
					p.Must(poll.Remove(s))
				}
			})
		},
		"proxy": func(p *Program) {
			other := map[stage.Socket]stage.Socket{}
			loop(p, p.Listen(128), func(poll stage.Poll, client stage.Socket) {
				back := p.Dial(p.Args[1])
				other[client], other[back] = back, client
				p.Must(poll.Add(client))
				p.Must(poll.Add(back))
			}, func(poll stage.Poll, s stage.Socket) {
				if p.ReadRequest(s) {
					_, err := other[s].Write(make([]byte, 20))
					p.Must(err)
					return
				}
				p.Must(poll.Remove(s))
				p.Must(other[s].CloseWrite())
			})
		},
	},
}
