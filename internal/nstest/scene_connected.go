package nstest

import (
	"testing"

	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

const payload = 1000 // bytes, where a scene has data

func established(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	return Made{
		s.as(tcp.Established, tcp.TimerNone, 0, 0),
		[]Expected{p.as(tcp.Established, tcp.TimerNone, 0, 0)},
	}
}

func establishedUnacked(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	p.Deafen()
	s.Write(payload)
	return Made{
		s.as(tcp.Established, tcp.TimerRetransmit, 0, payload),
		[]Expected{p.as(tcp.Established, tcp.TimerNone, 0, 0)},
	}
}

func establishedKeepalive(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	s.Set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	return Made{
		s.as(tcp.Established, tcp.TimerKeepalive, 0, 0),
		[]Expected{p.as(tcp.Established, tcp.TimerNone, 0, 0)},
	}
}

func establishedUnaccepted(t testing.TB, fam Family) Made {
	t.Helper()
	listener, p := Listen(t, fam, 8), Open(t, fam)
	p.Connect(listener.local)
	client := p.as(tcp.Established, tcp.TimerNone, 0, 0)
	return Made{
		client.otherEnd(tcp.Established, tcp.TimerNone, 0, 0),
		[]Expected{client, listener.as(tcp.Listen, tcp.TimerNone, 1, 8)},
	}
}

func synSent(t testing.TB, fam Family) Made {
	t.Helper()
	listener, s := Listen(t, fam, 8), Open(t, fam)
	listener.Deafen()
	s.Begin(listener.local)
	return Made{
		s.as(tcp.SynSent, tcp.TimerRetransmit, 0, 1),
		[]Expected{listener.as(tcp.Listen, tcp.TimerNone, 0, 8)},
	}
}

func synReceived(t testing.TB, fam Family) Made {
	t.Helper()
	listener, p := Listen(t, fam, 8), Open(t, fam)
	p.Deafen()
	p.Begin(listener.local)
	client := p.as(tcp.SynSent, tcp.TimerRetransmit, 0, 1)
	return Made{
		client.otherEnd(tcp.SynReceived, tcp.TimerRetransmit, 0, 0),
		[]Expected{client, listener.as(tcp.Listen, tcp.TimerNone, 0, 8)},
	}
}

func listenIdle(t testing.TB, fam Family) Made {
	t.Helper()
	return Made{Subject: Listen(t, fam, 8).as(tcp.Listen, tcp.TimerNone, 0, 8)}
}

func listenWaiting(t testing.TB, fam Family) Made {
	t.Helper()
	return waiting(t, Listen(t, fam, 8), 3, 8)
}

// listenFull relies on sk_acceptq_is_full: the queue takes one connection more than the backlog, then SYNs are dropped.
func listenFull(t testing.TB, fam Family) Made {
	t.Helper()
	listener := Listen(t, fam, 1)
	m := waiting(t, listener, 2, 1)
	late := Open(t, fam)
	late.Begin(listener.local)
	m.Others = append(m.Others, late.as(tcp.SynSent, tcp.TimerRetransmit, 0, 1))
	return m
}

// waiting connects clients that nobody accepts.
func waiting(t testing.TB, listener *Socket, clients, backlog uint32) Made {
	t.Helper()
	m := Made{Subject: listener.as(tcp.Listen, tcp.TimerNone, clients, backlog)}
	for range clients {
		p := Open(t, listener.fam)
		p.Connect(listener.local)
		client := p.as(tcp.Established, tcp.TimerNone, 0, 0)
		m.Others = append(m.Others, client, client.otherEnd(tcp.Established, tcp.TimerNone, 0, 0))
	}
	return m
}

func bound(t testing.TB, fam Family) Made {
	t.Helper()
	s := Open(t, fam)
	s.BindPort(0)
	return Made{Subject: asBound(s)}
}

func unconnected(t testing.TB, fam Family) Made {
	t.Helper()
	return Made{Subject: Open(t, fam).as(tcp.Closed, tcp.TimerNone, 0, 0).unlisted()}
}

func dead(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	p.Abort()
	s.Await(tcp.Closed)
	return Made{Subject: s.as(tcp.Closed, tcp.TimerNone, 0, 0).unlisted()}
}

// deadBound differs from dead in that the program chose the port: the kernel leaves it to the socket (SOCK_BINDPORT_LOCK), which so is a bound one again.
func deadBound(t testing.TB, fam Family) Made {
	t.Helper()
	listener, s := Listen(t, fam, 1), Open(t, fam)
	s.BindPort(freePort(t, fam))
	s.Connect(listener.local)
	p := listener.Accept()
	listener.Abort()
	p.Abort()
	s.Await(tcp.Closed)
	return Made{Subject: asBound(s)}
}

// freePort returns a port that the kernel has just given away and taken back.
func freePort(t testing.TB, fam Family) uint16 {
	t.Helper()
	listener := Listen(t, fam, 1)
	listener.Abort() // a listener's disconnect gives the port back at once (tcp_set_state)
	return listener.local.Port()
}

// asBound is what sock_diag says of a bound socket, if the kernel can be asked for those.
func asBound(s *Socket) Expected {
	s.t.Helper()
	e := s.as(tcp.Closed, tcp.TimerNone, 0, 0)
	if !listsBound(s.t) {
		return e.unlisted()
	}
	return e
}
