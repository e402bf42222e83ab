package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// inherited is sockets that stay open because a process has them that did not open them.
//
// Needs: all holders; of a single one its descriptor's flags, what it looks at, its program, its parent, and since when it runs. Claims: several processes hold the socket; or the only one
// got it through an exec (no close-on-exec, above the descriptors on which connections are handed on), does not look at it, and either was started after the connection was made or is the child of who
// holds the listener, or there is no listener any more and it was not there before the connection, of which it has read nothing. Refuted by several that serve the connection together, of which one is at
// work elsewhere or does not run, by a thread that waits for the socket, by a process that was forked and has executed nothing: such servers fork to serve (but nobody forks to
// serve what he has connected to himself and keeps running: such a child has what its parent left open), by one that waits for
// the end of the other, which it has started with the socket as its input and output, and by one that has the listener under another number than its parent: it was given that on purpose (socket activation), and has taken the connection out of its queue, however long that had been there.
var inherited = rule{
	code: codeInherited, cause: "inherited",
	claims: func(sc *scene, s *subject) bool {
		if s.socket.State != tcp.CloseWait || s.age < fresh || !s.held() || s.socket.SendQueue > 0 || s.moved || sc.halfClosed(s) {
			return false
		}
		first := s.holder(0)
		if several := s.heldBy(func(h look.Holder) bool { return h.PID != first.PID }); several {
			if sc.onBehalf(s) != 0 {
				return false
			}
			if sc.atSession(s) != 0 || sc.handedTo(s) != 0 {
				return false
			}
			s.blame(sc.heir(s))
			return true
		}
		if sc.stray(s, first) {
			s.blame(first.PID)
			return true
		}
		return false
	},
	describe: describeInherited,
}

// onBehalf returns which of several holders of a connection is its handler, 0 where none is: each but one of them waits for the end or the output of the next, which it has started. Who was given the connection as its input
// and output, as by inetd, hands it on as those to the command that it runs. Other commands have it because nobody closed it for them, and the handler is who accepted it, or was forked to serve it.
func (sc *scene) onBehalf(s *subject) (pid int) {
	const output = 2
	first, last, drain, at, handed := 0, 0, 0, 0, true
	for i := range s.holders() {
		h := s.holder(i)
		if h.PID == at {
			continue
		}
		at, handed = h.PID, handed && h.FD <= output
		d := sc.doing(h.PID)
		switch {
		case !d.known:
			return 0
		case !d.waitsForChild() || !s.heldBy(func(c look.Holder) bool { return sc.doing(c.PID).process.PPID == h.PID }):
			switch {
			case d.waitsForChild() && d.off[0].call.Kind == look.CallRead && drain == 0:
				drain = h.PID // of who has started it, perhaps: it passes on what the command writes
			case last != 0:
				return 0
			default:
				last = h.PID
			}
		case !s.heldBy(func(p look.Holder) bool { return p.PID == d.process.PPID }):
			first = h.PID
		}
	}
	if last == 0 {
		last, drain = drain, 0
	}
	switch {
	case handed:
		return last
	case drain != 0 || last == 0 || first == 0 || s.listener == nil:
		return 0
	case sc.doing(first).process.Activity.Executed && !sc.keeps(first, s.listener):
		return 0 // it got the connection from somebody itself
	}
	return first
}

// waitsForChild reports whether a process does nothing but wait for the end of another that it has started, or for what that writes.
func (d *doing) waitsForChild() bool {
	return len(d.off) == 1 && d.single() && forChild(d.off[0].call)
}

// sinceStart allows for the steps of the clocks compared.
const sinceStart = 30 * time.Millisecond

// startedAfter reports whether the process was started when the connection existed.
func (sc *scene) startedAfter(pid int, s place) bool {
	p := sc.now.Processes[pid]
	if p == nil || p.Activity == nil || p.Activity.Running == 0 {
		return false
	}
	began, doubt := sc.existed(s)
	return began-doubt > p.Activity.Running+sinceStart
}

// heir returns the holder that must have inherited the socket: the one started last, but for those who accept.
func (sc *scene) heir(s *subject) int {
	pid, last := s.holder(s.holders()-1).PID, uint64(0)
	for i := range s.holders() {
		h := s.holder(i)
		if p := sc.now.Processes[h.PID]; p != nil && p.StartTicks >= last && (s.listener == nil || p.Activity == nil || !sc.accepts(sc.doing(h.PID), s.listener)) {
			pid, last = h.PID, p.StartTicks
		}
	}
	return pid
}

// atSession returns which of several processes that serve a connection together keeps it waiting, 0 for none. Servers that separate privileges keep it open in each of the processes they fork for it, none of
// which accepts further ones; who holds it by accident executes another program, or goes on serving others.
func (sc *scene) atSession(s *subject) (pid int) {
	executed, last := 0, 0
	for i := range s.holders() {
		h := s.holder(i)
		if h.PID == last {
			continue
		}
		last = h.PID
		d := sc.doing(h.PID)
		switch {
		case d.process.Activity == nil || s.listener == nil || s.socket.RecvQueue == 0 || sc.accepts(d, s.listener):
			return 0
		case d.process.Activity.Executed:
			executed++
		}
		if pid == 0 && (d.halted != "" || d.single() && slices.ContainsFunc(still(d.strong), sc.onConnection)) {
			pid = h.PID
		}
	}
	if executed > 1 {
		return 0
	}
	return pid
}

// accepts reports whether a process waits for further connections of a listener.
func (sc *scene) accepts(d *doing, l *tcp.Socket) bool {
	return sc.now.Holders.Any(l.Inode, func(h look.Holder) bool { return h.PID == d.process.PID && d.interest(l.Inode, h.FD).waited })
}

// onConnection reports whether a thread is busy, or in a call on a connection, be it the end of one.
func (sc *scene) onConnection(w worker) bool {
	return w.what == busy || w.call.Kind == look.CallLinger || sc.socketOf(w.call.Inode) != nil
}

// stray reports whether the only holder of a socket has it by accident.
func (sc *scene) stray(s *subject, h look.Holder) bool {
	d := sc.doing(h.PID)
	if !sc.mayBeStray(s, h) {
		return false
	}
	if in := s.interest(d, h); in.set != nil || in.waited {
		return false
	}
	if !d.process.Activity.Executed {
		return sc.leftOver(s, d)
	}
	return sc.handedOn(s, d) && d.passesExec(h.FD)
}

// leftOver reports whether a process was forked by a program that had made a connection by then, and has closed it since. A program that goes on as its child leaves it to others, and to a group of its own.
func (sc *scene) leftOver(s *subject, d *doing) bool {
	const first = 1
	parent := d.process.PPID
	return s.connected() && s.known() && parent > first && (d.process.Group == parent || sc.now.Processes[parent] != nil) && sc.startedAfter(d.process.PID, s.place)
}

// handedOn reports whether a process cannot have opened a socket by itself, or got it in the same way as its listener.
func (sc *scene) handedOn(s *subject, d *doing) bool {
	pid, parent := d.process.PID, d.process.PPID
	after := sc.startedAfter(pid, s.place)
	if s.listener == nil { // who accepted is gone
		began, _ := sc.existed(s.place)
		return after || !s.connected() && d.single() && untouched(s.socket) && d.process.Activity.Running <= began+sinceStart
	}
	switch {
	case !sc.keeps(pid, s.listener):
		return after || sc.keeps(parent, s.listener)
	case !sc.keeps(parent, s.listener):
		return after && (parent > 1 || sc.now.HoldersComplete) // what the first process has is not seen by everybody
	case !sc.sameNumber(s.listener, pid, parent):
		return false
	}
	p := sc.now.Processes[parent]
	other := p != nil && p.Activity != nil && p.Activity.Executable != "" && p.Activity.Executable != d.process.Activity.Executable
	return after || other && d.single() && untouched(s.socket)
}

// sameNumber reports whether a socket has the same descriptor in two processes, as what is inherited by accident has. What is given on purpose is put where the other expects it.
func (sc *scene) sameNumber(s *tcp.Socket, a, b int) bool {
	return sc.now.Holders.Any(s.Inode, func(one look.Holder) bool {
		return one.PID == a && sc.now.Holders.Any(s.Inode, func(two look.Holder) bool { return two.PID == b && two.FD == one.FD })
	})
}

// passesExec reports whether a descriptor is known to stay open when its process executes another program.
func (d *doing) passesExec(fd int) bool {
	own, _ := d.process.Activity.Descriptor(fd)
	return own.FlagsKnown && !own.CloseOnExec
}

// mayBeStray is what can be said of it before its flags and its parent are known.
func (sc *scene) mayBeStray(s *subject, h look.Holder) bool {
	agreed := 3 // what inetd and its like hand on goes to 0, 1 and 2, what systemd does to 3
	if s.connected() {
		agreed = 2
	}
	d := sc.doing(h.PID)
	return d.known && h.FD > agreed && s.socket.RecvQueue > 0
}

func describeInherited(sc *scene, g *group, f *report.Finding) {
	seen := map[int]bool{}
	var lines []string
	for _, s := range g.members {
		blamed := s.blamed()
		if seen[blamed] {
			continue
		}
		seen[blamed] = true
		c := report.Culprit{PID: &blamed, What: "inherited"}
		for i := range s.holders() {
			h := s.holder(i)
			if h.PID == blamed {
				c.FD = &h.FD
				break
			}
		}
		p := sc.now.Processes[blamed]
		if p == nil {
			continue
		}
		c.Comm = &p.Comm
		f.Culprits = append(f.Culprits, c)
		from := "a process that is gone"
		switch parent := sc.now.Processes[p.PPID]; {
		case parent != nil:
			from = fmt.Sprintf("%s (pid %d)", parent.Comm, parent.PID)
		case p.PPID > 1:
			from = fmt.Sprintf("another process (its parent is pid %d)", p.PPID)
		}
		if n := len(g.processes); n > 1 {
			lines = append(lines, fmt.Sprintf("%s hold them: closing in one of them does not close the connection", fmt.Sprintf("%d processes", n)))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s (pid %d) has inherited them from %s and does not look at them", p.Comm, p.PID, from))
	}
	f.Evidence = append(f.Evidence, few(slices.Compact(lines))...)
	f.Evidence = append(f.Evidence, readEvidence(g)...)
}
