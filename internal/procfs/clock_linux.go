package procfs

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// readings is how often the count of jiffies is read. Between the two lines that matter a tick can fall, which makes a reading too large by one, and the
// processor that counts the ticks can be late, which makes one too small: each in about one of a hundred. So the one in the middle counts.
const readings = 5

// Clock returns the kernel's frequency, its count of jiffies at this moment and how far into that jiffy the moment is. It comes
// from /proc/timer_list, which only root may read: fs.ErrPermission otherwise.
//
// Ticks come at multiples of their period on CLOCK_MONOTONIC (tick_setup_device, since 6.4), so that one base ties the two together; before, the answer can be
// off by a jiffy.
func (f FS) Clock() (hz int, jiffies uint64, into time.Duration, err error) {
	var bases [readings]int64
	for i := range bases {
		var at time.Duration
		if hz, jiffies, at, err = f.timerList(); err != nil {
			return 0, 0, 0, err
		}
		bases[i] = int64(jiffies) - int64(at/(time.Second/time.Duration(hz)))
	}
	slices.Sort(bases[:])
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, 0, 0, opError("clock_gettime", "", err)
	}
	tick := time.Second / time.Duration(hz)
	mono := time.Duration(now.Nano())
	return hz, uint64(bases[readings/2] + int64(mono/tick)), mono % tick, nil
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
