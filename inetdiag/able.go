package inetdiag

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"

	"github.com/closewait/closewait/tcp"
)

// MayDestroy reports whether the caller has the permission that [Conn.Destroy] takes, and changes nothing: a condition is asked for that wants the same capability
// (inet_diag_bc_audit). Whether the kernel can do it at all is another question.
//
// Errors: fs.ErrPermission without CAP_NET_ADMIN in the user namespace that owns the network namespace.
func (c *Conn) MayDestroy(ctx context.Context) error {
	_, err := c.Dump(ctx, Query{States: tcp.SetOf(tcp.Listen), Condition: tcp.Mark{}}, func(*tcp.Socket) error { return nil })
	return err
}

// CanDestroy reports whether [Conn.Destroy] would be let, without ending anything: nil when it would. After the permission ([Conn.MayDestroy]) the kernel is asked to destroy a
// socket that cannot exist: that there is no such socket means that it could (tcp_diag_destroy).
//
// Errors: those of MayDestroy; errors.ErrUnsupported without CONFIG_INET_DIAG_DESTROY.
func (c *Conn) CanDestroy(ctx context.Context) error {
	if err := c.MayDestroy(ctx); err != nil {
		return err
	}
	nowhere := tcp.EndpointFrom(netip.IPv4Unspecified(), 0)
	err := c.Destroy(ctx, &tcp.Socket{Family: tcp.IPv4, Local: nowhere, Peer: nowhere, Cookie: 1})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
