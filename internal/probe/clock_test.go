package probe_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/probe"
)

func TestClock(t *testing.T) {
	c, err := probe.OpenClock()
	switch {
	case errors.Is(err, fs.ErrPermission) && (os.Geteuid() != 0 || !inFirstUserNamespace()):
		t.Skipf("needs CAP_BPF: %v", err)
	case errors.Is(err, errors.ErrUnsupported) && nstest.Before(t, 5, 14):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	defer c.Close()
	var last uint64
	for range 100 {
		var before, after unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &before); err != nil {
			t.Fatal(err)
		}
		jiffies, from, until, err := c.Read()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &after); err != nil {
			t.Fatal(err)
		}
		if err != nil || jiffies < last || int64(from) < before.Nano() || until < from || int64(until) > after.Nano() {
			t.Fatalf("%d jiffies (%d before) from %v until %v, which was asked from %v until %v: %v", jiffies, last, from, until, before.Nano(), after.Nano(), err)
		}
		last = jiffies
	}
}

func BenchmarkClock(b *testing.B) {
	for b.Loop() {
		c, err := probe.OpenClock()
		if err != nil {
			b.Skip(err)
		}
		if _, _, _, err := c.Read(); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
