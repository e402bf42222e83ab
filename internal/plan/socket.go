package plan

import (
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// maxOwners is how many descriptors of a socket a step remembers: should the first be closed meanwhile, another will do.
const maxOwners = 4

// step begins a step on a socket.
func step(r *look.Row, action string, after report.Value) report.Step {
	s := r.Socket
	target := &report.SocketTarget{
		Family: s.Family.String(), Local: s.Local.AddrPort(), Peer: s.Peer.AddrPort(), Interface: s.Interface, Cookie: s.Cookie.String(),
		Inode: s.Inode, State: s.State.String(), Owners: make([]report.SocketOwner, 0, min(len(r.Holders), maxOwners)),
	}
	for _, h := range r.Holders[:min(len(r.Holders), maxOwners)] {
		owner := report.SocketOwner{PID: h.PID, FD: h.FD}
		if p := processOf(r, h.PID); p != nil {
			owner.Comm, owner.StartTicks = p.Comm, p.StartTicks
		}
		target.Owners = append(target.Owners, owner)
	}
	return report.Step{
		Action: action, Target: name(s), Netns: netns(r.Netns), Before: report.Text(s.State.String()), After: after, Detail: report.Detail{Socket: target},
	}
}

func processOf(r *look.Row, pid int) *look.Process {
	for _, p := range r.Processes {
		if p.PID == pid {
			return p
		}
	}
	return nil
}

// name is a socket as people know it: its two ends.
func name(s *tcp.Socket) string {
	local := ends(s.Local)
	if s.State == tcp.Listen {
		return local
	}
	return local + " > " + ends(s.Peer)
}

func ends(e tcp.Endpoint) string { return e.Unmap().String() }

func netns(n *look.Namespace) *report.Netns {
	if n == nil {
		return nil
	}
	out := &report.Netns{Inode: n.Inode}
	if n.Name != "" {
		out.Name = new(n.Name)
	}
	if n.PID != 0 {
		out.PID = new(n.PID)
	}
	return out
}

// held reports whether a descriptor refers to the socket, as far as its inode tells.
func held(s *tcp.Socket) bool { return s.Inode != 0 }

// peerClosed reports whether the program has been told that the peer is done, and still has the descriptor.
func peerClosed(s *tcp.Socket) bool {
	return held(s) && tcp.SetOf(tcp.CloseWait, tcp.LastAck, tcp.Closing).Has(s.State)
}

// finSent reports whether the socket has sent its FIN, or has nothing left to send one on.
func finSent(s tcp.State) bool {
	return tcp.SetOf(tcp.FinWait1, tcp.FinWait2, tcp.Closing, tcp.LastAck, tcp.TimeWait).Has(s)
}

// unanswered reports whether what the socket sends goes unanswered: retransmissions, or at least two probes of a closed window or of keepalive, one of which may have
// been left out for its rate (tcp_invalid_ratelimit).
func unanswered(s *tcp.Socket) bool {
	switch s.Timer.Kind {
	case tcp.TimerRetransmit:
		return s.Timer.Count >= 1
	case tcp.TimerPersist, tcp.TimerKeepalive:
		return s.Timer.Count >= 2
	}
	return false
}

// recently is within which time a half-closed peer must have been heard to count as one that is still sending.
const recently = time.Minute

// live reports whether the peer is there and the connection in use, as far as the kernel shows it: nothing speaks against an established connection but silence
// where an answer was due; after a FIN only traffic speaks for one.
func live(s *tcp.Socket) bool {
	if s.Mini() || s.Orphan() || unanswered(s) {
		return false
	}
	switch s.State {
	case tcp.Established, tcp.SynReceived:
		return true
	case tcp.CloseWait:
		return s.SendQueue > 0 // in flight and acknowledged, or held back by a peer that answers
	case tcp.FinWait2:
		heard, ok := s.Info.Duration(tcp.LastDataRecv)
		received, _ := s.Info.Uint(tcp.BytesReceived)
		return ok && received > 0 && heard < recently
	}
	return false
}

// unsent is the number of bytes that are lost when the socket ends: not acknowledged or never sent. Its own FIN, which counts as one, is no loss.
func unsent(s *tcp.Socket) uint32 {
	if s.State == tcp.Listen || s.State == tcp.SynSent || s.State == tcp.SynReceived {
		return 0
	}
	if finSent(s.State) && s.SendQueue > 0 && s.State != tcp.FinWait2 {
		return s.SendQueue - 1
	}
	return s.SendQueue
}
