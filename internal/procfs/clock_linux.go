package procfs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readings is how often the count of jiffies is read, in jiffies of their own.
	readings = 2
	// tries is how often that is tried.
	tries = 6
)

// Clock returns the kernel's frequency, its count of jiffies at this moment and how far into that jiffy the moment is. It takes a few jiffies. The count comes
// from /proc/timer_list, which only root may read: fs.ErrPermission otherwise.
//
// Ticks come at multiples of their period on CLOCK_MONOTONIC (tick_setup_device, since 6.4), so that one base ties the two together; before, the answer can be
// off by a jiffy.
func (f FS) Clock() (hz int, jiffies uint64, into time.Duration, err error) {
	var base int64
	var tick time.Duration
	for try, read := 0, 0; read < readings && try < tries; try++ {
		var at time.Duration
		if hz, jiffies, at, err = f.timerList(); err != nil {
			return 0, 0, 0, err
		}
		tick = time.Second / time.Duration(hz)
		// Late in a jiffy a tick can fall between the two lines. Early in it the processor that counts the ticks may not have come to that: then the count
		// is one too small, which the larger one shows.
		if into := at % tick; into < tick*3/4 {
			b := int64(jiffies) - int64(at/tick)
			if read++; read == 1 || b > base {
				base = b
			}
		}
		if read < readings {
			time.Sleep(tick - at%tick + tick/4) //nolint:forbidigo // a tick is waited for: nothing tells that it came
		}
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, 0, 0, opError("clock_gettime", "", err)
	}
	mono := time.Duration(now.Nano())
	return hz, uint64(base + int64(mono/tick)), mono % tick, nil
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
