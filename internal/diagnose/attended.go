package diagnose

import (
	"cmp"
	"slices"
	"time"

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

// owes reports whether nothing was sent since the last data came.
func owes(s *tcp.Socket) bool {
	out, counted := s.Info.Uint(tcp.DataSegsOut)
	sent, known := s.Info.Duration(tcp.LastDataSent)
	received, ok := s.Info.Duration(tcp.LastDataRecv)
	return counted && out == 0 || known && ok && sent > received
}
