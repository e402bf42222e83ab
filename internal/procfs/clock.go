package procfs

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// frequencies are the values CONFIG_HZ can have on the architectures Go runs on (kernel/Kconfig.hz, arch/*/Kconfig).
var frequencies = [...]int{100, 200, 250, 256, 300, 500, 1000, 1024}

// errNoClock is said of a timer list that does not show what is wanted.
var errNoClock = errors.New("no count of jiffies, or one that fits no frequency")

// ParseTimerList finds the kernel's count of jiffies in /proc/timer_list (timer_list_show in kernel/time/timer_list.c) and the reading of CLOCK_MONOTONIC
// shortly before, and computes from them how many jiffies make a second. No more is read than that takes.
func ParseTimerList(r io.Reader) (hz int, jiffies uint64, now time.Duration, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "now at "); ok {
			text, _, _ = strings.Cut(text, " ")
			n, err := strconv.ParseInt(text, 10, 64)
			if err == nil {
				now = time.Duration(n)
			}
		}
		if text, ok := strings.CutPrefix(lines.Text(), "jiffies: "); ok {
			if jiffies, err = strconv.ParseUint(strings.TrimSpace(text), 10, 64); err != nil {
				return 0, 0, 0, opError("parse timer_list", "", err)
			}
			if hz = frequency(jiffies, now); hz == 0 {
				break
			}
			return hz, jiffies, now, nil
		}
	}
	return 0, 0, 0, opError("parse timer_list", "", cmp.Or(lines.Err(), errNoClock))
}

// baseOf returns how much larger the count is than the number of ticks that CLOCK_MONOTONIC makes, from a count read between two moments. It is never too large: the count
// is behind the clock if anything, because the processor that counts has not come to that, and it was read by the second moment. It is sure, but for that lag,
// where no tick fell between the two: whoever reads may be held up for long.
func baseOf(jiffies uint64, at, after, tick time.Duration) (base int64, sure bool) {
	return int64(jiffies) - int64(after/tick), at/tick == after/tick
}

// behind reports whether the processor that counts was kept from it for more than a tick. The same interrupt counts and advances CLOCK_MONOTONIC_COARSE (tick_do_update_jiffies64,
// update_wall_time), in whole ticks from a start of its own: when it has come, that clock is less than two ticks behind. ticked is what it was before the count was read, until
// what the exact clock was after it.
func behind(ticked, until, tick time.Duration) bool { return until-ticked >= 2*tick }

// ticking returns the CONFIG_HZ whose ticks are so long (TICK_NSEC, rounded to a nanosecond), 0 when there is none.
func ticking(tick time.Duration) int {
	for _, hz := range frequencies {
		if (time.Second+time.Duration(hz/2))/time.Duration(hz) == tick {
			return hz
		}
	}
	return 0
}

// frequency finds the CONFIG_HZ with which a kernel that has run for a while has come to this count. It starts counting five minutes before a 32 bit
// overflow (INITIAL_JIFFIES in include/linux/jiffies.h), and loses a few ticks while it boots: when it has run for five minutes, all frequencies have come to nearly the same. 0 means that none fits.
func frequency(jiffies uint64, uptime time.Duration) int {
	best, bestOff := 0, math.Inf(1)
	for _, hz := range frequencies {
		start := float64(uint32(-300 * hz))
		off := math.Abs(float64(jiffies) - start - uptime.Seconds()*float64(hz))
		if off < bestOff {
			best, bestOff = hz, off
		}
	}
	// A clock that was slewed runs apart from the ticks by 500 ppm at most.
	if bestOff > float64(best)*(30+uptime.Seconds()*0.001) {
		return 0
	}
	return best
}
