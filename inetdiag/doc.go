// Package inetdiag speaks the kernel's sock_diag protocol for TCP (NETLINK_SOCK_DIAG, include/uapi/linux/inet_diag.h).
//
// It dumps the sockets of one network namespace, looks up a single one, destroys one, and reports sockets that are freed. It decodes all
// attributes of Linux 6.18 into [tcp.Socket] values, skips attributes it does not know and counts them, and never reads past the bytes it
// was given.
//
// A [Conn] belongs to the network namespace in which it was opened, for ever: to look into another namespace, open the Conn while the calling
// thread is in it. Reading needs no privilege; marks and [Conn.Destroy] need CAP_NET_ADMIN in the user namespace that owns the network namespace.
//
// # Errors
//
// Every method returns an [*OpError]. Two kinds of failure are told apart: a system call that failed holds an [*os.SyscallError]; a request the
// kernel answered with an error holds a bare [syscall.Errno]. errors.Is sees through both, so the sentinels of package errors and io/fs work:
//
//	fs.ErrNotExist          no such socket, or its cookie is another's (ENOENT)
//	fs.ErrPermission        not permitted (EPERM, EACCES)
//	errors.ErrUnsupported   the kernel cannot do it (EOPNOTSUPP): Destroy without CONFIG_INET_DIAG_DESTROY
//	syscall.EINVAL          the kernel does not know a part of the request, such as a condition newer than it
//
// # What a dump is
//
// A dump is no snapshot of one instant: the kernel walks its hash table bucket by bucket and fills one datagram of at most 32 KiB per system call, while
// connections come and go. A socket that changes state during the walk can be missing or, rarely, be reported twice (with the same cookie).
package inetdiag
