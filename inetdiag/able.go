package inetdiag

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"

	"github.com/closewait/closewait/tcp"
)

// CanDestroy reports whether [Conn.Destroy] would be let, without ending anything: nil when it would. The permission is asked for first, by a condition that wants the same
// capability (inet_diag_bc_audit), and then the kernel is to destroy a socket that cannot exist: that there is no such socket means that it could (tcp_diag_destroy).
//
// Errors: fs.ErrPermission without CAP_NET_ADMIN in the user namespace that owns the network namespace; errors.ErrUnsupported without CONFIG_INET_DIAG_DESTROY.
func (c *Conn) CanDestroy(ctx context.Context) error {
	_, err := c.Dump(ctx, Query{States: tcp.SetOf(tcp.Listen), Condition: tcp.Mark{}}, func(*tcp.Socket) error { return nil })
	if err != nil {
		return err
	}
	nowhere := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	if err = c.Destroy(ctx, &tcp.Socket{Family: tcp.IPv4, Local: nowhere, Peer: nowhere, Cookie: 1}); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
