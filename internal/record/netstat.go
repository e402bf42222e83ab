package record

import (
	"math"
	"strings"
	"time"

	"github.com/closewait/closewait/tcp"
)

// cutAt is the length of an address that netstat may have cut: without -W it leaves 22 characters for address and port, busybox 23 with the colon.
const cutAt = 23

// netstat reads a line after the protocol: Recv-Q Send-Q Local Foreign State [User Inode] [PID/Program name] [Timer].
func (p *parser) netstat(protocol string, w words) {
	p.enter(netstatFormat)
	s := tcp.Socket{UID: UnknownUID}
	d := Detail{StateKnown: true, QueuesKnown: true}
	var ok, also bool
	s.RecvQueue, ok = queue(w.next())
	s.SendQueue, also = queue(w.next())
	local, peer, state := w.next(), w.next(), w.next()
	l, _, reason := ends(&s, &d, local, peer, protocol == "tcp6")
	switch s.State = stateNames[state]; {
	case !ok || !also:
		reason = "no lengths of the queues"
	case reason != "":
	case s.State == 0 || s.State == tcp.Closed:
		reason = "no state that is known; use LC_ALL=C netstat"
	}
	if reason != "" {
		p.skip(reason)
		return
	}
	p.section.wide = p.section.wide || len(local) > cutAt || len(peer) > cutAt
	m := mark{doubt: s.Family == tcp.IPv6 && (len(local) == cutAt || len(peer) == cutAt)}
	p.bind(&s, &d, l.device)
	rest := p.netstatTimer(&s, &d, strings.TrimSpace(w.rest))
	m.untimed = !d.TimerKnown && s.Timer.Kind == tcp.TimerNone
	if !p.add(&s, &d, m) {
		return
	}
	if m.doubt {
		p.section.doubts++
	}
	p.netstatOwner(words{rest})
}

// netstatTimer reads the timer at the end of a line and returns what stands before it.
func (p *parser) netstatTimer(s *tcp.Socket, d *Detail, rest string) string {
	open := strings.LastIndexByte(rest, '(')
	if open < 0 || !strings.HasSuffix(rest, ")") {
		return rest
	}
	before := strings.TrimRight(rest[:open], " \t")
	name := before[strings.LastIndexAny(before, " \t")+1:]
	t, counts, ok := parseNetstatTimer(name, rest[open+1:len(rest)-1])
	if !ok {
		return rest
	}
	s.Timer = t
	counts.put(s)
	p.section.shown.timers = true
	d.TimerKnown = t.Kind != TimerUnknown
	if t.Kind != tcp.TimerNone {
		d.Expires = tick
	}
	return before[:len(before)-len(name)]
}

// tick is what netstat and /proc/net/tcp count times in: USER_HZ is 100 on all machines that matter.
const tick = 10 * time.Millisecond

// counts are the two numbers that these formats show of every socket, whatever its timer.
type counts struct{ retransmits, probes uint8 }

// put notes the counts where tcp_info has them; mini and request sockets and listeners have none.
func (c counts) put(s *tcp.Socket) {
	switch s.Timer.Kind {
	case tcp.TimerRetransmit:
		s.Timer.Count = c.retransmits
	case tcp.TimerPersist, tcp.TimerKeepalive:
		s.Timer.Count = c.probes
	}
	if s.State != tcp.TimeWait && s.State != tcp.SynReceived && s.State != tcp.Listen && !s.Mini() {
		s.Info.Put(tcp.Retransmits, uint64(c.retransmits))
		s.Info.Put(tcp.Probes, uint64(c.probes))
	}
}

// parseNetstatTimer reads the name and 110.84/13/0: seconds, retransmissions, probes (tcp_do_one). Some locales write a comma.
func parseNetstatTimer(name, text string) (tcp.Timer, counts, bool) {
	kind, ok := timerNames[name]
	if code, unknown := strings.CutPrefix(name, "unkn-"); unknown {
		n, good := number(code, math.MaxUint8)
		kind, ok = tcp.TimerKind(n), good
	}
	shown, rest, _ := strings.Cut(text, "/")
	one, two, _ := strings.Cut(rest, "/")
	retransmits, good := number(one, math.MaxUint8)
	probes, also := number(two, math.MaxUint8)
	seconds, hundredths, _ := strings.Cut(strings.Replace(shown, ",", ".", 1), ".")
	s, whole := number(seconds, 1<<32)
	h, part := number(hundredths, 99)
	if !ok || !good || !also || !whole || !part || len(hundredths) != 2 {
		return tcp.Timer{}, counts{}, false
	}
	expires := sooner(time.Duration(s)*time.Second + time.Duration(h)*tick)
	return tcp.Timer{Kind: kind, Expires: expires}, counts{uint8(retransmits), uint8(probes)}, true
}

// netstatOwner reads what stands between state and timer: user and inode (-e), PID/name (-p) or "-" where netstat saw no owner. Names can have blanks in them.
func (p *parser) netstatOwner(w words) {
	i := len(p.sockets) - 1
	s, d := &p.sockets[i], &p.source.Details[i]
	first := w.peek()
	if pid, _, _ := strings.Cut(first, "/"); first != "" && first != "-" && (pid == first || !digits(pid)) {
		user := w.next()
		inode, ok := number(w.next(), math.MaxUint32)
		if !ok {
			return
		}
		s.Inode, d.InodeKnown = uint32(inode), true
		p.section.shown.inodes = true
		if uid, ok := number(user, math.MaxUint32); ok || user == "root" {
			s.UID, d.UIDKnown = uint32(uid), true
			p.section.shown.users = true
		}
	}
	text := strings.TrimSpace(w.rest)
	pid, name, found := strings.Cut(text, "/")
	p.section.shown.owners = p.section.shown.owners || text != ""
	if n, ok := number(pid, math.MaxInt32); found && ok && n > 0 {
		p.owners = append(p.owners, owner{socket: i, pid: int(n), fd: -1, name: p.keep(name)})
	}
}
