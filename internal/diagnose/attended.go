package diagnose

import (
	"cmp"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// belated is how much later than a connection the thread for it may start: on a busy host the program comes late to accept it.
const belated = time.Second

// attended finds the threads that were started for connections: many a server starts one for each. They began when the connection did, have not answered what came last, and wait for something
// else, whatever that is: even for a lock, in which idle members of a pool wait as well. A thread as old as its process is not taken for one: it may be of a pool, whoever came at the same moment. Of the connections only those that mayOwn tells of are given.
func (sc *scene) attended(threads []worker, waiting []*subject) map[*tcp.Socket]worker {
	if len(waiting) == 0 {
		return nil
	}
	slices.SortFunc(waiting, func(a, b *subject) int {
		first, _ := sc.existed(a.place)
		second, _ := sc.existed(b.place)
		return cmp.Compare(first, second)
	})
	own := map[*tcp.Socket]worker{}
	next := 0
	for i := range waiting {
		youngest, oldest := sc.startedFor(waiting[i].place)
		for next < len(threads) && threads[next].thread.Running < youngest {
			next++
		}
		if next < len(threads) && threads[next].thread.Running <= oldest {
			own[waiting[i].socket] = threads[next]
			next++
		}
	}
	return own
}

// mayOwn reports whether a connection began when one of the threads did, and waits for its answer.
func (sc *scene) mayOwn(threads []worker, s *subject) bool {
	if len(threads) == 0 || !owes(s.socket) {
		return false
	}
	youngest, oldest := sc.startedFor(s.place)
	i, _ := slices.BinarySearchFunc(threads, youngest, func(w worker, d time.Duration) int { return cmp.Compare(w.thread.Running, d) })
	return i < len(threads) && threads[i].thread.Running <= oldest
}

// startedFor is how old a thread is that was started for a connection.
func (sc *scene) startedFor(p place) (youngest, oldest time.Duration) {
	began, doubt := sc.existed(p)
	return began - doubt - belated, began + within
}

// young returns the threads that are not as old as their process and have been at one thing since, the youngest first.
func (d *doing) young() (threads []worker) {
	if !d.known {
		return nil
	}
	for _, w := range d.off {
		if w.thread.Running > 0 && w.thread.Running < d.process.Activity.Running-within && w.thread.TID != d.process.PID && !w.ran {
			threads = append(threads, w)
		}
	}
	slices.SortFunc(threads, func(a, b worker) int { return cmp.Compare(a.thread.Running, b.thread.Running) })
	return threads
}

// resume finds the thread of a pool that works for a connection and waits for another, as idle members do as well: where each client has a thread that reads its next request, one that nobody reads is in the hands of
// the thread that has not run since its last data came, which are unanswered.
func (sc *scene) resume(d *doing, s *subject) {
	l := &d.load
	if l.rested == nil {
		l.rested = sc.rested(d)
	}
	came, known := s.socket.Info.Duration(tcp.LastDataRecv)
	if _, own := l.own[s.socket]; own || len(l.rested) == 0 || !known || !readUnanswered(s.socket) {
		return
	}
	since := func(w worker, ago time.Duration) int { return cmp.Compare(w.thread.Resting, ago) }
	first, _ := slices.BinarySearchFunc(l.rested, came-within, since)
	best := first
	for i := first; i < len(l.rested) && l.rested[i].thread.Resting <= came+within; i++ {
		if (l.rested[i].thread.Resting - came).Abs() < (l.rested[best].thread.Resting - came).Abs() {
			best = i
		}
	}
	if best == len(l.rested) || l.rested[best].thread.Resting > came+within {
		return
	}
	if l.own == nil {
		l.own = map[*tcp.Socket]worker{}
	}
	l.own[s.socket] = l.rested[best]
	l.rested = slices.Delete(l.rested, best, best+1)
}

// rested returns the threads that wait for another and have no connection yet, those that ran last first; none where no thread reads the next request of a client.
func (sc *scene) rested(d *doing) []worker {
	threads := []worker{}
	if !d.known || !slices.ContainsFunc(d.off, func(w worker) bool { return w.strong && sc.readsNext(d, w) }) {
		return threads
	}
	began := map[*look.Thread]bool{}
	for _, w := range d.load.own {
		began[w.thread] = true
	}
	for _, w := range d.locked {
		if w.thread.Resting > 0 && !w.ran && !began[w.thread] {
			threads = append(threads, w)
		}
	}
	slices.SortFunc(threads, func(a, b worker) int { return cmp.Compare(a.thread.Resting, b.thread.Resting) })
	return threads
}

// readsNext reports whether one of several threads waits for what its client will ask.
func (sc *scene) readsNext(d *doing, w worker) bool {
	return !d.single() && w.what == inRead && sc.accepted(w.call.Inode)
}

// owes reports whether nothing was sent since the last data came.
func owes(s *tcp.Socket) bool {
	out, counted := s.Info.Uint(tcp.DataSegsOut)
	sent, known := s.Info.Duration(tcp.LastDataSent)
	received, ok := s.Info.Duration(tcp.LastDataRecv)
	return counted && out == 0 || known && ok && sent > received
}
