package plan

import (
	"fmt"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// title describes a group of sockets that are closed: what that frees, what it does not, and what the two ends see.
func (c *Close) title(m *members) report.Group {
	g := report.Group{Sign: "-", Title: m.heading()}
	add := func(label, text string) {
		if text != "" {
			g.Lines = append(g.Lines, report.Line{Label: label, Text: text})
		}
	}
	if c.How == report.ActionShutdown {
		add("effect", m.shutdownEffect())
		add("not", m.stays())
		add("app", m.shutdownApp())
		add("peer", m.shutdownPeer())
	} else {
		add("frees", m.frees())
		add("not", m.stays())
		add("app", m.app())
		add("peer", m.peer())
	}
	add("better", m.better())
	return g
}

// frees says what SOCK_DESTROY gives back at once (tcp_abort).
func (m *members) frees() string {
	switch {
	case m.mini:
		return "the addresses and ports; such a stand-in has nothing else"
	case m.state == tcp.Listen && m.queue > 0:
		return fmt.Sprintf("the port, and the %d connections that wait in the queue, which are reset", m.queue)
	case m.state == tcp.Listen:
		return "the port"
	case m.queued:
		return "the ports and the memory of the send queue"
	}
	return "the ports"
}

// stays says what is not given back: only the program's close does that.
func (m *members) stays() string {
	switch {
	case m.open:
		return fmt.Sprintf("the %d places in the accept queue: only accept() or closing the listener frees them", len(m.all))
	case m.state == tcp.Listen:
		return "the descriptor, which can be made to listen again"
	case m.first.Socket.Inode == 0:
		return ""
	}
	text := fmt.Sprintf("the %d descriptors", len(m.all))
	if len(m.all) == 1 {
		text = "the descriptor"
	}
	if p := firstProcess(m.first); p != nil && p.FDs > 0 && p.FDLimit > 0 {
		text += fmt.Sprintf(": pid %d keeps %d of its %d open", p.PID, p.FDs, p.FDLimit)
	}
	if slices.ContainsFunc(m.all, func(r *look.Row) bool { return peerClosed(r.Socket) && r.Socket.RecvQueue > 1 }) { // an unread FIN counts as a byte
		text += "; unread data stays in memory until the program closes"
	}
	return text
}

// app says what the program meets after SOCK_DESTROY. The error of a socket in CLOSE_WAIT is met by writing only, because reading tests for the end of the data
// first (tcp_recvmsg_locked).
func (m *members) app() string {
	switch {
	case m.open:
		return "accept() returns the dead connection: what has come can be read, then end-of-file or ECONNABORTED"
	case m.first.Socket.Inode == 0:
		return "nothing: no program has it any more"
	case m.state == tcp.Listen:
		return "accept() fails with EINVAL"
	case m.state == tcp.SynSent:
		return "connect fails with ECONNABORTED"
	case peerClosed(m.first.Socket):
		return "poll returns ERR and HUP; reading gives what is left, then end-of-file without an error; writing fails with ECONNABORTED, then EPIPE"
	}
	return "poll returns ERR and HUP; what has come can be read, then the next call fails with ECONNABORTED, writing with EPIPE from then on"
}

// peer says what the other host gets: a reset in the states of tcp_need_reset.
func (m *members) peer() string {
	switch {
	case m.mini:
		return "nothing; what it still sends is answered by a reset from now on"
	case m.state == tcp.Listen && m.queue > 0:
		return "a reset for each connection in the queue"
	case m.state == tcp.Listen:
		return "nothing"
	case tcp.SetOf(tcp.LastAck, tcp.Closing, tcp.SynSent).Has(m.state):
		return "nothing at once: in this state no reset is sent; what it still sends is answered by one"
	case m.state == tcp.SynReceived:
		return "nothing; what it sends next is answered by a reset"
	}
	return "a reset, once: it is not sent again when it is lost"
}

func (m *members) shutdownEffect() string {
	text := "a FIN follows what is still to be sent"
	if m.queued {
		return text + "; the running timer and its limit stay as they are"
	}
	if m.state == tcp.CloseWait {
		return text + ": the connection is over when the peer acknowledges it"
	}
	return text + ": the connection is half closed until the peer closes, too"
}

// shutdownApp says what the program meets after shutdown: poll returns HUP once both directions are shut (tcp_poll).
func (m *members) shutdownApp() string {
	if m.state == tcp.CloseWait {
		return "poll returns HUP; what has come can still be read, then end-of-file; writing fails with EPIPE; no error is recorded"
	}
	return "reading goes on until the peer closes, too; writing fails with EPIPE"
}

func (m *members) shutdownPeer() string {
	if m.state == tcp.CloseWait {
		return "the end of our data; if it has forgotten the connection it answers with a reset, which ends it as well"
	}
	return "end-of-file; what it still sends arrives and can be read"
}

// better names what gives the descriptors back as well.
func (m *members) better() string {
	p := firstProcess(m.first)
	if p == nil || !peerClosed(m.first.Socket) {
		return ""
	}
	if p.Workload.Kind == look.KindUnit && p.Workload.Unit != "" {
		return "systemctl restart " + p.Workload.Unit + " gives the descriptors back, too"
	}
	return fmt.Sprintf("restarting %s gives the descriptors back, too", p.Comm)
}

func firstProcess(r *look.Row) *look.Process {
	if len(r.Processes) == 0 {
		return nil
	}
	return r.Processes[0]
}
