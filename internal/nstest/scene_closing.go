package nstest

import (
	"testing"

	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// halfClosed makes a connection whose client has shut down after sending n bytes: s is in CLOSE_WAIT, p in FIN_WAIT_2. The client's receive buffer
// is a small one.
func halfClosed(t testing.TB, fam Family, n int) (s, p *Socket) {
	t.Helper()
	listener := Listen(t, fam, 1)
	p = Open(t, fam)
	p.Set(unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) // before connect, which settles the window scale
	p.Connect(listener.local)
	s = listener.Accept()
	listener.Abort()
	if n > 0 {
		p.Write(n)
	}
	p.CloseWrite()
	s.Await(tcp.CloseWait)
	p.Await(tcp.FinWait2) // later the acknowledgement might be lost
	return s, p
}

// idlePeer is the other end of a CLOSE_WAIT socket.
func idlePeer(p *Socket) []Expected {
	p.t.Helper()
	return []Expected{p.as(tcp.FinWait2, tcp.TimerNone, 0, 0)}
}

func closeWait(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, payload)
	s.ReadEnd()
	return Made{s.as(tcp.CloseWait, tcp.TimerNone, 0, 0), idlePeer(p)}
}

func closeWaitEOF(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, 0)
	return Made{s.as(tcp.CloseWait, tcp.TimerNone, 1, 0), idlePeer(p)}
}

func closeWaitUnread(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, payload)
	return Made{s.as(tcp.CloseWait, tcp.TimerNone, payload+1, 0), idlePeer(p)}
}

func closeWaitKeepalive(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, payload)
	s.ReadEnd()
	s.Set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	return Made{s.as(tcp.CloseWait, tcp.TimerKeepalive, 0, 0), idlePeer(p)}
}

func closeWaitUnacked(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, 0)
	s.ReadEnd()
	p.Deafen()
	s.Write(payload)
	return Made{s.as(tcp.CloseWait, tcp.TimerRetransmit, 0, payload), idlePeer(p)}
}

func closeWaitUnaccepted(t testing.TB, fam Family) Made {
	t.Helper()
	listener, p := Listen(t, fam, 8), Open(t, fam)
	p.Connect(listener.local)
	p.Write(8)
	p.CloseWrite()
	client := p.as(tcp.FinWait2, tcp.TimerNone, 0, 0)
	return Made{
		client.otherEnd(tcp.CloseWait, tcp.TimerNone, 9, 0),
		[]Expected{client, listener.as(tcp.Listen, tcp.TimerNone, 1, 8)},
	}
}

func closeWaitZeroWindow(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, 0)
	return stalled(s, p)
}

func closeWaitZeroWindowVanished(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, 0)
	m := stalled(s, p)
	p.Deafen()
	s.AwaitInfo("a probe without answer", func(info *tcp.Info) bool {
		probes, _ := info.Uint(tcp.Probes)
		return probes > 0
	})
	return m
}

// stalled writes more than a peer that does not read can take, and waits until nothing more will move.
func stalled(s, p *Socket) Made {
	s.t.Helper()
	s.ReadEnd()
	written := s.Write(64 << 10)
	var unsent uint64
	s.AwaitInfo("everything in flight acknowledged, the window at 0", func(info *tcp.Info) bool {
		unacked, _ := info.Uint(tcp.Unacked)
		window, known := info.Uint(tcp.SndWnd)
		unsent, _ = info.Uint(tcp.NotSentBytes)
		return unacked == 0 && unsent > 0 && (window == 0 || !known)
	})
	return Made{
		s.as(tcp.CloseWait, tcp.TimerPersist, 0, uint32(unsent)),
		[]Expected{p.as(tcp.FinWait2, tcp.TimerNone, uint32(written)-uint32(unsent), 0)},
	}
}

func lastAck(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, 0)
	s.ReadEnd()
	p.Deafen()
	s.CloseWrite()
	return Made{s.as(tcp.LastAck, tcp.TimerRetransmit, 0, 1), idlePeer(p)}
}

func lastAckOrphan(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, 0)
	s.ReadEnd()
	p.Deafen()
	m := Made{s.as(tcp.LastAck, tcp.TimerRetransmit, 0, 1).unheld(), idlePeer(p)}
	s.Close()
	return m
}

func finWait1(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	p.Deafen()
	s.CloseWrite()
	return Made{
		s.as(tcp.FinWait1, tcp.TimerRetransmit, 0, 1),
		[]Expected{p.as(tcp.Established, tcp.TimerNone, 0, 0)},
	}
}

func finWait1Orphan(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	p.Deafen()
	m := Made{
		s.as(tcp.FinWait1, tcp.TimerRetransmit, 0, 1).unheld(),
		[]Expected{p.as(tcp.Established, tcp.TimerNone, 0, 0)},
	}
	s.Close()
	return m
}

func finWait2(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	s.CloseWrite()
	return Made{
		s.as(tcp.FinWait2, tcp.TimerNone, 0, 0),
		[]Expected{p.as(tcp.CloseWait, tcp.TimerNone, 1, 0)},
	}
}

func finWait2Mini(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	m := Made{
		s.as(tcp.FinWait2, tcp.TimerTimeWait, 0, 0).unheld(),
		[]Expected{p.as(tcp.CloseWait, tcp.TimerNone, 1, 0)},
	}
	s.Close()
	return m
}

// finWait2Orphan relies on tcp_close keeping the full socket, with the keepalive timer, for the part of the time-out above TCP_TIMEWAIT_LEN.
func finWait2Orphan(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	s.Set(unix.IPPROTO_TCP, unix.TCP_LINGER2, 120)
	m := Made{
		s.as(tcp.FinWait2, tcp.TimerKeepalive, 0, 0).unheld(),
		[]Expected{p.as(tcp.CloseWait, tcp.TimerNone, 1, 0)},
	}
	s.Close()
	return m
}

func timeWait(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	m := Made{Subject: s.as(tcp.TimeWait, tcp.TimerTimeWait, 0, 0).unheld()}
	s.Close()
	p.Await(tcp.CloseWait)
	p.Close()
	return m
}

// closing crosses two FINs: the peer never sees the first and sends its own, which does not acknowledge it.
func closing(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	p.Deafen()
	s.CloseWrite()
	p.CloseWrite()
	return Made{
		s.as(tcp.Closing, tcp.TimerRetransmit, 1, 1),
		[]Expected{p.as(tcp.FinWait1, tcp.TimerRetransmit, 0, 1)},
	}
}

func closingOrphan(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := Connect(t, fam)
	p.Deafen()
	first := s.as(tcp.FinWait1, tcp.TimerRetransmit, 0, 1).unheld()
	s.Close()
	settle(t, Made{Subject: first}) // its FIN must be out before the peer's comes
	p.CloseWrite()
	return Made{
		p.as(tcp.FinWait1, tcp.TimerRetransmit, 0, 1).otherEnd(tcp.Closing, tcp.TimerRetransmit, 1, 1),
		[]Expected{p.as(tcp.FinWait1, tcp.TimerRetransmit, 0, 1)},
	}
}

// deadCloseWait loses its peer by a reset; the data that came before it can still be read.
func deadCloseWait(t testing.TB, fam Family) Made {
	t.Helper()
	s, p := halfClosed(t, fam, payload)
	p.Abort()
	s.Await(tcp.Closed)
	return Made{Subject: s.as(tcp.Closed, tcp.TimerNone, 0, 0).unlisted()}
}
