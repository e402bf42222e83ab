package diagnose

import (
	"cmp"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// monitors tells what the threads of a JVM wait for that wake at intervals. That they wake does not show that they get on: up to JDK 23 one of those that wait for a monitor looks after it at least once a second
// (ObjectMonitor::EnterI). Those that certainly do so count as what waits in any lock; of the others, some of them timers, only the number is kept.
func (sc *scene) monitors(d *doing, waking []worker) {
	if len(waking) == 0 || !slices.ContainsFunc(d.process.Activity.Threads, func(t look.Thread) bool { return t.Runtime }) {
		return
	}
	own := sc.begunFor(d, waking)
	for _, w := range waking {
		if !own[w.thread.TID] && w.alwaysWoke() {
			d.unclear++
			continue
		}
		w.ran, w.held = false, true
		d.off = append(d.off, w)
	}
	slices.SortFunc(d.off, func(a, b worker) int { return cmp.Compare(a.thread.TID, b.thread.TID) })
}

// alwaysWoke reports whether a thread may have woken at its present pace all its life, as timers do. Who was given a processor less than half as often began to later.
func (w worker) alwaysWoke() bool {
	t := w.thread
	pace := t.Again.At - t.First.At - t.First.Call.Left + t.Again.Call.Left // of two waits of equal length, one after the other; of more it is less
	return t.First.At == 0 || pace <= 0 || t.Running == 0 || 2*time.Duration(t.Again.Slices)*pace >= t.Running
}

// begunFor returns those of some threads, by their ids, that were started when a connection came that was read, and whose client has left without an answer: a pool starts another for each until it is full. Where there are
// more such threads than connections some of them have begun for other reasons, and nobody knows which.
func (sc *scene) begunFor(d *doing, threads []worker) map[int]bool {
	own := map[int]bool{}
	connections := 0
	for _, at := range sc.inState(d.process, tcp.CloseWait) {
		if s := sc.at(at); untouched(s) || !owes(s) {
			continue
		}
		youngest, oldest := sc.startedFor(at)
		found := false
		for _, w := range threads {
			if age := w.thread.Running; age < d.process.Activity.Running-within && youngest <= age && age <= oldest {
				own[w.thread.TID], found = true, true
			}
		}
		if found {
			connections++
		}
	}
	if len(own) > connections {
		return nil
	}
	return own
}
