package diagnose

import (
	"github.com/closewait/closewait/tcp"
)

// origin returns the listener a connection came through, and whether this side made the connection instead. Where the socket's own counters do not tell, a connection without a listener
// and with a port that the kernel gives to those who do not ask for one was made here.
func (sc *scene) origin(netns int32, s *tcp.Socket) (listener *tcp.Socket, connected bool) {
	active, known := opened(s)
	if known && active {
		return nil, true
	}
	listener = sc.listener(netns, s)
	return listener, !known && listener == nil && sc.chosen(netns, s.Local.Port())
}

// opened reports whether the socket sent the SYN: the acknowledgement of that counts as a byte acknowledged (tcp_clean_rtx_queue), and on the other side, whose socket is made when its own SYN has been
// acknowledged, it does not. It is not known while anything is unacknowledged.
func opened(s *tcp.Socket) (active, known bool) {
	acked, ok := s.Info.Uint(tcp.BytesAcked)
	sent, counted := sentBytes(s)
	unacked, told := s.Info.Uint(tcp.Unacked)
	if !ok || !counted || !told || unacked > 0 || s.SendQueue > 0 {
		return false, false
	}
	switch s.State {
	case tcp.Established, tcp.CloseWait:
	case tcp.FinWait2:
		acked-- // our FIN
	default:
		return false, false
	}
	return acked == sent+1, acked == sent+1 || acked == sent
}

// sentBytes returns the bytes of payload sent, each counted once.
func sentBytes(s *tcp.Socket) (n uint64, known bool) {
	sent, ok := s.Info.Uint(tcp.BytesSent)
	again, both := s.Info.Uint(tcp.BytesRetrans)
	return sent - again, ok && both && again <= sent
}

// chosen reports whether a port is one of those that the kernel gives to connections which do not ask for one (ip_local_port_range).
func (sc *scene) chosen(netns int32, port uint16) bool {
	first, last := uint16(32768), uint16(60999) // what it begins with
	if p := sc.now.Namespaces[netns].Ports; p[1] != 0 {
		first, last = p[0], p[1]
	}
	return first <= port && port <= last
}
