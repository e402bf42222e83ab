package plan

import (
	"fmt"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// Close plans the end of sockets.
type Close struct {
	// How is report.ActionShutdown, the polite end, or report.ActionDestroy, the hard one.
	How    string
	Kernel forecast.Kernel
	// Reach tells whether a descriptor leads to the socket of a step, which only shutdown needs: fs.ErrPermission, fs.ErrNotExist when it has ended; nil means that nobody asked.
	Reach func(*report.Step) error
	// Own reports whether a socket is the connection the user came in by; nil means that none is.
	Own func(*look.Row) bool
}

// Draft plans a step for each socket that can be closed so, and says which cannot and why.
func (c *Close) Draft(rows []look.Row) *Draft {
	d := &Draft{}
	g := grouping{title: c.title, steps: make([]report.Step, 0, len(rows))}
	for i := range rows {
		r := &rows[i]
		why := c.cannot(r)
		planned := c.step(r)
		if why == "" && c.How == report.ActionShutdown && c.Reach != nil {
			if err := c.Reach(&planned); err != nil {
				why = whyUnread(err)
			}
		}
		if why != "" {
			g.leave(why)
			continue
		}
		c.risks(d, r)
		g.add(r, planned)
	}
	d.Steps, d.Groups = g.result()
	d.Sockets = g.touched()
	if len(d.Steps) == 0 {
		d.Refuse(g.why("no socket can be closed so"), "")
	}
	return d
}

// cannot says why a socket cannot be closed in this way at all, "" when it can.
func (c *Close) cannot(r *look.Row) string {
	s := r.Socket
	if s.State == tcp.Bound || s.State == tcp.Closed {
		return "only bound, not connected: there is nothing to close but the descriptor"
	}
	if c.How == report.ActionDestroy {
		if s.Mini() && c.Kernel.Before(6, 0) {
			return "a stand-in of a closed connection: kernels before 6.0 cannot destroy it, and it ends by itself"
		}
		return ""
	}
	switch {
	case s.State == tcp.Listen:
		return "a listener sends no FIN: shutdown does nothing for it"
	case s.State == tcp.SynSent || s.State == tcp.SynReceived:
		return "not connected yet: there is no connection to shut down"
	case finSent(s.State):
		return "its FIN was sent already"
	}
	return unreachable(r)
}

// risks notes what has to be accepted by name.
func (c *Close) risks(d *Draft, r *look.Row) {
	s := r.Socket
	if c.How == report.ActionDestroy {
		d.Risk(report.RiskNotUndoable, "a destroyed socket cannot be brought back")
	} else {
		d.Risk(report.RiskNotUndoable, "a FIN cannot be taken back")
	}
	if c.Own != nil && c.Own(r) {
		d.Risk(report.RiskOwnConnection, name(s)+" is the connection you came in by")
	}
	if live(s) {
		d.Risk(report.RiskLiveConnections, "the peer of "+name(s)+" is there: nothing says that the connection is stuck")
	}
	if s.Inode != 0 && len(r.Holders) == 0 {
		d.Risk(report.RiskKernelOwned, "no process is seen to have a descriptor of "+name(s)+": it may belong to the kernel (NFS, iSCSI, ...)")
	}
	if c.How == report.ActionDestroy {
		c.destroyRisks(d, s)
	}
}

func (c *Close) destroyRisks(d *Draft, s *tcp.Socket) {
	if s.State == tcp.Listen {
		d.Risk(report.RiskListeners, name(s)+" is a listener: its service ends, and what waits to be accepted is reset")
	}
	if s.Unaccepted() {
		d.Risk(report.RiskAcceptQueue, "destroying an unaccepted connection frees no place in the accept queue: accept() returns it, dead")
	}
	if peerClosed(s) {
		d.Risk(report.RiskHidesLeak, "the descriptor stays open, and the socket can no longer be seen: a leak goes on unseen")
	}
	if n := unsent(s); n > 0 {
		d.Risk(report.RiskDataLoss, fmt.Sprintf("%d bytes of %s that the peer has not got are discarded", n, name(s)))
	}
	if s.Orphan() && !s.Mini() && c.Kernel.Before(6, 11) {
		d.Risk(report.RiskOrphanBug, "kernels before 6.11 may turn a destroyed orphan into one without a timer, which stays for good")
	}
}

// step plans the end of one socket.
func (c *Close) step(r *look.Row) report.Step {
	s := r.Socket
	if c.How == report.ActionShutdown {
		planned := step(r, c.How, report.Text(afterFIN(s.State).String()))
		// The peer of a CLOSE_WAIT has sent its FIN: once it acknowledges ours the connection is over.
		if s.State == tcp.CloseWait && !unanswered(s) && s.SendQueue == 0 {
			planned.Frees.Sockets = 1
		}
		return planned
	}
	planned := step(r, c.How, "")
	planned.Frees.Sockets = 1
	if s.State == tcp.Listen {
		planned.Frees = report.Frees{Sockets: 1 + int(s.RecvQueue), AcceptQueuePlaces: int(s.RecvQueue)}
	}
	return planned
}

// afterFIN is the state that follows when a FIN is sent (tcp_close_state).
func afterFIN(s tcp.State) tcp.State {
	if s == tcp.CloseWait {
		return tcp.LastAck
	}
	return tcp.FinWait1
}
