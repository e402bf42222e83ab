package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// started is how long after a request a program has been started at most that works for it.
const started = time.Second

// mayAwaitChildren reports whether a process may wait for one that it has started: for its end, or for what comes out of a pipe or a pair of sockets.
func (q *inquiry) mayAwaitChildren(d *doing) bool {
	pipe := func(w look.Watch) bool { return w.Inode != 0 && w.Events&look.PollIn != 0 }
	if d.moments(func(m *look.Moment) bool {
		return forChild(&m.Call) || slices.ContainsFunc(m.Call.Watches, pipe)
	}) {
		return true
	}
	requesting := q.requesting(d.process.PID) > 0
	return slices.ContainsFunc(d.sets(), func(set look.PollSet) bool {
		strange, sockets := false, false
		for _, w := range set.Watches {
			own, ok := d.process.Activity.Descriptor(w.FD)
			socket := ok && q.socketOf(own.Inode) != nil
			sockets, strange = sockets || socket, strange || !socket && pipe(w)
		}
		return strange && (requesting || !sockets)
	})
}

// forChild reports whether a call waits for the end of a child, or reads what another process writes into a pipe.
func forChild(c *look.Call) bool {
	return c.Kind == look.CallChild || c.Kind == look.CallRead && c.Pipe != 0 && !c.OwnPipe
}

// childBehind returns the child of a process, a program of its own, whose output comes through a pipe, or a pair of sockets of which the process has this one; 0 for none.
func (sc *scene) childBehind(d *doing, inode uint32) int {
	if d.outputs == nil {
		d.outputs = map[uint32]int{}
		for _, pid := range d.process.Activity.Children {
			if p := sc.now.Processes[pid]; p != nil && p.Activity != nil && p.Activity.Executed { // of workers that were forked a master collects the messages
				for _, output := range p.Activity.Outputs {
					d.outputs[output] = pid
				}
			}
		}
		delete(d.outputs, 0)
	}
	if len(d.outputs) == 0 || inode == 0 {
		return 0
	}
	if u := sc.unix(inode); u != nil {
		inode = u.Peer
	}
	return d.outputs[inode]
}

// awaitedChildren returns the children for which a thread waits: for their end, or for their output.
func (sc *scene) awaitedChildren(d *doing, c *look.Call) (pids []int) {
	switch {
	case c.Kind == look.CallChild && c.Child == 0:
		return d.process.Activity.Children
	case c.Kind == look.CallChild:
		if slices.Contains(d.process.Activity.Children, c.Child) {
			pids = append(pids, c.Child)
		}
		return pids
	}
	for inode := range sc.inputs(d, c) {
		if pid := sc.childBehind(d, inode); pid != 0 && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// inputs yields the inodes of what a thread waits for to bring data.
func (sc *scene) inputs(d *doing, c *look.Call) func(func(uint32) bool) {
	return func(yield func(uint32) bool) {
		watches := c.Watches
		switch c.Kind {
		case look.CallRead:
			if !yield(max(c.Pipe, c.Inode)) {
				return
			}
		case look.CallPoll:
			if set := d.set(c.FD); set != nil {
				watches = set.Watches
			}
		default:
			return
		}
		for _, w := range watches {
			if w.Events&look.PollIn != 0 && !yield(uint32(w.Inode)) {
				return
			}
		}
	}
}

// set returns the epoll instance with a number, nil for none.
func (d *doing) set(fd int) *look.PollSet {
	for i := range d.sets() {
		if set := &d.sets()[i]; fd >= 0 && set.FD == fd {
			return set
		}
	}
	return nil
}

// scripts returns the children of a process that work for its connections: it waits for their output in a set of its loop, and has started each when a request came.
func (sc *scene) scripts(pid int) map[*tcp.Socket]int {
	d := sc.doing(pid)
	if d.scripts != nil {
		return d.scripts
	}
	d.scripts = map[*tcp.Socket]int{}
	if d.process.Activity == nil || len(d.process.Activity.Children) == 0 || sc.requesting(pid) == 0 {
		return d.scripts
	}
	var children []int
	for i := range d.sets() {
		set := &d.sets()[i]
		if !d.polls(set) {
			continue
		}
		for inode := range sc.inputs(d, &look.Call{Kind: look.CallPoll, FD: set.FD}) {
			if child := sc.childBehind(d, inode); child != 0 && !slices.Contains(children, child) {
				children = append(children, child)
			}
		}
	}
	if len(children) == 0 {
		return d.scripts
	}
	sc.eachServed(func(s *subject) {
		if s.holder(0).PID != pid || !hasRequest(s.socket) {
			return
		}
		came, _ := s.socket.Info.Duration(tcp.LastDataRecv)
		began, doubt := sc.existed(s.place)
		best, nearest := -1, forever
		for i, child := range children {
			running := sc.now.Processes[child].Activity.Running
			apart := (came - running).Abs()
			if running > 0 && running <= began+doubt+sinceStart && came <= running+started && apart < nearest {
				best, nearest = i, apart
			}
		}
		if best >= 0 {
			d.scripts[s.socket] = children[best]
			children = slices.Delete(children, best, best+1)
		}
	})
	return d.scripts
}

// script returns the child that works for a connection whose client has left, 0 for none.
func (sc *scene) script(s *subject) int {
	if s.listener == nil || s.age < fresh || !s.held() || !hasRequest(s.socket) || sc.halfClosed(s) {
		return 0
	}
	return sc.scripts(s.holder(0).PID)[s.socket]
}

// onErrand reports whether a process was started by another of some holders, which waits for it, and executes a program of its own.
func (sc *scene) onErrand(d *doing, holders []look.Holder) bool {
	if d.process.Activity == nil || !d.process.Activity.Executed {
		return false
	}
	return slices.ContainsFunc(holders, func(h look.Holder) bool {
		if h.PID != d.process.PPID {
			return false
		}
		parent := sc.doing(h.PID)
		return slices.ContainsFunc(parent.off, func(w worker) bool {
			return w.what != busy && slices.Contains(sc.awaitedChildren(parent, w.call), d.process.PID)
		})
	})
}

// atScripts names the children that work for connections, with what each does.
func (sc *scene) atScripts(pids []int) (culprits []report.Culprit) {
	for _, pid := range pids[:min(len(pids), maxCulprits)] {
		d := sc.doing(pid)
		c := report.Culprit{PID: &d.process.PID, Comm: &d.process.Comm, What: "other_leg"}
		switch {
		case d.halted != "":
			c.What = d.halted
		case len(d.working) > 0:
			c = sc.culprit(d, d.working[0])
		case len(d.off) > 0:
			c = sc.culprit(d, d.off[0])
		}
		culprits = append(culprits, c)
	}
	return culprits
}

// scriptEvidence says for whose output a loop waits.
func (sc *scene) scriptEvidence(pid int, children []int) string {
	first := sc.doing(children[0]).process
	line := fmt.Sprintf("pid %d waits for the output of %s (pid %d), which it has started when the request came", pid, first.Comm, first.PID)
	if n := len(children) - 1; n > 0 {
		line += fmt.Sprintf(", and of %d more like it", n)
	}
	return line
}
