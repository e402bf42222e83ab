package procfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/procfs"
)

// timerList is the beginning of a real list, of a kernel with 250 Hz.
const timerList = `Timer List Version: v0.10
HRTIMER_MAX_CLOCK_BASES: 8
now at 5637337971944 nsecs

cpu: 0
 clock 0:
  .base:       000000005503c603
active timers:
 #0: <000000008c9f5be5>, tick_nohz_handler, S:01
 # expires at 5620896000000-5620896000000 nsecs [in 1617623 to 1617623 nsecs]
  .idle_jiffies   : 4296079368
  .last_jiffies   : 4296109794
jiffies: 4296301720
`

func TestParseTimerList(t *testing.T) {
	hz, jiffies, now, err := procfs.ParseTimerList(strings.NewReader(timerList))
	if hz != 250 || jiffies != 4296301720 || now != 5637337971944 || err != nil {
		t.Errorf("%d Hz, %d jiffies at %v, %v", hz, jiffies, now, err)
	}
	for _, hz := range []int{100, 250, 300, 1000} {
		for _, uptime := range []int{1, 60, 86400, 400 * 86400} { // a second after boot the frequencies lie 5 minutes of ticks apart
			text := fmt.Sprintf("now at %d000000000 nsecs\njiffies: %d\n", uptime, uint64(uint32(-300*hz))+uint64(uptime)*uint64(hz)-20)
			if got, _, _, err := procfs.ParseTimerList(strings.NewReader(text)); got != hz || err != nil {
				t.Errorf("%d Hz, up for %d s: %d Hz, %v", hz, uptime, got, err)
			}
		}
	}
	for _, text := range []string{"", "jiffies: many\n", "now at 5 nsecs\njiffies: 17\n", "now at x nsecs\n"} {
		if hz, _, _, err := procfs.ParseTimerList(strings.NewReader(text)); err == nil {
			t.Errorf("%q: %d Hz", text, hz)
		}
	}
}

// TestClock: two readings a while apart differ by the ticks between them, to the jiffy.
func TestClock(t *testing.T) {
	hz, first, start, err := procfs.Clock(time.Now, procfs.New("/proc").CountJiffies)
	if errors.Is(err, fs.ErrPermission) {
		t.Skipf("only root may read it: %v", err)
	}
	if errors.Is(err, procfs.ErrBusy) && hz != 0 {
		t.Skipf("there are so many timers, or so many who want to run, that none of the readings took less than a jiffy: %v", err)
	}
	if err != nil || hz == 0 || time.Since(start) < 0 {
		t.Fatalf("%d Hz, %d began at %v, %v", hz, first, start, err)
	}
	tick := time.Second / time.Duration(hz)
	slack := tick / 4
	if nstest.Before(t, 6, 4) { // ticks come at any phase of the clock, see Clock
		slack += tick
	}
	for range 20 {
		_, jiffies, began, err := procfs.Clock(time.Now, procfs.New("/proc").CountJiffies)
		if errors.Is(err, procfs.ErrBusy) {
			continue // which is an answer
		}
		if err != nil {
			t.Fatal(err)
		}
		if off := began.Sub(start) - time.Duration(jiffies-first)*tick; off.Abs() > slack {
			t.Errorf("%v passed, %d jiffies counted: %v apart", began.Sub(start), jiffies-first, off)
		}
	}
}

// TestClock_five_minutes: when a kernel has run for five minutes its count says nothing of its frequency, the coarse clock does. An emulated kernel of 250 Hz that had lost 70 ticks was taken for one of 256.
func TestClock_five_minutes(t *testing.T) {
	var tick unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &tick); err != nil {
		t.Fatal(err)
	}
	want := int(math.Round(float64(time.Second) / float64(tick.Nano())))
	const uptime = 5 * time.Minute
	for _, lost := range []uint64{0, 20, 70} {
		hz, _, _, err := procfs.Clock(time.Now, func() (uint64, time.Duration, time.Duration, error) { return 1<<32 - lost, uptime, uptime, nil })
		if hz != want || err != nil && !errors.Is(err, procfs.ErrBusy) {
			t.Errorf("%d ticks lost: %d Hz, want %d: %v", lost, hz, want, err)
		}
	}
}

// TestClock_held_up: a count that was read late says less, never too much.
func TestClock_held_up(t *testing.T) {
	const tick = 4 * time.Millisecond
	const base = 4294892296
	at := 1000*tick + time.Millisecond
	for _, test := range []struct {
		held   time.Duration // between the clock's reading and ours
		counts int64         // ticks counted meanwhile
		behind int64
		sure   bool
	}{
		{held: 0, sure: true}, {held: 2 * time.Millisecond, sure: true},
		{held: 3 * time.Millisecond, counts: 1}, {held: 20 * time.Millisecond, counts: 5},
		{held: 20 * time.Millisecond, counts: 2, behind: 3}, // held up after the count was read
	} {
		got, sure := procfs.BaseOf(uint64(base+1000+test.counts), at, at+test.held, tick)
		if got != base-test.behind || sure != test.sure {
			t.Errorf("held up for %v: %d, sure %v", test.held, got-base, sure)
		}
	}
}

// TestClock_behind: whatever the moment within a tick and wherever the coarse clock's ticks began, a count that is two ticks behind is seen, and one that is not behind is not taken for it.
func TestClock_behind(t *testing.T) {
	const tick = 4 * time.Millisecond
	for start := time.Duration(0); start < tick; start += tick / 16 { // of the coarse clock's ticks, before those of the count
		for into := time.Duration(0); into < tick; into += tick / 16 {
			until := 1000*tick + into
			if procfs.Behind(1000*tick-start, until, tick) {
				t.Errorf("%v into the tick, %v before it: counted, and taken for behind", into, start)
			}
			if !procfs.Behind(998*tick-start, until, tick) {
				t.Errorf("%v into the tick, %v before it: two ticks behind, and not seen", into, start)
			}
		}
	}
}

func FuzzParseTimerList(f *testing.F) {
	f.Add(timerList)
	f.Add("now at 1 nsecs\njiffies: 4294892546\n")
	f.Fuzz(func(t *testing.T, text string) {
		if hz, _, _, err := procfs.ParseTimerList(strings.NewReader(text)); (hz == 0) != (err != nil) {
			t.Errorf("%d Hz, %v", hz, err)
		}
	})
}

// TestClock_forbidden: who may not count jiffies learns how long they are all the same.
func TestClock_forbidden(t *testing.T) {
	hz, jiffies, _, err := procfs.Clock(time.Now, func() (uint64, time.Duration, time.Duration, error) { return 0, 0, 0, fs.ErrPermission })
	if !errors.Is(err, fs.ErrPermission) || jiffies != 0 {
		t.Errorf("%d jiffies, %v", jiffies, err)
	}
	switch want, _, _, err := procfs.Clock(time.Now, procfs.New("/proc").CountJiffies); {
	case errors.Is(err, fs.ErrPermission):
		t.Skipf("only root may read it: %v", err)
	case err != nil && !errors.Is(err, procfs.ErrBusy), hz != want:
		t.Errorf("%d Hz, want %d, %v", hz, want, err)
	}
}
