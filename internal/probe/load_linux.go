package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// vmlinux is the kernel's description of its own types (CONFIG_DEBUG_INFO_BTF).
const vmlinux = "/sys/kernel/btf/vmlinux"

// loadIterator loads the only program of an object, which uses these maps. The library would do it by itself; but it reads the whole description of the kernel's
// types to find the functions to attach to and to call.
func loadIterator(all *ebpf.CollectionSpec, name string, maps map[string]*ebpf.Map) (*ebpf.Program, error) {
	spec := all.Programs[name]
	wanted, err := namesIn(all.Types)
	if err != nil {
		return nil, err
	}
	description, release, err := describe()
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: this kernel does not describe its types (CONFIG_DEBUG_INFO_BTF)", errors.ErrUnsupported)
	}
	if err != nil {
		return nil, err
	}
	defer release()
	iterator := "bpf_iter_" + spec.AttachTo
	kernel, err := excerptOf(description, wanted, append(called(spec), iterator))
	if err != nil {
		return nil, err
	}
	if kernel.functions[iterator] == 0 {
		return nil, fmt.Errorf("%w: this kernel has no iterator over %s", errors.ErrUnsupported, spec.AttachTo)
	}
	if err := relocate(spec, kernel); err != nil {
		return nil, err
	}
	if err := connect(spec, kernel.functions, maps); err != nil {
		return nil, err
	}
	return load(spec, kernel.functions[iterator])
}

// called are the functions of the kernel that a program calls by name.
func called(spec *ebpf.ProgramSpec) (names []string) {
	for it := spec.Instructions.Iterate(); it.Next(); {
		if it.Ins.IsKfuncCall() && !slices.Contains(names, it.Ins.Reference()) {
			names = append(names, it.Ins.Reference())
		}
	}
	return names
}

// connect puts the numbers of functions and the maps into a program.
func connect(spec *ebpf.ProgramSpec, functions map[string]uint32, maps map[string]*ebpf.Map) error {
	for it := spec.Instructions.Iterate(); it.Next(); {
		ins, name := it.Ins, it.Ins.Reference()
		switch {
		case ins.IsKfuncCall():
			if functions[name] == 0 {
				return fmt.Errorf("%w: this kernel has no function %s", errors.ErrUnsupported, name)
			}
			ins.Constant, ins.Offset = int64(functions[name]), 0
		case ins.IsLoadFromMap():
			if err := ins.AssociateMap(maps[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe maps the kernel's description of its types, or reads it where it cannot be mapped (before 6.16).
func describe() (description []byte, release func(), err error) {
	f, err := os.Open(vmlinux)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE); err == nil {
		return b, func() { _ = unix.Munmap(b) }, nil
	}
	description, err = io.ReadAll(f)
	return description, func() {}, err
}

// relocate puts the offsets of the running kernel into a program, and the numbers of its types.
func relocate(spec *ebpf.ProgramSpec, kernel *kernelTypes) error {
	var relocations []*btf.CORERelocation
	var places []*asm.Instruction
	for it := spec.Instructions.Iterate(); it.Next(); {
		if r := btf.CORERelocationMetadata(it.Ins); r != nil {
			relocations, places = append(relocations, r), append(places, it.Ins)
		}
	}
	none := func(btf.Type) (btf.TypeID, error) { return 0, errors.ErrUnsupported }
	fixups, err := btf.CORERelocate(relocations, []*btf.Spec{kernel.spec}, spec.ByteOrder, none)
	if err != nil {
		return err
	}
	for i := range fixups {
		if err := fixups[i].Apply(places[i]); err != nil {
			return err
		}
		// The number is that in the excerpt. Only its words tell what a relocation is about.
		if strings.HasPrefix(relocations[i].String(), "CORERelocation(target_type_id,") {
			places[i].Constant = int64(kernel.types[btf.TypeID(places[i].Constant)])
		}
	}
	return nil
}

// progLoad is what union bpf_attr (include/uapi/linux/bpf.h) holds for BPF_PROG_LOAD, up to the type to attach to.
type progLoad struct {
	kind, instructionCount             uint32
	instructions, license              uint64
	logLevel, logSize                  uint32
	log                                uint64
	version, flags                     uint32
	name                               [16]byte
	device, attachType, btf, funcSize  uint32
	funcInfo                           uint64
	funcCount, lineSize                uint32
	lineInfo                           uint64
	lineCount, attachTypeID, attachObj uint32
	_                                  uint32
}

// patience is how often a program is offered to a kernel that is interrupted; the runtime sends itself signals to preempt long calls.
const patience = 30

func load(spec *ebpf.ProgramSpec, attachTypeID uint32) (*ebpf.Program, error) {
	var code bytes.Buffer
	if err := spec.Instructions.Marshal(&code, spec.ByteOrder); err != nil {
		return nil, err
	}
	instructions, license := code.Bytes(), append([]byte(spec.License), 0)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&instructions[0])
	pin.Pin(&license[0])
	attr := progLoad{
		kind: uint32(spec.Type), flags: spec.Flags, attachType: uint32(spec.AttachType), attachTypeID: attachTypeID,
		instructionCount: uint32(len(instructions) / asm.InstructionSize), //nolint:gosec // some hundred
		instructions:     uint64(uintptr(unsafe.Pointer(&instructions[0]))), license: uint64(uintptr(unsafe.Pointer(&license[0]))),
	}
	copy(attr.name[:len(attr.name)-1], spec.Name)
	var fd uintptr
	errno := unix.EAGAIN
	for try := 0; errno == unix.EAGAIN && try < patience; try++ { // a signal came while the kernel examined the program (bpf_check)
		fd, _, errno = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	switch errno {
	case 0:
		return ebpf.NewProgramFromFD(int(fd))
	case unix.EPERM:
		return nil, errno
	}
	return nil, fmt.Errorf("%w: this kernel refuses the program: %w: %s", errors.ErrUnsupported, errno, objection(&attr))
}

// objection offers a refused program once more and returns the last thing that the kernel has to say against it, or that it says nothing.
func objection(attr *progLoad) string {
	said := make([]byte, 1<<20)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&said[0])
	attr.logLevel, attr.logSize, attr.log = 1, uint32(len(said)), uint64(uintptr(unsafe.Pointer(&said[0])))
	_, _, _ = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	said, _, _ = bytes.Cut(said, []byte{0})
	last := "it does not say why"
	for line := range bytes.Lines(said) {
		if line = bytes.TrimSpace(line); len(line) > 0 && !bytes.HasPrefix(line, []byte("processed ")) { // the last line counts what was examined
			last = string(line)
		}
	}
	return last
}
