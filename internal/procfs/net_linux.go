package procfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Sockstat returns the counts of TCP sockets in the network namespace of a process. Files that do not exist (sockstat6 without IPv6) are not reported.
func (f FS) Sockstat(pid int) (Sockstat, error) { return sockstat(f.path(pid, "net")) }

// SockstatSelf returns the counts of TCP sockets in the network namespace of the calling thread, which the caller has to lock when it is not that of
// the process.
func (f FS) SockstatSelf() (Sockstat, error) { return sockstat(f.proc + "/thread-self/net") }

func sockstat(dir string) (Sockstat, error) {
	text, err := readFile(dir+"/sockstat", maxText)
	if err != nil {
		return Sockstat{}, err
	}
	text6, err := readFile(dir+"/sockstat6", maxText)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Sockstat{}, err
	}
	there6 := err == nil
	s, err := ParseSockstat(io.MultiReader(bytes.NewReader(text), bytes.NewReader(text6)))
	if err == nil && (!s.InUse.Reported || there6 && !s.InUse6.Reported) { // nobody may take that for "no sockets"
		err = opError("read", dir+"/sockstat", io.ErrUnexpectedEOF)
	}
	return s, err
}

// Counters returns the counters of the network namespace of a process, of both netstat and snmp. See [ParseCounters] for the keys.
func (f FS) Counters(pid int) (map[string]int64, error) { return counters(f.path(pid, "net")) }

// CountersSelf returns the counters of the network namespace of the calling thread.
func (f FS) CountersSelf() (map[string]int64, error) { return counters(f.proc + "/thread-self/net") }

func counters(dir string) (map[string]int64, error) {
	text, err := readAll(dir+"/snmp", dir+"/netstat")
	if err != nil {
		return nil, err
	}
	return ParseCounters(bytes.NewReader(text))
}

// readAll returns the text of the first file followed by that of the second, which need not exist.
func readAll(first, second string) ([]byte, error) {
	text, err := readFile(first, maxText)
	if err != nil {
		return nil, err
	}
	more, err := readFile(second, maxText)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return append(text, more...), nil
}

// NamespaceInode returns the inode that identifies the network namespace of a process. It needs the right to trace the process
// (proc_ns_readlink in fs/proc/namespaces.c); a zombie has no namespace any more and answers fs.ErrNotExist. A process that ends at that very moment answers
// fs.ErrPermission.
func (f FS) NamespaceInode(pid int) (uint64, error) {
	path := f.path(pid, "ns/net")
	link, err := os.Readlink(path)
	if err != nil {
		return 0, opError("read", path, errors.Unwrap(err))
	}
	inode, ok := bracketed([]byte(link), "net")
	if !ok {
		return 0, opError("parse", path, errors.New("unknown link "+strconv.Quote(link)))
	}
	return inode, nil
}

// SocketInode returns the inode of the socket behind a descriptor, 0 when it is no socket. It needs the right to trace the process.
//
// Errors: fs.ErrNotExist when the descriptor or the process is gone.
func (f FS) SocketInode(pid, fd int) (uint32, error) {
	path := f.path(pid, "fd/"+strconv.Itoa(fd))
	link, err := os.Readlink(path)
	if err != nil {
		return 0, opError("read link", path, err)
	}
	n, _ := bracketed([]byte(link), "socket")
	return uint32(n), nil
}

// SocketProtocol returns the protocol of the socket behind a descriptor as the kernel names it: "TCP", "TCPv6", "MPTCP", "UDP", "UNIX". A dead socket, which
// is in no table, still has it (sockfs_xattr_get in net/socket.c, since 2.6.37). It needs the right to trace the process.
//
// It is meant for descriptors known to be sockets: for a file on a file server that does not answer it would wait.
func (f FS) SocketProtocol(pid, fd int) (string, error) {
	path := f.path(pid, "fd/"+strconv.Itoa(fd))
	name := make([]byte, 64)
	n, err := unix.Getxattr(path, "system.sockprotoname", name)
	if err != nil {
		return "", opError("read protocol", path, err)
	}
	text, _, _ := bytes.Cut(name[:n], []byte{0})
	return string(text), nil
}
