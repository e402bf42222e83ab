package neighbour

import (
	"context"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/netlink"
)

// Conn is a connection to rtnetlink in the network namespace of the thread that opened it.
type Conn struct{ kernel *netlink.Conn }

// Open connects to rtnetlink. It needs no privilege.
func Open() (*Conn, error) {
	kernel, err := netlink.Open(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return &Conn{kernel}, nil
}

// Close closes the connection.
func (c *Conn) Close() { c.kernel.Close() }

// Table reads what the kernel knows of neighbours.
func (c *Conn) Table(ctx context.Context) (*Table, error) {
	t := &Table{map[place]entry{}, map[tableOf]asking{}}
	err := c.kernel.Ask(ctx, unix.RTM_GETNEIGH, unix.NLM_F_DUMP, make([]byte, neighSize), func(body []byte) {
		if p, e, ok := decodeNeighbour(body); ok {
			t.entries[p] = e
		}
	})
	if err != nil || t.Empty() {
		return t, err
	}
	return t, c.kernel.Ask(ctx, unix.RTM_GETNEIGHTBL, unix.NLM_F_DUMP, make([]byte, tableSize), func(body []byte) {
		if of, how, ok := decodeTable(body); ok {
			t.asking[of] = how
		}
	})
}

// Route finds where packets go next; ok is false where they stay on this host or cannot be sent.
func (c *Conn) Route(ctx context.Context, w Way) (r Route, ok bool, err error) {
	to, from := w.To.Unmap(), w.From.Unmap()
	body := make([]byte, routeSize, 64)
	body[0], body[1] = addressFamily, byte(to.BitLen())
	if to.Is6() {
		body[0] = unix.AF_INET6
	}
	body = netlink.Attribute(body, unix.RTA_DST, to.AsSlice())
	if from.IsValid() && !from.IsUnspecified() && from.BitLen() == to.BitLen() {
		body[2] = byte(from.BitLen())
		body = netlink.Attribute(body, unix.RTA_SRC, from.AsSlice())
	}
	if w.Device != 0 {
		body = netlink.Attribute(body, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, w.Device))
	}
	err = c.kernel.Ask(ctx, unix.RTM_GETROUTE, 0, body, func(body []byte) { r.place, ok = decodeRoute(body, to) })
	return r, ok, err
}
