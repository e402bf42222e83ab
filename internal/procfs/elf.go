package procfs

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The parts of an ELF file that are read here (elf(5), include/uapi/linux/elf.h): the header, the headers of the sections, and their names. Whoever runs a
// program has written its file, so nothing in it is believed beyond these bounds.
const (
	maxSections     = 1 << 10
	maxSectionNames = 64 << 10
)

// elfLayout is where the fields stand that differ between 32 and 64 bits.
type elfLayout struct {
	sections, count, names int // offsets into the header: e_shoff, e_shnum (before e_shstrndx)
	size                   int // of a section's header
	offset, length         int // offsets into it: sh_offset, sh_size
	word                   int // bytes of an address
}

var (
	elf32 = elfLayout{sections: 32, count: 48, names: 50, size: 40, offset: 16, length: 20, word: 4}
	elf64 = elfLayout{sections: 40, count: 60, names: 62, size: 64, offset: 24, length: 32, word: 8}
)

// builtByGo reports whether an executable has the section in which the Go linker keeps the versions of what it linked (.go.buildinfo, cmd/link since
// 1.13). Stripping symbols leaves it; a packer does not, and a file that is no ELF file has none. The error is why its beginning could not be read; what is executed is not empty.
func builtByGo(file io.ReaderAt) (bool, error) {
	head := make([]byte, elfHeader)
	switch n, err := file.ReadAt(head, 0); {
	case n == 0:
		return false, err
	case n < elfHeader || !bytes.HasPrefix(head, []byte("\x7fELF")):
		return false, nil
	}
	layout, order := elf64, binary.ByteOrder(binary.LittleEndian)
	if head[4] == 1 {
		layout = elf32
	}
	if head[5] == 2 {
		order = binary.BigEndian
	}
	count, index := int(order.Uint16(head[layout.count:])), int(order.Uint16(head[layout.names:]))
	if count > maxSections || index >= count {
		return false, nil
	}
	section := make([]byte, layout.size)
	at := layout.address(order, head[layout.sections:]) + int64(index*layout.size)
	if n, _ := file.ReadAt(section, max(at, 0)); n < len(section) {
		return false, nil
	}
	names := make([]byte, min(uint64(layout.address(order, section[layout.length:])), maxSectionNames))
	n, _ := file.ReadAt(names, max(layout.address(order, section[layout.offset:]), 0))
	return bytes.Contains(names[:n], []byte("\x00.go.buildinfo\x00")), nil
}

func (l elfLayout) address(order binary.ByteOrder, b []byte) int64 {
	if l.word == 4 {
		return int64(order.Uint32(b))
	}
	return int64(order.Uint64(b))
}
