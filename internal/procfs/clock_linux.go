package procfs

import (
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

// Clock returns the kernel's frequency, its count of jiffies at this moment and when that jiffy began, by the clock now. It takes a few jiffies. The count comes
// from /proc/timer_list, which only root may read: fs.ErrPermission otherwise. With ErrBusy only the frequency is known.
//
// Ticks come at multiples of their period on CLOCK_MONOTONIC (tick_setup_device, since 6.4), so that one base ties the two together; before, the answer can be
// off by a jiffy.
func (f FS) Clock(now func() time.Time) (hz int, jiffies uint64, began time.Time, err error) {
	var base int64
	var tick time.Duration
	for try, read := 0, 0; read < readings; try++ {
		var at, after time.Duration
		if hz, jiffies, at, err = f.timerList(); err == nil {
			after, err = monotonic()
		}
		if err != nil {
			return 0, 0, time.Time{}, err
		}
		if try == tries {
			return hz, 0, time.Time{}, opError("read", f.proc+"/timer_list", ErrBusy)
		}
		tick = time.Second / time.Duration(hz)
		b, sure := baseOf(jiffies, at, after, tick)
		if try == 0 || b > base {
			base = b
		}
		if sure {
			read++
		}
		if read < readings {
			time.Sleep(tick - after%tick + tick/4) //nolint:forbidigo // a tick is waited for: nothing tells that it came
		}
	}
	for range tries {
		before := now()
		mono, err := monotonic()
		if err != nil {
			return 0, 0, time.Time{}, err
		}
		if gap := now().Sub(before); gap <= tick/apace {
			return hz, uint64(base + int64(mono/tick)), before.Add(gap/2 - mono%tick), nil
		}
	}
	return hz, 0, time.Time{}, opError("clock_gettime", "", ErrBusy)
}

// monotonic reads CLOCK_MONOTONIC.
func monotonic() (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, opError("clock_gettime", "", err)
	}
	return time.Duration(now.Nano()), nil
}

func (f FS) timerList() (hz int, jiffies uint64, now time.Duration, err error) {
	path := f.proc + "/timer_list"
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, 0, opError("read", path, err)
	}
	defer file.Close()
	return ParseTimerList(file)
}
