package probe

import (
	"encoding/binary"
	"runtime"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// Clock reads the kernel's count of jiffies: since 5.14. It is not safe for concurrent use.
type Clock struct{ program *ebpf.Program }

// reading is what the program writes: CLOCK_MONOTONIC in nanoseconds before and after, and the count between the two.
type reading struct{ from, jiffies, until uint64 }

// OpenClock loads the program, which runs when Read asks it to and at no other time. Errors: see OpError.
func OpenClock() (*Clock, error) {
	to := func(offset uintptr) asm.Instruction {
		return asm.StoreMem(asm.R6, int16(offset), asm.R0, asm.DWord) //nolint:gosec // within a reading
	}
	program, err := load(&ebpf.ProgramSpec{
		Name: "jiffies", Type: ebpf.Syscall, Flags: unix.BPF_F_SLEEPABLE, License: "GPL", ByteOrder: byteOrder(),
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.FnKtimeGetNs.Call(), to(unsafe.Offsetof(reading{}.from)),
			asm.FnJiffies64.Call(), to(unsafe.Offsetof(reading{}.jiffies)),
			asm.FnKtimeGetNs.Call(), to(unsafe.Offsetof(reading{}.until)),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	}, 0)
	if err != nil {
		return nil, opError("load", err)
	}
	return &Clock{program}, nil
}

// byteOrder is the machine's. The library wants it by name.
func byteOrder() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// Close unloads the program.
func (c *Clock) Close() error { return c.program.Close() }

// testRun is the part of union bpf_attr for BPF_PROG_TEST_RUN up to ctx_out.
type testRun struct {
	program, result, dataIn, dataOut uint32
	data, dataTo                     uint64
	repeat, duration                 uint32
	contextSize, contextOut          uint32
	context, contextTo               uint64
	_                                [3]uint32 // flags, cpu, batch_size
	_                                uint32
}

// Read returns the count of jiffies and two readings of CLOCK_MONOTONIC between which it was read.
func (c *Clock) Read() (jiffies uint64, from, until time.Duration, err error) {
	r := new(reading)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(r)
	attr := testRun{program: uint32(c.program.FD()), contextSize: uint32(unsafe.Sizeof(*r)), context: uint64(uintptr(unsafe.Pointer(r)))} //nolint:gosec // small
	errno := unix.EINTR
	for try := 0; errno == unix.EINTR && try < patience; try++ {
		_, _, errno = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	if errno != 0 {
		return 0, 0, 0, opError("read", errno)
	}
	return r.jiffies, time.Duration(r.from), time.Duration(r.until), nil
}
