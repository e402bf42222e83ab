// Package netlink carries a question to the kernel and hands on its answer, message by message (netlink(7)), for doors whose answers are short. Package inetdiag has a loop of its own: its answers may have
// millions of messages.
package netlink
