package sysctl_test

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/internal/sysctl"
)

// hasBegun reports whether the running kernel is a version, "" for every one, or a later one.
func hasBegun(t *testing.T, version string) bool {
	t.Helper()
	var since [2]int
	if _, err := fmt.Sscanf(version, "%d.%d", &since[0], &since[1]); version != "" && err != nil {
		t.Fatal(version, err)
	}
	return !nstest.Before(t, since[0], since[1])
}

// TestAll_newNamespace holds the catalogue against what the kernel gives a new namespace and what it lets one write there.
func TestAll_newNamespace(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	live := sysctl.New("/proc/sys")
	for _, s := range setting.All() {
		text, err := live.Get(s.Key())
		if s.Scope == setting.WholeHost {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is seen in a namespace: %q, %v", s.Name, text, err)
			}
			continue
		}
		if absent := errors.Is(err, fs.ErrNotExist); absent && (s.Dir == "net.netfilter" || s.Dir == "net.core") {
			continue // no connection tracking; older kernels do not show net.core where another user namespace owns the network
		} else if absent == hasBegun(t, s.Since) {
			t.Errorf("%s, said to be there since %q: %q, %v", s.Name, s.Since, text, err)
			continue
		} else if absent {
			continue
		}
		if shown, parseErr := s.Parse(text); err != nil || parseErr != nil || shown != text || s.Default >= 0 && text != strconv.FormatInt(s.Default, 10) {
			t.Errorf("%s is %q, %v, %v; want %d", s.Name, text, err, parseErr, s.Default)
		}
		if s.Unit == setting.Ports {
			accepts(t, s, "1024 65535", true)
			accepts(t, s, "2000 1000", false)
			accepts(t, s, "1024 65536", false)
			continue
		}
		sure := s.Max
		if s.Unit == setting.Seconds {
			sure = (1<<31 - 1) / 1000 // what every CONFIG_HZ takes
			accepts(t, s, strconv.FormatInt(s.Max+1, 10), false)
		} else if s.Max < 1<<31-1 || s.Min > 0 {
			accepts(t, s, strconv.FormatInt(s.Max+1, 10), false)
		}
		accepts(t, s, strconv.FormatInt(s.Min, 10), true)
		accepts(t, s, strconv.FormatInt(sure, 10), true)
	}
}

func accepts(t *testing.T, s setting.Setting, value string, want bool) {
	t.Helper()
	err := sysctl.New("/proc/sys").Set(s.Key(), value)
	if errors.Is(err, fs.ErrPermission) {
		nstest.Missing(t, err.Error())
	}
	if (err == nil) != want || err != nil && !errors.Is(err, sysctl.ErrRange) {
		t.Errorf("%s = %s: %v", s.Name, value, err)
	}
}

// named returns a setting of the catalogue.
func named(name string) setting.Setting {
	all := setting.All()
	return all[slices.IndexFunc(all, func(s setting.Setting) bool { return s.Name == name })]
}

// TestParse_kernel holds Parse against the kernel: on texts that people write, and on what the two might read differently.
func TestParse_kernel(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	live := sysctl.New("/proc/sys")
	for _, s := range []setting.Setting{named("tcp_retries2"), named("tcp_keepalive_time"), named("tcp_rto_max_ms")} {
		if !hasBegun(t, s.Since) {
			continue
		}
		for _, text := range []string{
			"8", "15", "0", " 8", "8 ", "\t8\t", "8 garbage", "8garbage", "8,9", "8\r", "010", "0x8", "0X8", "0x", "08", "0b11", "1_0", "1e1", "+8", "--8", "", " ", "x",
			"2000", "0x7d0", "255", "256", "119999", "120001", "99999999999999999999", "4294967304", "18446744073709551624", "٣",
		} {
			shown, err := s.Parse(text)
			accepted := live.Set(s.Key(), text)
			now, _ := live.Get(s.Key())
			if errors.Is(accepted, sysctl.ErrNotTaken) { // the kernel shows 8 for 010
				accepted = nil
			}
			if (err == nil) != (accepted == nil) || err == nil && shown != now {
				t.Errorf("%s = %q: Parse says %q, %v; the kernel %q, %v", s.Name, text, shown, err, now, accepted)
			}
		}
	}
}

// TestSet_errors tells apart why a value was not taken.
func TestSet_errors(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	live := sysctl.New("/proc/sys")
	for _, c := range []struct {
		key, value string
		want       error
	}{
		{"net.ipv4.tcp_retries2", "256", sysctl.ErrRange},
		{"net.ipv4.tcp_retries2", "many", sysctl.ErrRange},
		{"net.ipv4.tcp_no_such_thing", "1", fs.ErrNotExist},
		{"net.ipv4.tcp_max_orphans", "1", fs.ErrNotExist}, // not in this namespace
		{"../etc/passwd", "1", fs.ErrInvalid},
	} {
		if err := live.Set(c.key, c.value); !errors.Is(err, c.want) {
			t.Errorf("%s = %s: %v, want %v", c.key, c.value, err, c.want)
		}
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(syscall.Mount("/proc/sys", "/proc/sys", "", syscall.MS_BIND, ""), syscall.Mount("", "/proc/sys", "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Set("net.ipv4.tcp_retries2", "8"); !errors.Is(err, sysctl.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}

// TestSet_elsewhere: a value set in one namespace is that namespace's alone.
func TestSet_elsewhere(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	live := sysctl.New("/proc/sys")
	if err := live.Set("net.ipv4.tcp_retries2", "7"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		if err == nil {
			err = live.Set("net.ipv4.tcp_retries2", "9")
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got, err := live.Get("net.ipv4.tcp_retries2"); got != "7" {
		t.Errorf("got %s, %v; want 7", got, err)
	}
}
