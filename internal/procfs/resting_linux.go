package procfs

import (
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// runClocks relates the clocks of run queues to the time. Each queue's has a zero of its own and stands still while interrupts or a hypervisor have the processor (update_rq_clock_task
// in kernel/sched/core.c), so a time since then comes out too short, if anything.
type runClocks struct {
	at     time.Duration         // from when on times count back, by the monotonic clock; 0 when that could not be read
	behind map[int]time.Duration // by processor: how far its clock is behind the monotonic one
	spent  time.Duration
}

// patientClocks is how long all clocks together may take to be read: a thread must run on each processor for that, and other programs may have it.
const patientClocks = 20 * time.Millisecond

// since returns for how long a task had not run then that last ran on a processor, from its /proc/PID/task/TID/sched; 0 when that cannot be said.
func (c *runClocks) since(processor int, sched []byte) time.Duration {
	last, ok := ParseSched(sched)
	if !ok || last == 0 || processor < 0 {
		return 0
	}
	behind, known := c.behind[processor]
	if !known {
		if c.spent > patientClocks {
			return 0
		}
		if c.behind == nil {
			c.behind = map[int]time.Duration{}
		}
		begin := time.Now()
		if list, err := readFile("/sys/devices/system/cpu/isolated", maxStat); err != nil || !inList(string(list), processor) {
			behind = readRunClock(processor, patientClocks-c.spent)
		}
		c.behind[processor], c.spent = behind, c.spent+time.Since(begin)
	}
	if behind == 0 || c.at == 0 {
		return 0
	}
	return max(0, c.at-behind-last)
}

// inList reports whether a number is in a list of the kernel's ("2-5,8"). A processor in that of the isolated ones (isolcpus=) may be left to a task that never yields: whoever is sent there
// would neither run nor end.
func inList(list string, n int) bool {
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, span := strings.Cut(part, "-")
		if !span {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 == nil && err2 == nil && from <= n && n <= to {
			return true
		}
	}
	return false
}

// readRunClock returns how far the clock of a processor's run queue is behind the monotonic one, 0 when that cannot be said: this program may not run there, it does not get to run there
// in time, or the kernel does not tell. A thread of its own goes there and looks when it came: what was changed of it ends with it.
func readRunClock(processor int, patience time.Duration) time.Duration {
	found := make(chan time.Duration, 1)
	go func() {
		behind := time.Duration(0)
		defer func() { found <- behind }()
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		var only unix.CPUSet
		only.Set(processor)
		if unix.SchedSetaffinity(0, &only) != nil {
			return
		}
		now, err := monotonic(unix.CLOCK_MONOTONIC)
		if err != nil {
			return
		}
		if b, err := readFile("/proc/thread-self/sched", maxStat); err == nil {
			if came, ok := ParseSched(b); ok {
				behind = now - came
			}
		}
	}()
	select {
	case behind := <-found:
		return behind
	case <-time.After(patience):
		return 0
	}
}
