package main

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// noise measures how late the machine serves timers, on each processor. It uses the kernel's timer wheel, as TCP does (SO_RCVTIMEO, schedule_timeout), so that it
// sees both a late kernel and a late wake-up.
type noise struct {
	mu    sync.Mutex
	all   []time.Duration
	peaks []peak // the late ones, in the order of time
}

type peak struct {
	from, to time.Time // when it should have woken at the latest, and when it did
}

const (
	// heartbeat is a jiffy or more; what the wheel makes of it takes three of them at most.
	heartbeat = 4 * time.Millisecond
	nominal   = 3 * heartbeat
	// punctual is a lateness not worth keeping the moment of.
	punctual = time.Millisecond
)

func (n *noise) listen(until time.Time) {
	for cpu := range runtime.NumCPU() {
		go n.beat(cpu, until)
	}
}

func (n *noise) beat(cpu int, until time.Time) {
	runtime.LockOSThread() // the thread ends with the goroutine, and its affinity with it
	var set unix.CPUSet
	set.Set(cpu)
	_ = unix.SchedSetaffinity(0, &set)
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	timeout := unix.NsecToTimeval(int64(heartbeat))
	_ = unix.SetsockoptTimeval(ends[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	for now := time.Now(); now.Before(until); {
		due := now.Add(nominal)
		_, _ = unix.Read(ends[0], make([]byte, 1)) // nobody writes
		now = time.Now()
		n.note(due, now)
	}
}

func (n *noise) note(due, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	late := max(now.Sub(due), 0)
	n.all = append(n.all, late)
	if late > punctual {
		n.peaks = append(n.peaks, peak{due, now})
	}
}

// worst is how late the machine was at most between two moments.
func (n *noise) worst(from, to time.Time) time.Duration {
	// Peaks are in the order of their ends; none is longer than a few seconds.
	i, _ := slices.BinarySearchFunc(n.peaks, from, func(p peak, t time.Time) int { return p.to.Compare(t) })
	most := time.Duration(0)
	for _, p := range n.peaks[i:] {
		if p.from.Before(to) {
			most = max(most, p.to.Sub(p.from))
		}
		if p.to.After(to.Add(5 * time.Second)) {
			break
		}
	}
	return most
}

// quantile returns what share q of the wakes were no later than.
func (n *noise) quantile(q float64) time.Duration {
	if len(n.all) == 0 {
		return 0
	}
	slices.Sort(n.all)
	return n.all[min(int(q*float64(len(n.all))), len(n.all)-1)]
}
