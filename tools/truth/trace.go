package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracing listens to the kernel's tracepoints through perf_event_open(2). Nothing of it outlives the program.
type tracing struct {
	rings     []*ring
	offset    time.Time // the moment when CLOCK_MONOTONIC was 0
	chronicle chronicle
	stop      atomic.Bool
	done      sync.WaitGroup
}

// tracefs is where this program mounts it, in its own mount namespace.
const tracefs = "/sys/kernel/tracing"

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
	functions, err := functionsOf(timers)
	if err != nil {
		return nil, err
	}
	var mono unix.Timespec
	now := time.Now()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
		return nil, os.NewSyscallError("clock_gettime", err)
	}
	t := &tracing{offset: now.Add(-time.Duration(mono.Nano()))}
	var filter []string
	for address := range functions {
		filter = append(filter, fmt.Sprintf("function == 0x%x", address))
	}
	err = errors.Join(
		t.listen("timer/timer_expire_entry", strings.Join(filter, " || "), func(f format, at time.Time, cpu uint32, raw []byte) {
			t.chronicle.firings = append(t.chronicle.firings, firing{
				at, cpu, f.uint64(raw, "timer"), functions[f.uint64(raw, "function")], f.uint64(raw, "now"), int64(f.uint64(raw, "now") - f.uint64(raw, "baseclk")),
			})
		}),
		t.listen("sock/inet_sock_set_state", fmt.Sprintf("newstate == %d && protocol == %d", closed, unix.IPPROTO_TCP), func(f format, at time.Time, cpu uint32, raw []byte) {
			saddr, daddr := f.bytes(raw, "saddr", 4), f.bytes(raw, "daddr", 4)
			family := f.uint16(raw, "family")
			if family == unix.AF_INET6 {
				saddr, daddr = f.bytes(raw, "saddr_v6", 16), f.bytes(raw, "daddr_v6", 16)
			}
			t.chronicle.deaths = append(t.chronicle.deaths, death{at, cpu, keyOf(saddr, daddr, f.uint16(raw, "sport"), f.uint16(raw, "dport"))})
		}),
	)
	if err != nil {
		return nil, err
	}
	t.done.Go(t.collect)
	return t, nil
}

// end stops listening and returns what was heard.
func (t *tracing) end() *chronicle {
	if t == nil {
		return nil
	}
	t.stop.Store(true)
	t.done.Wait()
	t.chronicle.sort()
	return &t.chronicle
}

func (t *tracing) collect() {
	for !t.stop.Load() {
		time.Sleep(50 * time.Millisecond)
		for _, r := range t.rings {
			r.drain(t.offset)
		}
	}
}

// functionsOf finds functions of the kernel.
func functionsOf[T any](names map[string]T) (map[uint64]T, error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found := map[uint64]T{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var address uint64
		var kind, name string
		_, err := fmt.Sscanf(lines.Text(), "%x %s %s", &address, &kind, &name)
		if value, ok := names[name]; ok && err == nil && address != 0 {
			found[address] = value
		}
	}
	if len(found) != len(names) {
		return nil, errors.New("kallsyms does not show TCP's timers")
	}
	return found, nil
}

// format is where the fields of a tracepoint are.
type format map[string]int

func readFormat(event string) (id uint64, f format, err error) {
	text, err := os.ReadFile(tracefs + "/events/" + event + "/format")
	if err != nil {
		return 0, nil, err
	}
	f = format{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "ID: "); ok {
			_, err = fmt.Sscan(rest, &id)
		}
		declaration, rest, ok := strings.Cut(strings.TrimPrefix(line, "field:"), ";")
		at, _, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(rest), "offset:"), ";")
		if !ok || !found {
			continue
		}
		name, _, _ := strings.Cut(declaration[strings.LastIndexByte(declaration, ' ')+1:], "[")
		var offset int
		if _, err := fmt.Sscan(at, &offset); err == nil {
			f[name] = offset
		}
	}
	return id, f, err
}

func (f format) bytes(raw []byte, field string, n int) []byte { return raw[f[field] : f[field]+n] }
func (f format) uint16(raw []byte, field string) uint16 {
	return binary.NativeEndian.Uint16(f.bytes(raw, field, 2))
}
func (f format) uint64(raw []byte, field string) uint64 {
	return binary.NativeEndian.Uint64(f.bytes(raw, field, 8))
}

// heard takes one event.
type heard func(f format, at time.Time, cpu uint32, raw []byte)

// listen opens an event on every processor.
func (t *tracing) listen(event, filter string, take heard) error {
	id, f, err := readFormat(event)
	if err != nil {
		return err
	}
	for cpu := range runtime.NumCPU() {
		r, err := openRing(id, cpu, filter)
		if err != nil {
			return fmt.Errorf("tracepoint %s: %w", event, err)
		}
		r.take = func(at time.Time, cpu uint32, raw []byte) { take(f, at, cpu, raw) }
		t.rings = append(t.rings, r)
	}
	return nil
}

// ring is the buffer of one event on one processor.
type ring struct {
	page *unix.PerfEventMmapPage
	data []byte
	take func(at time.Time, cpu uint32, raw []byte)
}

const ringPages = 64

func openRing(id uint64, cpu int, filter string) (*ring, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: id, Sample: 1,
		Sample_type: unix.PERF_SAMPLE_TIME | unix.PERF_SAMPLE_CPU | unix.PERF_SAMPLE_RAW, Bits: unix.PerfBitUseClockID, Clockid: unix.CLOCK_MONOTONIC,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("perf_event_open", err)
	}
	text, err := unix.BytePtrFromString(filter)
	if err != nil {
		return nil, err
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.PERF_EVENT_IOC_SET_FILTER, uintptr(unsafe.Pointer(text))); errno != 0 {
		return nil, os.NewSyscallError("ioctl PERF_EVENT_IOC_SET_FILTER", errno)
	}
	page := os.Getpagesize()
	area, err := unix.Mmap(fd, 0, (1+ringPages)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &ring{page: (*unix.PerfEventMmapPage)(unsafe.Pointer(&area[0])), data: area[page:]}, nil
}

// drain takes what was written since the last time.
func (r *ring) drain(offset time.Time) {
	const header = 8 // struct perf_event_header: type, misc, size
	head, tail := atomic.LoadUint64(&r.page.Data_head), r.page.Data_tail
	for tail < head {
		begin := r.copy(tail, header)
		kind, size := binary.NativeEndian.Uint32(begin), binary.NativeEndian.Uint16(begin[6:])
		if kind == unix.PERF_RECORD_SAMPLE {
			sample := r.copy(tail+header, int(size)-header)
			at := offset.Add(time.Duration(binary.NativeEndian.Uint64(sample)))
			length := binary.NativeEndian.Uint32(sample[16:])
			r.take(at, binary.NativeEndian.Uint32(sample[8:]), sample[20:20+length])
		}
		tail += uint64(size)
	}
	atomic.StoreUint64(&r.page.Data_tail, tail)
}

// copy copies n bytes that may go round the end of the ring.
func (r *ring) copy(at uint64, n int) []byte {
	b := make([]byte, n)
	start := int(at % uint64(len(r.data)))
	copy(b[copy(b, r.data[start:]):], r.data)
	return b
}
