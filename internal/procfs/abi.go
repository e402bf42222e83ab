package procfs

import (
	"encoding/binary"
)

// ABI is the set of system call numbers and the sizes a program uses. It is the program's, not the kernel's: a 64 bit kernel runs 32 bit programs as well.
type ABI uint8

// The ABIs of the architectures Go runs on. arm64, loong64 and riscv64 share their numbers.
const (
	I386 ABI = iota
	AMD64
	ARM
	Generic
	MIPS
	MIPS64
	PPC
	S390X
	abis
	// UnknownABI is one whose numbers are not known here.
	UnknownABI = abis
)

// elfHeader is as much of a program as ParseABI wants.
const elfHeader = 64

// ParseABI tells from the first bytes of an ELF file which ABI its program uses, and whether its words have 64 bits.
func ParseABI(b []byte) (abi ABI, wide bool) {
	const class, data, machine = 4, 5, 18
	if len(b) < 40 || string(b[:4]) != "\x7fELF" {
		return UnknownABI, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[data] == 2 {
		order = binary.BigEndian
	}
	wide = b[class] == 2
	switch m := order.Uint16(b[machine:]); {
	case m == 3 && !wide:
		return I386, wide
	case m == 62 && wide: // with 32 bit words it would be x32, which nobody uses
		return AMD64, wide
	case m == 40 && !wide:
		return ARM, wide
	case (m == 183 || m == 243 || m == 258) && wide:
		return Generic, wide
	case m == 8 && wide:
		return MIPS64, wide
	case m == 8 && order.Uint32(b[36:])&0x20 == 0: // EF_MIPS_ABI2 is n32, with numbers of its own
		return MIPS, wide
	case m == 20 || m == 21:
		return PPC, wide
	case m == 22 && wide:
		return S390X, wide
	}
	return UnknownABI, wide
}
