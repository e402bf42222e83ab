// Package unixdiag asks the kernel which sockets of unix domain streams are connected to which (NETLINK_SOCK_DIAG, include/uapi/linux/unix_diag.h), which anybody may ask.
//
// Programs that serve TCP wait for others behind such sockets: a proxy for its back-end, an application for its database. /proc/net/unix shows that there is a connection, and not to whom.
package unixdiag
