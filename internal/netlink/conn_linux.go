package netlink

import (
	"context"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// Conn is a connection to one of the kernel's netlink families in the network namespace of the thread that opened it.
type Conn struct {
	fd     int
	buffer []byte
}

// Open connects to a family, NETLINK_ROUTE say. It needs no privilege.
func Open(family int) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &Conn{fd, make([]byte, 32<<10)}, nil
}

// Close closes the connection.
func (c *Conn) Close() { _ = unix.Close(c.fd) }

// Ask sends a question and calls visit for each message of the answer, without its header; what it is handed is overwritten by the next part. With NLM_F_DUMP the answer has as many messages as there are things.
//
// Errors: those of the system calls, what the kernel answered as a bare unix.Errno, and that of ctx, which is looked at before each further part of an answer; nobody else may ask on the connection then.
func (c *Conn) Ask(ctx context.Context, kind, flags uint16, body []byte, visit func(body []byte)) error {
	b := binary.NativeEndian.AppendUint32(nil, uint32(headerSize+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = append(append(b, make([]byte, 8)...), body...)
	if err := unix.Sendto(c.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	for ctx.Err() == nil {
		n, _, err := unix.Recvfrom(c.fd, c.buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		done, errno := Messages(c.buffer[:n], visit)
		switch {
		case errno != 0:
			return unix.Errno(errno)
		case done || flags&unix.NLM_F_DUMP == 0:
			return nil
		}
	}
	return ctx.Err()
}
