package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// doing is what a process does, as far as the look shows it.
type doing struct {
	process *look.Process
	// known is true when the system call of every thread could be read: only then does it mean anything that none is seen waiting.
	known bool
	// halted says why no thread can run: "stopped", "frozen" or "uninterruptible"; "" when one may.
	halted string
	// off are the threads that wait neither for events nor for connections, in neither look.
	off []worker
	// strong are those of them that certainly cannot take work.
	strong []worker
	// working may be at work for somebody: not those waiting for another, which idle members of a pool do as well, and not a main thread that waits for no connection while others
	// work. The only thread of a process is no member of a pool.
	working []worker
	// locked, but for the main one, wait for another thread or process.
	locked []worker
	// unclear counts the threads of a JVM that may wait for a monitor or for time, see monitors.
	unclear int
	// woken counts the threads that slept, woke and sleep again: timers, or handlers of which each works for one client after the other.
	woken int
	// dozing is the main thread if it sleeps for a while, wakes, and sleeps again.
	dozing []worker
	// waits are the moments at which a thread waited for descriptors.
	waits []*look.Moment
	// watching are the epoll entries in the order of their descriptors, and polled the instances that a thread waits for, once one was asked for.
	watching []watched
	polled   map[*look.PollSet]bool
	// manifold is which epoll instances are a loop's, once that was asked.
	manifold map[*look.PollSet]bool
	// behind is whether sockets wait for its only thread to come back to their set, or for one of its loops, once that was asked.
	behind *bool
	// slow is whether the threads that keep it from its connections have begun what they do a moment ago, once that was asked.
	slow answer
	// replied is how long ago it has last answered somebody, once that was asked, and paced whether it is slow.
	replied *time.Duration
	paced   answer
	// loop are the threads of strong that can be its loop, once they were asked for.
	loop []worker
	// outstanding are the ages of what it was asked and has not answered, once they were asked for.
	outstanding []time.Duration
	// called are the threads of locked that have waited since a request was read that is unanswered, once they were asked for.
	called *[]worker
	// outnumbered is whether more connections were read than its threads can be at work for, and overrun whether more are in hand than threads at work, once that was asked.
	outnumbered, overrun answer
	// away is whether its only thread is, and handed whether its threads at work are at requests, once that was asked.
	away, handed answer
	// only is the inode of the one connection that it has accepted, 0 for several or none, once that was asked.
	only *uint32
	// inRing is whether a thread waits for a ring, once that was asked.
	inRing answer
	// left is for its listeners, by inode, whether the loop that should look at them is elsewhere, once that was asked.
	left map[uint32]bool
	// unixLegs are connections of which it waits for the answer within the host, once that was asked.
	unixLegs map[*tcp.Socket]*unixLeg
	// outputs are the inodes of the outputs of its children, by pid, and scripts the children that work for its connections, once they were asked for.
	outputs map[uint32]int
	scripts map[*tcp.Socket]int
	// owner is the number of its owner, and load what waits for it, once they were asked for.
	owner int
	load  load
	// weight is how many stuck sockets make an inquiry interested in it, and flagged of how many of its descriptors that wants the flags.
	weight, flagged int
}

// worker is a thread that is at something else than waiting for work.
type worker struct {
	thread *look.Thread
	what   string // as a culprit's
	call   *look.Call
	// strong is true when it certainly cannot take work: it runs, or waits for another socket. A thread that sleeps or waits for another thread may
	// simply have nothing to do.
	strong bool
	// parked is true when it waits for another thread or process, as idle members of pools do as well.
	parked bool
	// wakes is true when it was in the same lock at both looks, and awake in between: it waits there for parts of a second at a time.
	wakes bool
	// held is true when it has been in a lock since a connection came, and not for want of work.
	held bool
	// ran is true when it got on between the two looks: it is at work, and not stuck. lately is true when it has been at the same thing for a moment only, and nothing of more is known.
	ran, lately bool
	// began is how long ago it began with what it does, 0 when not known.
	began time.Duration
}

// doing returns what a process does; without an answer of the look it is only known whether the main thread is stopped.
func (sc *scene) doing(pid int) *doing {
	lately := &sc.asked[uint(pid)%uint(len(sc.asked))]
	if d := *lately; d != nil && d.process.PID == pid {
		return d // as a rule few processes hold many sockets
	}
	d := sc.doings[pid]
	if d == nil {
		d = sc.newDoing(pid)
	}
	*lately = d
	return d
}

func (sc *scene) newDoing(pid int) *doing {
	d := &doing{process: sc.now.Processes[pid]}
	sc.doings[pid] = d
	if d.process == nil {
		d.process = &look.Process{PID: pid}
		return d
	}
	a := d.process.Activity
	if a == nil || len(a.Threads) == 0 {
		if stopped(d.process.State) {
			d.halted = "stopped"
		}
		return d
	}
	d.known = a.CallsKnown && len(a.Threads) >= a.ThreadCount
	d.halted = halt(a)
	var waking []worker
	for i := range a.Threads {
		w, ok := sc.worker(d, &a.Threads[i])
		switch {
		case a.Threads[i].Runtime && !w.strong: // it waits for work of the virtual machine
		case ok:
			w.began = sc.began(w)
			w.lately = w.began > 0 && w.began+sc.watched() < fresh && sc.watched() < watchful
			d.off = append(d.off, w)
		case w.wakes && w.thread.TID != pid:
			waking = append(waking, w)
		case w.what == sleeping && w.thread.TID == pid:
			d.dozing = append(d.dozing, w)
		case w.what == sleeping:
			d.woken++
		}
	}
	sc.monitors(d, waking)
	d.takeTurns()
	served := sc.served(d)
	d.leaveOut(served)
	d.sort(func(w worker) bool { return sc.handles(d, w, served) })
	return d
}

// served returns for how long the oldest connection that a process serves has existed, 0 when it serves none or nobody needs to know.
func (sc *scene) served(d *doing) (oldest time.Duration) {
	if !slices.ContainsFunc(d.off, func(w worker) bool { return w.thread.Resting > 0 }) {
		return 0
	}
	pid := d.process.PID
	oldest, known := sc.oldest[pid]
	if known {
		return oldest
	}
	for _, own := range d.process.Activity.Sockets {
		at, ok := sc.placeOf(own.Inode)
		if !ok {
			continue
		}
		// No cache holds anything of the socket: as a rule no more than this is looked at.
		if began, _ := sc.existed(at); began > oldest && sc.at(at).State != tcp.Listen {
			if _, connected := sc.origin(at.netns, sc.at(at)); !connected {
				oldest = began
			}
		}
	}
	sc.oldest[pid] = oldest
	return oldest
}

// leaveOut leaves out the threads that have not run since before the oldest connection came that is served: they wait for work, as threads of a runtime and idle members of a pool do, and work
// for none of those. Where that is true of all, what keeps the connections waiting may be older than they are.
func (d *doing) leaveOut(served time.Duration) {
	older := func(w worker) bool { return served > 0 && !w.strong && w.restsSince(served) }
	if d.unclear > 0 || slices.ContainsFunc(d.off, func(w worker) bool { return !older(w) }) {
		d.off = slices.DeleteFunc(d.off, older)
	}
}

// restsSince reports whether a thread has certainly not run since something that was so long ago.
func (w worker) restsSince(ago time.Duration) bool { return w.thread.Resting > ago+within }

// sort says of the threads what many sockets will ask. Of a main thread that is aside it must be told whether it handles a connection nonetheless.
func (d *doing) sort(handles func(worker) bool) {
	d.moments(func(m *look.Moment) bool {
		switch m.Call.Kind {
		case look.CallRead, look.CallAccept, look.CallPoll:
			d.waits = append(d.waits, m)
		}
		return false
	})
	for _, w := range d.off {
		if w.strong {
			d.strong = append(d.strong, w)
		}
		main := w.thread.TID == d.process.PID
		idle := w.parked || w.what == sleeping && w.ran || main && w.aside() && !handles(w)
		if w.strong || !idle || !w.ran && d.single() {
			d.working = append(d.working, w)
		}
		if w.parked && !main {
			d.locked = append(d.locked, w)
		}
	}
}

// aside reports whether a thread waits for no connection and no other thread: for time, or for what is no socket.
func (w worker) aside() bool { return w.what == sleeping || w.what == inRead && w.call.Inode == 0 }

// handles reports whether a main thread that is aside may be so on behalf of a connection: it has run since the oldest came that is served, and no other thread waits for anything by which it
// could have accepted those.
func (sc *scene) handles(d *doing, w worker, served time.Duration) bool {
	if w.ran || served == 0 || w.thread.Resting == 0 || w.restsSince(served) {
		return false
	}
	connection := func(w look.Watch) bool {
		own, ok := d.process.Activity.Descriptor(w.FD)
		return ok && sc.socketOf(own.Inode) != nil
	}
	return !slices.ContainsFunc(d.waits, func(m *look.Moment) bool {
		own := m == &w.thread.First || m == &w.thread.Again
		set := m.Call.Kind == look.CallPoll && m.Call.FD >= 0
		return !own && (set || sc.socketOf(m.Call.Inode) != nil || slices.ContainsFunc(m.Call.Watches, connection))
	})
}

func stopped(state byte) bool { return state == 'T' || state == 't' }

// halt says why none of the threads can run, "" when one can. A disk that answers slowly leaves a thread in D for a moment only.
func halt(a *look.Activity) string {
	all := func(is func(*look.Thread) bool) bool {
		return !slices.ContainsFunc(a.Threads, func(t look.Thread) bool { return !is(&t) })
	}
	switch {
	case a.Frozen:
		return "frozen"
	case all(func(t *look.Thread) bool {
		return stopped(t.First.State) && (t.Again.State == 0 || stopped(t.Again.State))
	}):
		return "stopped"
	case all(func(t *look.Thread) bool { return t.First.State == 'D' && t.Again.State == 'D' }):
		return "uninterruptible"
	}
	return ""
}

// worker says what a thread does that is off in both looks.
func (sc *scene) worker(d *doing, t *look.Thread) (worker, bool) {
	a := d.process.Activity
	first, ok := sc.deed(d, &t.First)
	if !ok {
		return worker{}, false
	}
	if t.Again.State == 0 {
		first.ran = first.brief()
		return first.of(t), first.what != busy && first.what != uninterruptible // for these a moment proves nothing
	}
	again, ok := sc.deed(d, &t.Again)
	if !ok {
		return worker{}, false
	}
	switch ran := t.First.Slices != t.Again.Slices || again.brief(); {
	case t.First.Slices != t.Again.Slices && seldom(t):
		w := again // one of the two is the moment in which it woke
		if w.what == busy {
			w = first
		}
		member := w.strong || a.ThreadCount == 1
		w.strong, w.ran = false, true
		return w.of(t), w.what != busy && member
	case first.what != again.what || !first.call.Same(again.call):
		again.ran = first.what != busy && again.what != busy
		again.what, again.strong = busy, true // it does one thing after the other
	case ran && !first.strong && a.ThreadCount > 1:
		again.wakes = first.what == inLock && first.brief() && again.brief()
		return again.of(t), false // it wakes at intervals, as timers and collectors of garbage do
	case ran && first.what != busy && first.what != uninterruptible:
		again.strong, again.ran = false, !sc.inVain(again) // it gets on, however slowly
	}
	return again.of(t), true
}

// inVain reports whether a thread waits for a connection on which nothing has passed for long, however often it looks: some clients wait for parts of a second at a time, to be interruptible.
func (sc *scene) inVain(w worker) bool {
	s := sc.socketOf(w.call.Inode)
	if s == nil {
		return false
	}
	since, known := stalled(s)
	return known && since >= fresh
}

// takeTurns adds the threads that share one processor, as those do that need the lock of an interpreter to run (CPython, Ruby): each is in that lock most of the time, and together they are busy all the time.
func (d *doing) takeTurns() {
	if slices.ContainsFunc(d.off, func(w worker) bool { return w.what == busy }) {
		return
	}
	turn := func(m *look.Moment) bool { return m.State == 'R' || m.Call.Kind == look.CallLock }
	var list []worker
	used, over := time.Duration(0), time.Duration(0)
	for i := range d.process.Activity.Threads {
		t := &d.process.Activity.Threads[i]
		ran := t.Again.Runnable - t.First.Runnable
		if t.First.At == 0 || t.Again.At == 0 || !turn(&t.First) || !turn(&t.Again) {
			continue
		}
		if over = max(over, t.Again.At-t.First.At); 20*ran > over {
			used += ran
			list = append(list, worker{thread: t, what: busy, strong: true, call: &t.Again.Call})
		}
	}
	if len(list) > 1 && 10*used >= 9*over {
		d.off = append(d.off, list...)
	}
}

// seldom reports whether a thread is known to have neither run nor waited for a processor for most of the time between the two looks, whatever it was seen at. On a busy host one that wakes
// at intervals waits for a processor often enough to be seen so twice.
func seldom(t *look.Thread) bool {
	over := t.Again.At - t.First.At
	return t.First.At > 0 && over > 0 && 3*(t.Again.Runnable-t.First.Runnable) < over && (t.First.State == 'R' || t.Again.State == 'R')
}

// brief reports whether a sleep is about to end: two looks may fall into one that is no longer than the pause between them.
func (w worker) brief() bool {
	return (w.what == sleeping || w.parked) && w.call.Left > 0 && w.call.Left < time.Second
}

func (w worker) of(t *look.Thread) worker {
	w.thread = t
	return w
}

const (
	busy            = "busy_cpu"
	uninterruptible = "uninterruptible"
	inRead          = "blocked_in_read"
	inWrite         = "blocked_in_write"
	inConnect       = "blocked_in_connect"
	inLock          = "blocked_in_lock"
	sleeping        = "sleeping"
)

// deed says what a thread does at one moment; ok is false when it waits for work, or when that cannot be told.
func (sc *scene) deed(d *doing, m *look.Moment) (w worker, ok bool) {
	a := d.process.Activity
	w.call = &m.Call
	switch {
	case m.State == 'R':
		w.what, w.strong = busy, true
		return w, true
	case m.State == 'D':
		w.what, w.strong = uninterruptible, true
		return w, true
	}
	socket := m.Call.Inode != 0 && sc.still(m.Call.Inode)
	switch m.Call.Kind {
	case look.CallRead:
		given := sc.given(d, &m.Call)
		w.what, w.strong, w.parked = inRead, socket && !given, m.Call.OwnPipe || given
	case look.CallWrite:
		w.what, w.strong = inWrite, sc.still(m.Call.Inode)
	case look.CallConnect:
		w.what, w.strong = inConnect, true
	case look.CallFault, look.CallFile:
		w.what, w.strong = inRead, m.State == 'S'
		return w, w.strong
	case look.CallLinger:
		w.what, w.strong = inWrite, true
		if s := sc.leaving(d); s != nil {
			c := m.Call
			c.Inode = s.Inode
			w.call = &c
		}
	case look.CallLock:
		w.what, w.parked = inLock, true
	case look.CallSleep, look.CallChild:
		w.what = sleeping
	case look.CallPoll:
		if sc.astray(a, &m.Call) {
			if call := sc.asksWithin(d, d.set(m.Call.FD), &m.Call); call != nil {
				return worker{what: inRead, call: call}, true
			}
			w.what = sleeping
			return w, true
		}
		return sc.polling(d, &m.Call)
	}
	return w, w.what != ""
}

// given reports whether a thread reads what it is to do from a unix socket that others have connected, and of which no child has the other end.
func (sc *scene) given(d *doing, c *look.Call) bool {
	u := sc.unix(c.Inode)
	return c.Kind == look.CallRead && u != nil && !u.Connected && len(sc.awaitedChildren(d, c)) == 0
}

// polling tells a thread that waits for one connection from one that waits for work: with a time limit a blocking read is a poll of a single descriptor and a read that
// does not block. What waits for a listener or for many connections is a loop; what waits for no connection at all waits for another process or thread: the output of a child, a
// name server, an eventfd. A unix socket on which this end has connected is a connection: a database or an application behind it is asked something.
func (sc *scene) polling(d *doing, c *look.Call) (w worker, ok bool) {
	a := d.process.Activity
	if set := d.set(c.FD); set != nil {
		if w, ok = sc.ownLoop(d, set, c); ok {
			return w, true
		}
		return sc.pollingSet(d, set, c)
	}
	var socket *tcp.Socket
	for i := range c.Watches {
		if d.set(c.Watches[i].FD) != nil {
			return worker{}, false
		}
		own, _ := a.Descriptor(c.Watches[i].FD)
		s := sc.socketOf(own.Inode)
		switch {
		case s == nil:
		case s.State == tcp.Listen || socket != nil:
			return worker{}, false
		default:
			socket = s
			w.call = &look.Call{Kind: look.CallRead, Name: c.Name, FD: int(own.FD), Inode: own.Inode}
			w.what, w.strong = inRead, sc.still(own.Inode)
			switch {
			case s.State == tcp.SynSent:
				w.what, w.call.Kind = inConnect, look.CallConnect
			case c.Watches[i].Events&look.PollIn == 0:
				w.what, w.call.Kind = inWrite, look.CallWrite
			}
		}
	}
	if socket == nil && len(c.Watches) > 0 {
		first := c.Watches[0]
		own, _ := a.Descriptor(first.FD)
		u := sc.unix(own.Inode)
		asks := len(c.Watches) == 1 && u != nil && u.Connected
		parked := !asks && len(sc.awaitedChildren(d, c)) == 0
		w = worker{what: inRead, strong: asks, parked: parked, call: &look.Call{Kind: look.CallRead, Name: c.Name, FD: first.FD, Inode: own.Inode, Watches: c.Watches, Left: c.Left}}
		if first.Events&look.PollIn == 0 {
			w.what, w.call.Kind = inWrite, look.CallWrite
		}
	}
	return w, w.what != ""
}

// ownLoop tells a thread that waits for an answer in an event loop of its own, as a handler does that calls an asynchronous client and waits for that: what its epoll instance has of TCP are connections
// that were made here, and nothing has come on one since something was asked there, or it is not made yet. Through what else is in the instance the thread may be given other work, so that no more is claimed than of one in a lock.
func (sc *scene) ownLoop(d *doing, set *look.PollSet, c *look.Call) (w worker, ok bool) {
	const few = 16 // of what a handler watches; a loop may watch any number
	if len(set.Watches) > few {
		return w, false
	}
	for i := range set.Watches {
		watch := &set.Watches[i]
		own, _ := d.process.Activity.Descriptor(watch.FD)
		p, of := sc.placeOf(own.Inode)
		switch {
		case d.set(watch.FD) != nil:
			return worker{}, false
		case !of || watch.Inode != 0 && uint32(watch.Inode) != own.Inode:
			continue
		}
		s := sc.at(p)
		_, connected := sc.origin(p.netns, s)
		switch connecting := s.State == tcp.SynSent; {
		case !connected && !connecting:
			return worker{}, false
		case !connecting && (s.State != tcp.Established || s.RecvQueue > 0 || !asks(s)):
			continue
		case connecting:
			w = worker{what: inConnect, parked: true, call: &look.Call{Kind: look.CallConnect, Name: c.Name, FD: int(own.FD), Inode: own.Inode, Left: c.Left}}
		default:
			w = worker{what: inRead, parked: true, call: &look.Call{Kind: look.CallRead, Name: c.Name, FD: int(own.FD), Inode: own.Inode, Left: c.Left}}
		}
	}
	return w, w.what != ""
}

// pollingSet is polling of an epoll instance: who waits in one without any socket of TCP for the output of children waits for those, and who waits in one with nothing but a connection to a unix socket for an answer there. That
// may be how other work comes as well, so that no more is claimed than of a thread in a lock.
func (sc *scene) pollingSet(d *doing, set *look.PollSet, c *look.Call) (w worker, ok bool) {
	for _, watch := range set.Watches {
		if own, ok := d.process.Activity.Descriptor(watch.FD); ok && sc.socketOf(own.Inode) != nil {
			return worker{}, false
		}
	}
	for _, watch := range set.Watches {
		if watch.Events&look.PollIn != 0 && sc.childBehind(d, uint32(watch.Inode)) != 0 {
			return worker{what: inRead, call: &look.Call{Kind: look.CallRead, Name: c.Name, FD: watch.FD, Pipe: uint32(watch.Inode), Left: c.Left}}, true
		}
	}
	if call := sc.asksWithin(d, set, c); call != nil {
		return worker{what: inRead, parked: true, call: call}, true
	}
	return worker{}, false
}

// asksWithin returns the wait for an answer behind a unix socket, where that is all that is waited for in an epoll instance, nil elsewhere.
func (sc *scene) asksWithin(d *doing, set *look.PollSet, c *look.Call) *look.Call {
	own := onlyStranger(d, set)
	if u := sc.unix(own.Inode); u == nil || !u.Connected {
		return nil
	}
	return &look.Call{Kind: look.CallRead, Name: c.Name, FD: int(own.FD), Inode: own.Inode, Left: c.Left}
}

// onlyStranger returns the one descriptor that is waited for in an epoll instance, where it is a socket; the zero value for none.
func onlyStranger(d *doing, set *look.PollSet) (only look.Descriptor) {
	for i := range set.Watches {
		if set.Watches[i].Events&look.PollIn == 0 {
			continue
		}
		own, ok := d.process.Activity.Descriptor(set.Watches[i].FD)
		if !ok || only.Inode != 0 {
			return look.Descriptor{}
		}
		only = own
	}
	return only
}

// still reports whether no data has passed a socket for a while, or that is not known: who waits for one that had some a moment ago gets on.
func (sc *scene) still(inode uint32) bool {
	const moment = time.Second
	s := sc.socketOf(inode)
	if s == nil {
		return true
	}
	since, ok := stalled(s)
	return !ok || since >= moment
}

// astray reports whether a thread waits for an epoll instance without a socket of TCP in it, while none waits for another instance that has several: the loop waits for something else,
// as for the end of a child.
func (sc *scene) astray(a *look.Activity, c *look.Call) bool {
	sockets := func(set *look.PollSet) (n int) {
		for i := range set.Watches {
			if own, ok := a.Descriptor(set.Watches[i].FD); ok && sc.socketOf(own.Inode) != nil {
				n++
			}
		}
		return n
	}
	waited := func(fd int) bool {
		return slices.ContainsFunc(a.Threads, func(t look.Thread) bool {
			return t.First.Call.Kind == look.CallPoll && t.First.Call.FD == fd || t.Again.Call.Kind == look.CallPoll && t.Again.Call.FD == fd
		})
	}
	at := slices.IndexFunc(a.Epolls, func(set look.PollSet) bool { return set.FD == c.FD })
	if at < 0 || sockets(&a.Epolls[at]) > 0 {
		return false
	}
	nested := slices.ContainsFunc(a.Epolls[at].Watches, func(w look.Watch) bool {
		return slices.ContainsFunc(a.Epolls, func(set look.PollSet) bool { return set.FD == w.FD })
	})
	return !nested && slices.ContainsFunc(a.Epolls, func(set look.PollSet) bool { return sockets(&set) > 1 && !waited(set.FD) })
}

// still returns those of a list that did not get on between the two looks.
func still(list []worker) []worker { return without(list, func(w worker) bool { return w.ran }) }

// stuck leaves out those besides that have begun what they do a moment ago.
func stuck(list []worker) []worker {
	return without(list, func(w worker) bool { return w.ran || w.lately })
}

func without(list []worker, is func(worker) bool) []worker {
	if !slices.ContainsFunc(list, is) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), is)
}

// single reports whether the process has one thread.
func (d *doing) single() bool {
	return d.process.Activity != nil && d.process.Activity.ThreadCount == 1
}

// moments reports whether either moment of any thread is as asked.
func (d *doing) moments(is func(*look.Moment) bool) bool {
	if d.process.Activity == nil {
		return false
	}
	for i := range d.process.Activity.Threads {
		t := &d.process.Activity.Threads[i]
		if is(&t.First) || t.Again.State != 0 && is(&t.Again) {
			return true
		}
	}
	return false
}

// culprits names the threads.
func (sc *scene) culprits(d *doing, list []worker) []report.Culprit {
	culprits := make([]report.Culprit, 0, len(list))
	for _, w := range list {
		culprits = append(culprits, sc.culprit(d, w))
	}
	return culprits
}

func (sc *scene) culprit(d *doing, w worker) report.Culprit {
	c := report.Culprit{PID: &d.process.PID, TID: &w.thread.TID, What: w.what}
	if w.thread.Comm != "" {
		c.Comm = &w.thread.Comm
	}
	if w.call == nil || w.what == busy {
		return c
	}
	if w.call.Name != "" {
		c.Syscall = &w.call.Name
	}
	if w.call.FD >= 0 {
		c.FD = &w.call.FD
	}
	if s := sc.socketOf(w.call.Inode); s != nil && s.State != tcp.Listen {
		peer := endpoint(s.Peer)
		c.Peer = &peer
		if since, ok := stalled(s); ok {
			c.SinceSeconds = report.SecondsOf(since)
		}
	}
	return c
}

// stalled returns for how long no data has passed a socket in either direction. Until it is connected the kernel's times count from an arbitrary moment.
func stalled(s *tcp.Socket) (time.Duration, bool) {
	if s.State == tcp.SynSent {
		return 0, false
	}
	sent, ok := s.Info.Duration(tcp.LastDataSent)
	received, both := s.Info.Duration(tcp.LastDataRecv)
	return min(sent, received), ok && both
}
