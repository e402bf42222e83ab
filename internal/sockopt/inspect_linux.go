package sockopt

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/tcp"
)

// Inspect asks the TCP socket behind a descriptor of another process for its facts. inode guards against a descriptor that was closed and used
// again meanwhile: ErrGone.
func Inspect(pid, fd int, inode uint32) (Facts, error) {
	dup, op, err := duplicate(pid, fd, inode)
	if err != nil {
		return Facts{}, borrowError(op, pid, fd, err)
	}
	defer unix.Close(dup)
	raw, err := tcpInfo(dup)
	if err != nil {
		return Facts{}, borrowError("getsockopt", pid, fd, err)
	}
	facts := Facts{Info: tcp.MakeInfo(raw), Netns: namespaceOf(dup)}
	if len(raw) > 0 {
		facts.State = tcp.State(raw[0]) // tcpi_state is the first byte
	}
	return facts, nil
}

// namespaceOf asks for the namespace of a socket (SIOCGSKNS, since 4.10).
func namespaceOf(fd int) uint64 {
	ns, err := unix.IoctlRetInt(fd, unix.SIOCGSKNS)
	if err != nil {
		return 0
	}
	defer unix.Close(ns)
	var stat unix.Stat_t
	if unix.Fstat(ns, &stat) != nil {
		return 0
	}
	return stat.Ino
}

// tcpInfo is getsockopt(TCP_INFO) with the length the kernel filled, which x/sys/unix does not return.
func tcpInfo(fd int) ([]byte, error) {
	b := make([]byte, tcp.InfoSize)
	length := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return nil, errno
	}
	return b[:min(int(length), len(b))], nil
}
