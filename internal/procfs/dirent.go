package procfs

import (
	"bytes"
	"encoding/binary"
)

// direntHeader is the length of struct linux_dirent64 (include/linux/dirent.h) up to the name: inode, offset, record length and type.
const direntHeader = 8 + 8 + 2 + 1

// nextEntry splits the first record off what getdents64 returned. The name still has its NUL, so that it can be handed to the kernel as it stands. ok is
// false at the end and at a record that does not fit its buffer.
func nextEntry(b []byte) (name, rest []byte, ok bool) {
	if len(b) < direntHeader {
		return nil, nil, false
	}
	length := int(binary.NativeEndian.Uint16(b[16:]))
	if length < direntHeader || length > len(b) {
		return nil, nil, false
	}
	name = b[direntHeader:length]
	end := bytes.IndexByte(name, 0)
	if end < 0 {
		return nil, nil, false
	}
	return name[:end+1], b[length:], true
}

// number parses a decimal without sign; everything else, "." and ".." included, is not ok.
func number(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		next := n*10 + uint64(c-'0')
		if n > (1<<64-1)/10 || next < n*10 {
			return 0, false
		}
		n = next
	}
	return n, true
}

// id parses a pid or the number of a descriptor.
func id(b []byte) (int, bool) {
	n, ok := number(b)
	return int(n), ok && n < 1<<31
}

// bracketed parses a link of the form "socket:[4711]" (sockfs_dname in net/socket.c, ns_dname in fs/nsfs.c).
func bracketed(link []byte, kind string) (uint64, bool) {
	n := len(kind)
	if len(link) < n+4 || string(link[:n]) != kind || link[n] != ':' || link[n+1] != '[' || link[len(link)-1] != ']' {
		return 0, false
	}
	return number(link[n+2 : len(link)-1])
}
