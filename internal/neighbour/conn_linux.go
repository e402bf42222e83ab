package neighbour

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// Conn is a connection to rtnetlink in the network namespace of the thread that opened it.
type Conn struct {
	fd     int
	buffer []byte
}

// Open connects to rtnetlink. It needs no privilege.
func Open() (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &Conn{fd, make([]byte, 32<<10)}, nil
}

// Close closes the connection.
func (c *Conn) Close() { _ = unix.Close(c.fd) }

// Table reads what the kernel knows of neighbours.
func (c *Conn) Table() (*Table, error) {
	t := &Table{map[place]entry{}, map[tableOf]asking{}}
	err := c.ask(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, make([]byte, neighSize), func(body []byte) {
		if p, e, ok := decodeNeighbour(body); ok {
			t.entries[p] = e
		}
	})
	if err != nil || t.Empty() {
		return t, err
	}
	return t, c.ask(unix.RTM_GETNEIGHTBL, unix.NLM_F_DUMP, make([]byte, tableSize), func(body []byte) {
		if of, how, ok := decodeTable(body); ok {
			t.asking[of] = how
		}
	})
}

// Route finds where packets go next; ok is false where they stay on this host or cannot be sent.
func (c *Conn) Route(w Way) (r Route, ok bool, err error) {
	to, from := w.To.Unmap(), w.From.Unmap()
	body := make([]byte, routeSize, 64)
	body[0], body[1] = addressFamily, byte(to.BitLen())
	if to.Is6() {
		body[0] = unix.AF_INET6
	}
	body = attribute(body, unix.RTA_DST, to.AsSlice())
	if from.IsValid() && !from.IsUnspecified() && from.BitLen() == to.BitLen() {
		body[2] = byte(from.BitLen())
		body = attribute(body, unix.RTA_SRC, from.AsSlice())
	}
	if w.Device != 0 {
		body = attribute(body, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, w.Device))
	}
	err = c.ask(unix.RTM_GETROUTE, 0, body, func(body []byte) { r.place, ok = decodeRoute(body, to) })
	return r, ok, err
}

func attribute(to []byte, kind uint16, value []byte) []byte {
	to = binary.NativeEndian.AppendUint16(to, uint16(4+len(value)))
	to = binary.NativeEndian.AppendUint16(to, kind)
	to = append(to, value...)
	return append(to, make([]byte, aligned(len(to))-len(to))...)
}

// ask sends a question and calls visit for each message of the answer.
func (c *Conn) ask(kind, flags uint16, body []byte, visit func(body []byte)) error {
	b := binary.NativeEndian.AppendUint32(nil, uint32(headerSize+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = append(append(b, make([]byte, 8)...), body...)
	if err := unix.Sendto(c.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	for {
		n, _, err := unix.Recvfrom(c.fd, c.buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		done, errno := messages(c.buffer[:n], visit)
		switch {
		case errno != 0:
			return unix.Errno(errno)
		case done || flags&unix.NLM_F_DUMP == 0:
			return nil
		}
	}
}
