package procfs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readings is how often the count of jiffies is read. Between the two lines that matter a tick can fall, which makes a reading too large by one.
const readings = 5

// Clock returns the kernel's frequency, its count of jiffies at this moment and how far into that jiffy the moment is. It comes
// from /proc/timer_list, which only root may read: fs.ErrPermission otherwise.
//
// Ticks come at multiples of their period on CLOCK_MONOTONIC (tick_setup_device, since 6.4), so that one base ties the two together; before, the answer can be
// off by a jiffy.
func (f FS) Clock() (hz int, jiffies uint64, into time.Duration, err error) {
	var base int64
	for i := range readings {
		var at time.Duration
		if hz, jiffies, at, err = f.timerList(); err != nil {
			return 0, 0, 0, err
		}
		if b := int64(jiffies) - int64(at/(time.Second/time.Duration(hz))); i == 0 || b < base {
			base = b
		}
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, 0, 0, opError("clock_gettime", "", err)
	}
	tick := time.Second / time.Duration(hz)
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
