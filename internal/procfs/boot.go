package procfs

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, in which the kernel counts for user space whatever its own CONFIG_HZ is: 100 on every architecture Go runs on.
const ticksPerSecond = 100

// ParseBootTime finds the line btime in /proc/stat (show_stat in fs/proc/stat.c): when the system was booted, to the second. The line of interrupts
// before it may have any length.
func ParseBootTime(r io.Reader) (time.Time, error) {
	lines := bufio.NewReader(r)
	for start := true; ; {
		part, err := lines.ReadSlice('\n')
		if text, ok := strings.CutPrefix(string(part), "btime "); ok && start {
			if n, ok := number([]byte(strings.TrimSpace(text))); ok && n < 1<<40 {
				return time.Unix(int64(n), 0), nil
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = errors.New("no line btime")
			}
			return time.Time{}, opError("parse stat", "", err)
		}
		start = err == nil
	}
}

// started returns when a process started; the boot time is known to the second only.
func started(boot time.Time, ticks uint64) time.Time {
	if boot.IsZero() || ticks > 1<<40 {
		return time.Time{}
	}
	return boot.Add(time.Duration(ticks) * (time.Second / ticksPerSecond))
}
