package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// tracing listens to the kernel's tracepoints in an instance of its own of tracefs. perf_event_open(2) would leave nothing behind even of a killed program, but loses what happens
// while a processor idles where the count of recursions of its idle task was left raised once (perf_swevent_get_recursion_context), without a word and until the next boot.
type tracing struct {
	instance  string
	pipe      *os.File
	offset    time.Time // the moment when CLOCK_MONOTONIC was 0
	chronicle chronicle
	rest      []byte // the begin of a line
	stop      atomic.Bool
	done      sync.WaitGroup
}

const (
	// tracefs is where this program mounts it, in its own mount namespace.
	tracefs = "/sys/kernel/tracing"
	// instances is what the instances of this program are called, with its pid.
	instances = tracefs + "/instances/closewait-truth-"
	// pipeBytes is how much of the trace is read at once.
	pipeBytes = 1 << 20
)

// timers are the functions of TCP's timers in the kernel, and whether they are those of mini or request sockets.
var timers = map[string]bool{"tcp_write_timer": false, "tcp_keepalive_timer": false, "tw_timer_handler": true, "reqsk_timer_handler": true}

// trace begins to listen. Without root there is nothing to hear.
func trace() (*tracing, error) {
	if os.Geteuid() != 0 {
		return nil, os.ErrPermission
	}
	if _, err := os.Stat(tracefs + "/events"); err != nil {
		if err := unix.Mount("tracefs", tracefs, "tracefs", 0, ""); err != nil {
			return nil, os.NewSyscallError("mount tracefs", err)
		}
	}
	addresses, err := addressesOf(timers)
	if err != nil {
		return nil, err
	}
	sweep()
	t := &tracing{instance: fmt.Sprint(instances, os.Getpid())}
	if err := t.begin(addresses); err != nil {
		_ = unix.Rmdir(t.instance)
		return nil, err
	}
	t.done.Go(t.collect)
	return t, nil
}

// begin makes the instance and turns its events on.
func (t *tracing) begin(addresses []string) error {
	if err := os.Mkdir(t.instance, 0o700); err != nil {
		return err
	}
	for i, a := range addresses {
		addresses[i] = "function == " + a
	}
	for _, set := range [][2]string{
		{"buffer_size_kb", "4096"},
		{"trace_clock", "mono"},
		{"events/timer/timer_expire_entry/filter", strings.Join(addresses, " || ")},
		{"events/sock/inet_sock_set_state/filter", fmt.Sprintf("newstate == %d && protocol == %d", closed, unix.IPPROTO_TCP)},
		{"events/timer/timer_expire_entry/enable", "1"},
		{"events/sock/inet_sock_set_state/enable", "1"},
	} {
		if err := os.WriteFile(filepath.Join(t.instance, set[0]), []byte(set[1]), 0); err != nil {
			return err
		}
	}
	var mono unix.Timespec
	now := time.Now()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
		return os.NewSyscallError("clock_gettime", err)
	}
	t.offset = now.Add(-time.Duration(mono.Nano()))
	fd, err := unix.Open(filepath.Join(t.instance, "trace_pipe"), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	t.pipe = os.NewFile(uintptr(fd), "trace_pipe")
	return err
}

// sweep removes the instances of programs that were killed.
func sweep() {
	left, _ := filepath.Glob(instances + "*")
	for _, dir := range left {
		if _, err := os.Stat("/proc/" + strings.TrimPrefix(dir, instances)); err != nil {
			_ = unix.Rmdir(dir)
		}
	}
}

// end stops listening and returns what was heard.
func (t *tracing) end() *chronicle {
	if t == nil {
		return nil
	}
	t.stop.Store(true)
	t.done.Wait()
	t.pipe.Close()
	_ = unix.Rmdir(t.instance)
	t.chronicle.sort()
	return &t.chronicle
}

func (t *tracing) collect() {
	buffer := make([]byte, pipeBytes)
	for last := false; !last; {
		last = t.stop.Load()
		time.Sleep(50 * time.Millisecond)
		for {
			n, err := unix.Read(int(t.pipe.Fd()), buffer)
			if n <= 0 || err != nil && !errors.Is(err, unix.EINTR) {
				break
			}
			t.take(buffer[:n])
		}
	}
}

// take takes what was read: lines, of which the last may go on in what is read next.
func (t *tracing) take(text []byte) {
	t.rest = append(t.rest, text...)
	end := bytes.LastIndexByte(t.rest, '\n') + 1
	for line := range strings.Lines(string(t.rest[:end])) {
		if err := t.event(line); err != nil {
			t.chronicle.unread++
		}
	}
	t.rest = append(t.rest[:0], t.rest[end:]...)
}

// event takes a line: "TASK-PID [CPU] FLAGS SECONDS: EVENT: FIELD=VALUE ...".
func (t *tracing) event(line string) error {
	head, fields, firing := strings.Cut(line, ": timer_expire_entry: ")
	if !firing {
		var ok bool
		if head, fields, ok = strings.Cut(line, ": inet_sock_set_state: "); !ok {
			return io.ErrUnexpectedEOF // "CPU:1 [LOST 12 EVENTS]"
		}
	}
	words := strings.Fields(head)
	seconds, err := time.ParseDuration(words[len(words)-1] + "s")
	if err != nil || len(words) < 4 {
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	at := t.offset.Add(seconds)
	cpu := strings.Trim(words[len(words)-3], "[]")
	values := valuesOf(fields)
	if firing {
		return t.chronicle.fired(at, cpu, values)
	}
	return t.chronicle.died(at, cpu, values)
}

// valuesOf makes a table of "FIELD=VALUE FIELD=VALUE".
func valuesOf(fields string) map[string]string {
	values := map[string]string{}
	for word := range strings.FieldsSeq(fields) {
		if name, value, ok := strings.Cut(word, "="); ok {
			values[name] = value
		}
	}
	return values
}

func (c *chronicle) fired(at time.Time, cpu string, values map[string]string) error {
	now, err := strconv.ParseUint(values["now"], 10, 64)
	base, err2 := strconv.ParseUint(values["baseclk"], 10, 64)
	mini, ok := timers[values["function"]]
	if !ok {
		err = io.ErrUnexpectedEOF
	}
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	c.firings = append(c.firings, firing{at, cpu, values["timer"], mini, now, int64(now - base)})
	return nil
}

func (c *chronicle) died(at time.Time, cpu string, values map[string]string) error {
	ends := [2]netip.AddrPort{}
	for i, names := range [2][3]string{{"saddr", "saddrv6", "sport"}, {"daddr", "daddrv6", "dport"}} {
		address := values[names[0]]
		if values["family"] == "AF_INET6" {
			address = values[names[1]]
		}
		a, err := netip.ParseAddr(address)
		port, err2 := strconv.ParseUint(values[names[2]], 10, 16)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		ends[i] = netip.AddrPortFrom(a, uint16(port))
	}
	c.deaths = append(c.deaths, death{at, cpu, key{ends[0], ends[1]}})
	return nil
}

// addressesOf finds functions of the kernel.
func addressesOf[T any](names map[string]T) (found []string, err error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 3 || strings.Trim(words[0], "0") == "" {
			continue
		}
		if _, ok := names[words[2]]; ok {
			found = append(found, "0x"+words[0])
		}
	}
	if len(found) != len(names) {
		return nil, errors.New("kallsyms does not show TCP's timers")
	}
	return found, nil
}
