package procfs

import (
	"cmp"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readings is how often the count of jiffies is read, in jiffies of their own.
	readings = 2
	// tries is how often that is tried.
	tries = 8
	// apace is what part of a jiffy two readings of the clock may lie apart that stand for one moment.
	apace = 64
)

// ErrBusy is returned by Clock where the process was held up at every try, so that the count cannot be said of a moment.
var ErrBusy = errors.New("the machine is too busy to read its clock at one moment")

// Counter reads the kernel's count of jiffies, and two moments of CLOCK_MONOTONIC between which it was read.
type Counter func() (jiffies uint64, from, until time.Duration, err error)

// Clock returns the kernel's frequency, its count of jiffies at this moment and when that jiffy began, by the clock now. It takes a few jiffies. count is where
// the count comes from, CountJiffies or something quicker. With ErrBusy, and where it may not be counted, only the frequency is known, or 0.
//
// Ticks come at multiples of their period on CLOCK_MONOTONIC (tick_setup_device, since 6.4), so that one base ties the two together; before, the answer can be
// off by a jiffy.
func Clock(now func() time.Time, count Counter) (hz int, jiffies uint64, began time.Time, err error) {
	var base int64
	var tick time.Duration
	for try, read := 0, 0; read < readings; try++ {
		ticked, err := monotonic(unix.CLOCK_MONOTONIC_COARSE)
		if err != nil {
			return 0, 0, time.Time{}, err
		}
		jiffies, from, until, err := count()
		if err != nil {
			return resolution(), 0, time.Time{}, err
		}
		if hz = frequency(jiffies, from); hz == 0 {
			return 0, 0, time.Time{}, opError("count jiffies", "", errNoClock)
		}
		hz = cmp.Or(resolution(), hz)
		if try == tries {
			return hz, 0, time.Time{}, opError("count jiffies", "", ErrBusy)
		}
		tick = time.Second / time.Duration(hz)
		b, sure := baseOf(jiffies, from, until, tick)
		if try == 0 || b > base {
			base = b
		}
		if sure && !behind(ticked, until, tick) {
			read++
		}
		if read < readings {
			time.Sleep(tick - until%tick + tick/4) //nolint:forbidigo // a tick is waited for: nothing tells that it came
		}
	}
	for range tries {
		before := now()
		mono, err := monotonic(unix.CLOCK_MONOTONIC)
		if err != nil {
			return 0, 0, time.Time{}, err
		}
		if gap := now().Sub(before); gap <= tick/apace {
			return hz, uint64(base + int64(mono/tick)), before.Add(gap/2 - mono%tick), nil
		}
	}
	return hz, 0, time.Time{}, opError("clock_gettime", "", ErrBusy)
}

// resolution returns the kernel's frequency as the resolution of the coarse clock tells it, which is a tick (LOW_RES_NSEC); 0 where it is none.
func resolution() int {
	var tick unix.Timespec
	if unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &tick) != nil {
		return 0
	}
	return ticking(time.Duration(tick.Nano()))
}

// monotonic reads one of the clocks that count from boot.
func monotonic(clock int32) (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(clock, &now); err != nil {
		return 0, opError("clock_gettime", "", err)
	}
	return time.Duration(now.Nano()), nil
}

// CountJiffies is a Counter that reads /proc/timer_list, which only root may: fs.ErrPermission otherwise. With thousands of timers that takes longer than a jiffy, and then
// the count cannot be said of a moment.
func (f FS) CountJiffies() (jiffies uint64, from, until time.Duration, err error) {
	path := f.proc + "/timer_list"
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, 0, opError("read", path, err)
	}
	defer file.Close()
	if _, jiffies, from, err = ParseTimerList(file); err == nil {
		until, err = monotonic(unix.CLOCK_MONOTONIC)
	}
	return jiffies, from, until, err
}
