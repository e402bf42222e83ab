package procfs

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// left returns at most how long a system call still waits: its whole time limit, or the time to the moment at which it ends. 0 when it has no limit, or when that cannot be read.
func (r *threadReader) left(name string, args [6]uint64) time.Duration {
	name, time64 := strings.CutSuffix(name, "_time64")
	width := r.word()
	if time64 || name == "epoll_pwait2" {
		width = 8
	}
	switch name {
	case "nanosleep":
		return r.timespec(args[0], width)
	case "clock_nanosleep":
		return r.until(args[0], args[1]&unix.TIMER_ABSTIME != 0, r.timespec(args[2], width))
	case "poll":
		return milliseconds(args[2])
	case "epoll_wait", "epoll_pwait":
		return milliseconds(args[3])
	case "ppoll", "rt_sigtimedwait":
		return r.timespec(args[2], width)
	case "epoll_pwait2", "semtimedop":
		return r.timespec(args[3], width)
	case "pselect6", "io_getevents", "io_pgetevents":
		return r.timespec(args[4], width)
	case "select", "_newselect":
		return r.timeval(args[4], width)
	case "futex":
		return r.futex(args, width)
	}
	return 0
}

// futex returns how long a futex still waits: FUTEX_WAIT counts from when it began, the others name the moment (include/uapi/linux/futex.h).
func (r *threadReader) futex(args [6]uint64, width int) time.Duration {
	const operation, waits, lockPI, waitsBitset, lockPI2, realtime = 0x7f, 0, 6, 9, 13, 0x100
	limit := r.timespec(args[3], width)
	clock := uint64(unix.CLOCK_MONOTONIC)
	switch op := args[1] & operation; {
	case op == waits:
		return limit
	case op == lockPI || args[1]&realtime != 0:
		clock = unix.CLOCK_REALTIME
	case op != waitsBitset && op != lockPI2:
		return 0
	}
	return r.until(clock, true, limit)
}

// until returns the time to a moment of a clock; what is no moment but a length of time stays as it is.
func (r *threadReader) until(clock uint64, moment bool, at time.Duration) time.Duration {
	if !moment || at == 0 {
		return at
	}
	var now unix.Timespec
	if unix.ClockGettime(int32(clock), &now) != nil {
		return 0
	}
	return max(1, at-time.Duration(now.Nano()))
}

// milliseconds is an argument of type int, negative for no limit.
func milliseconds(arg uint64) time.Duration {
	return max(0, time.Duration(int32(uint32(arg)))*time.Millisecond)
}

// timespec reads a struct timespec whose members have so many bytes, 0 when it cannot be read or is no length of time.
func (r *threadReader) timespec(at uint64, width int) time.Duration {
	return r.seconds(at, width, time.Nanosecond)
}

// timeval is timespec for a struct timeval, which counts in microseconds.
func (r *threadReader) timeval(at uint64, width int) time.Duration {
	return r.seconds(at, width, time.Microsecond)
}

func (r *threadReader) seconds(at uint64, width int, unit time.Duration) time.Duration {
	b := r.memory(at, 2*width)
	if b == nil {
		return 0
	}
	seconds, parts := leastWord(b[:width]), leastWord(b[width:])
	if seconds >= 1<<33 || parts >= uint64(time.Second/unit) {
		return 0
	}
	return time.Duration(seconds)*time.Second + time.Duration(parts)*unit
}
