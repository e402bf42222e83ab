package host_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"
	"unsafe"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/procfs"
)

// TestLook_steady: a wall clock that is set while a look is being taken moves none of its moments.
func TestLook_steady(t *testing.T) {
	var set time.Duration
	clock := host.Steadied(func() time.Time { return wallSet(time.Now(), set) })
	first := clock()
	for _, set = range []time.Duration{time.Hour, -24 * time.Hour, 0} {
		began := time.Now()
		now := clock()
		if apart := now.Round(0).Sub(first.Round(0)); apart < 0 || apart > time.Since(began)+began.Sub(first) {
			t.Errorf("the clock is set by %v, and %v have passed", set, apart)
		}
	}
}

// wallSet is a moment as time.Now returns it when the wall clock has been set: its monotonic part stays. Package time has no way to make one; the upper bits of the first word are seconds.
func wallSet(t time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(by/time.Second) << 30
	return t
}

// TestClock: counted by a BPF program, readings differ by the ticks between them, to the jiffy, and agree with the list of timers where that can be read.
func TestClock(t *testing.T) {
	c, err := probe.OpenClock()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) && nstest.Before(t, 5, 14) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hz, first, start, err := procfs.Clock(time.Now, c.Read)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.Second / time.Duration(hz)
	slack := tick / 4
	if nstest.Before(t, 6, 4) { // ticks come at any phase of the clock, see procfs.Clock
		slack += tick
	}
	check := func(count procfs.Counter) {
		again, jiffies, began, err := procfs.Clock(time.Now, count)
		if errors.Is(err, procfs.ErrBusy) || errors.Is(err, fs.ErrPermission) {
			return // which is an answer
		}
		if off := began.Sub(start) - time.Duration(jiffies-first)*tick; err != nil || again != hz || off.Abs() > slack {
			t.Errorf("%d Hz, then %d; %v passed, %d jiffies counted: %v apart, %v", hz, again, began.Sub(start), jiffies-first, off, err)
		}
	}
	for range 20 {
		check(c.Read)
	}
	check(procfs.New("/proc").CountJiffies)
}
