package unixdiag

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/netlink"
)

// Read reads the table of unix sockets of the network namespace that the calling thread is in. A connection belongs, at both ends, to the namespace of the program that made it, and a listener to
// that of its own (unix_stream_connect).
//
// Errors: those of netlink.Open and Ask, that of ctx among them; fs.ErrNotExist where the kernel has no unix_diag.
func Read(ctx context.Context) (*Table, error) {
	conn, err := netlink.Open(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	t := newTable()
	if err := conn.Ask(ctx, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP, request(), t.add); err != nil {
		return nil, err
	}
	return t, nil
}
