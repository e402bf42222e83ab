package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

const (
	// asked is the number of processes whose activity is asked for in one round, flagged that of descriptors of one process in all rounds.
	asked   = 600
	flagged = 256
	// followed is the number of connections that are followed to their other ends.
	followed = 200
	// patient is the longest time limit of a wait whose end is waited for: it tells a server that is slow from one that is stuck.
	patient = 2 * time.Second
	// sharers is the number of listeners on one address whose holders are asked for.
	sharers = 256
)

// Inquire says what else a diagnosis wants to know of the snapshot: what the holders of stuck sockets are doing, and from there on the programs at the other ends of the
// connections they wait for.
func (d *Diagnosis) Inquire(now *look.Snapshot) look.Wish {
	q := &inquiry{scene: d.on(now, nil), wanted: map[uint32]struct{}{}, unix: map[uint32]struct{}{}, strayed: map[*tcp.Socket]bool{}, entrusted: map[*tcp.Socket]bool{}, staffed: map[*tcp.Socket]bool{}}
	q.stuck(q.suspect)
	for _, d := range now.Dead { // whether anything keeps it from closing them
		q.doing(d.PID).weight++
	}
	for pid, p := range now.Processes {
		if p.Activity != nil && len(p.Activity.Threads) > 0 {
			q.process(pid)
		}
	}
	return q.wish()
}

// inquiry collects a wish.
type inquiry struct {
	*scene
	strayed map[*tcp.Socket]bool // listeners whose holders were asked for because of a stranger
	// entrusted are the listeners of which it was asked whether a runtime keeps them.
	entrusted map[*tcp.Socket]bool
	// staffed are those of which it was asked who serves what was accepted.
	staffed  map[*tcp.Socket]bool
	wanted   map[uint32]struct{}
	unix     map[uint32]struct{}
	children []int
	flags    []look.Holder
	again    []int
	patience time.Duration
	ends     int
	// transit is asked for when nothing more is of who may receive it: only the unix sockets of processes that were looked at are.
	transit, staffing bool
}

func (q *inquiry) suspect(s *subject) {
	switch {
	case s.socket.Unaccepted():
		if s.listener != nil {
			q.blind(s.listener)
			q.holdersOf(s.listener)
			q.ever(s)
		}
		return
	case unheld(s):
		q.transit = !q.now.Transit.Sought
		q.crewOf(s)
	case ignored(s.socket) && s.listener == nil && !waits(s.socket):
		for i := range s.holders() {
			q.doing(s.holder(i).PID).weight++ // what a client has not read tells of it only whether it runs
		}
		return
	case piledUp(s.socket) && !ignored(s.socket) && !waits(s.socket):
		return // as here, where its main thread says that
	case s.socket.State == tcp.FinWait2:
		if _, here := q.other(s.netns, s.socket); !here {
			return // nothing about its holder decides a verdict
		}
	case s.socket.SendQueue > 0 && windowClosed(s.socket):
		q.end(s.netns, s.socket)
		q.reader(s)
	}
	if s.shares() && s.socket.State != tcp.FinWait2 {
		shared := q.sharing(s.netns, s.socket.Local)
		for _, l := range shared[:min(len(shared), sharers)] {
			q.holdersOf(l)
		}
	}
	if s.listener != nil && s.socket.RecvQueue > 1 && untouched(s.socket) {
		q.blind(s.socket)
	}
	if s.several != nil && s.listener != nil && !q.strayed[s.listener] {
		q.strayed[s.listener] = true // who of them has accepted it
		q.holdersOf(s.listener)
	}
	if q.unseen(s) {
		q.crewOf(s)
	}
	for i := range s.holders() {
		h := s.holder(i)
		d := q.doing(h.PID)
		d.weight++
		if q.unserved(s) && d.known && d.halted == "" && len(d.off) > 0 {
			q.patience = max(q.patience, patient)
		}
		if q.mayBeStray(s, h) {
			q.stranger(s, h)
		}
	}
}

// crewOf asks for the children of those who wait for the connections of its listener: it may wait for them to come to it.
func (q *inquiry) crewOf(s *subject) {
	if s.listener == nil || q.staffed[s.listener] {
		return
	}
	q.staffed[s.listener] = true
	q.holdersOf(s.listener)
	_, wanted := q.wanted[s.listener.Inode]
	q.staffing = q.staffing || wanted
	for _, h := range q.now.Holders.Of(s.listener.Inode) {
		d := q.doing(h.PID)
		switch a := d.process.Activity; {
		case a == nil:
			q.staffing = true
		case !d.interest(s.listener.Inode, h.FD).waited:
		case !a.ChildrenSought:
			q.staffing, q.children = true, append(q.children, h.PID)
		default:
			for _, child := range a.Children {
				q.doing(child).weight++
			}
			for _, own := range q.channels(d) {
				_, asked := q.now.Unix[own.Inode]
				q.staffing = q.staffing || !asked
				q.within(own.Inode)
			}
			q.transit = q.transit || !q.now.Transit.Sought && len(q.workers(s.netns, s.listener)) > 0 // which of them was handed it
		}
	}
}

// reader takes more time where who does not read is on this host and runs: it may be slow.
func (q *inquiry) reader(s *subject) {
	p, here := q.other(s.netns, s.socket)
	if since, ok := windowless(s.socket); !here || !ok || since < fresh || !full(q.at(p)) {
		return
	}
	for _, h := range q.now.Holders.Of(q.at(p).Inode) {
		if d := q.doing(h.PID); d.known && d.halted == "" {
			q.patience = max(q.patience, patient)
		}
	}
}

// blind takes all the time there is where nobody may be seen to hold a socket: then only that it moves can tell a slow program from a stuck one.
func (q *inquiry) blind(s *tcp.Socket) {
	if !q.now.Holders.Has(s.Inode) && !q.now.HoldersComplete {
		q.patience = max(q.patience, watchful)
	}
}

// ever takes more time where a runtime keeps the listener in its set for ever: whether a goroutine, a task or the like comes to accept, and when, none of the threads shows, only that the queue moves.
func (q *inquiry) ever(s *subject) {
	l := s.listener
	if l.RecvQueue == 0 || q.entrusted[l] {
		return
	}
	q.entrusted[l] = true
	for _, h := range q.now.Holders.Of(l.Inode) {
		d := q.doing(h.PID)
		if d.known && d.halted == "" && !d.single() && !tableFull(d.process) && d.interest(l.Inode, h.FD).constant && !q.getsOn(s.netns, l) {
			q.patience = max(q.patience, patient)
		}
	}
}

// stranger asks for what tells whether a holder has inherited a socket.
func (q *inquiry) stranger(s *subject, h look.Holder) {
	d := q.doing(h.PID)
	if in := s.interest(d, h); in.waited || in.set != nil || s.holders() > 1 {
		return
	}
	if s.listener != nil && !q.strayed[s.listener] && d.passesExec(h.FD) {
		q.strayed[s.listener] = true
		q.holdersOf(s.listener)
	}
	if d.flagged == flagged {
		return
	}
	if own, ok := d.process.Activity.Descriptor(h.FD); ok {
		d.flagged++
		if !own.FlagsKnown {
			q.flags = append(q.flags, h)
		}
	}
}

// holdersOf asks who holds a socket, and what they do.
func (q *inquiry) holdersOf(s *tcp.Socket) { q.holding(s.Inode) }

func (q *inquiry) holding(inode uint32) {
	holders := q.now.Holders.Of(inode)
	if len(holders) == 0 && inode != 0 && !q.now.Holders.Wants(inode) {
		q.wanted[inode] = struct{}{}
	}
	for _, h := range holders {
		q.doing(h.PID).weight++
	}
}

// end asks who has the other end of a connection, when that is on this host.
func (q *inquiry) end(netns int32, s *tcp.Socket) {
	if q.ends >= followed {
		return
	}
	q.ends++
	p, ok := q.other(netns, s)
	if !ok {
		return
	}
	if other := q.at(p); other.Unaccepted() {
		if l := q.listener(p.netns, other); l != nil {
			q.holdersOf(l)
		}
	} else {
		q.holdersOf(other)
	}
}

// within asks what a socket that is none of TCP is connected to, and who has the other end. One reading of a table and one walk over descriptors tell that of any number.
func (q *inquiry) within(inode uint32) {
	if u, asked := q.now.Unix[inode]; asked {
		q.holding(u.End())
	} else if inode != 0 {
		q.unix[inode] = struct{}{}
	}
}

// process asks for what the activity of a process leads to.
func (q *inquiry) process(pid int) {
	d := q.doing(pid)
	if d.halted == uninterruptible || len(d.off) > 0 || q.hasUninterruptible(d) || q.moving(d) {
		q.again = append(q.again, pid)
	}
	q.patience = max(q.patience, q.limit(d))
	for _, w := range d.off {
		if p, ok := q.placeOf(w.call.Inode); ok {
			q.end(p.netns, q.at(p))
		} else {
			q.within(w.call.Inode)
		}
	}
	d.moments(func(m *look.Moment) bool {
		if set := d.set(m.Call.FD); m.Call.Kind == look.CallPoll && set != nil {
			if own := onlyStranger(d, set); q.socketOf(own.Inode) == nil {
				q.within(own.Inode)
			}
		}
		return false
	})
	for _, own := range q.mayBeLegs(d) {
		q.within(own.Inode)
	}
	if a := d.process.Activity; !a.ChildrenSought && q.mayAwaitChildren(d) {
		q.children = append(q.children, pid)
	}
	for _, l := range q.pairing(pid).legs {
		q.end(l.netns, q.at(l.place))
	}
	if q.requesting(pid) > 0 {
		for _, at := range q.questions(pid) {
			q.end(at.netns, q.at(at))
		}
	}
}

// limit returns how long the threads still wait that may be about to get on, where that decides something: what the only thread does, and what the others do while
// connections wait inside the program.
func (q *inquiry) limit(d *doing) (longest time.Duration) {
	const slack = 50 * time.Millisecond
	var begun time.Duration
	for _, w := range d.off {
		limit := patient
		if q.since(w) == 0 { // then nothing else tells a slow one
			limit = watchful
		}
		if left := w.call.Left; !w.strong && left > 0 && left <= limit {
			longest = max(longest, left+slack)
		}
		if w.lately { // as long as it may take, and what it works off becomes less by then
			begun = max(begun, min(fresh-w.began, watchful)+slack)
		} else if w.began > 0 && w.began < slowest && !q.replies(d) { // it may be one of several that come to an end at the same time
			begun = watchful
		}
	}
	running := q.moving(d)
	if longest == 0 && begun == 0 && !running {
		return 0 // what waits for such a process need not be counted
	}
	if waiting := q.waitedFor(d); waiting && running && !tableFull(d.process) {
		return patient // since when a thread is busy does not show, only that what it works off becomes less
	} else if waiting || d.single() && q.loadOf(d).inHand > 0 {
		return max(longest, begun)
	}
	if !d.single() && q.loadOf(d).untouched == 0 {
		return 0
	}
	return longest
}

// waitedFor reports whether connections wait for a process of which it has not read anything.
func (q *inquiry) waitedFor(d *doing) bool {
	if q.loadOf(d).untouched > 0 {
		return true
	}
	for _, at := range q.inState(d.process, tcp.Listen) {
		if q.at(at).RecvQueue > 0 {
			return true
		}
	}
	return false
}

// moving reports whether a thread was running, which a second look must confirm.
func (q *inquiry) moving(d *doing) bool {
	return d.moments(func(m *look.Moment) bool { return m.State == 'R' })
}

func (q *inquiry) hasUninterruptible(d *doing) bool {
	return d.moments(func(m *look.Moment) bool { return m.State == 'D' })
}

func (q *inquiry) wish() look.Wish {
	w := look.Wish{Flags: q.flags, Again: q.again, Patience: q.patience, Transit: q.transit && !q.staffing}
	w.Holders = slices.Sorted(maps.Keys(q.wanted))
	w.Unix = slices.Sorted(maps.Keys(q.unix))
	w.Children = slices.Compact(slices.Sorted(slices.Values(q.children)))
	for pid, d := range q.doings {
		if p := q.now.Processes[pid]; d.weight > 0 && p != nil && p.Activity == nil {
			w.Activity = append(w.Activity, pid)
		}
	}
	slices.SortFunc(w.Activity, func(a, b int) int { return cmp.Or(q.doing(b).weight-q.doing(a).weight, a-b) })
	w.Activity = w.Activity[:min(len(w.Activity), asked)]
	slices.Sort(w.Again)
	return w
}
