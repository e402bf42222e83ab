/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* What both ways through the descriptors, holders.c and tables.c, tell of one. The fewer branches they take, the sooner the kernel has examined them: what the facts
 * mean is for the reader, holders.go. */

#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include "kernel.h"

struct holder {
	__u32 pid;
	__u32 fd;
	__u32 inode;
	__u32 netns;
	__u32 used; /* of a closed TCP socket: not 0 if it was ever part of a connection */
	__u16 family; /* 0 for what is no socket */
	__u16 protocol;
	union {
		struct {
			__u16 type;
			__u8 state;
			__u8 closes; /* on exec */
		};
		__u64 name; /* the first bytes, of a file of the kernel's own; 0 for any other */
	};
};

INLINE __u32 any(__u64 bits)
{
	return (__u32)bits | bits >> 32;
}

/* used_of folds what every connection has changed. It is asked of closed sockets alone: a tcp_sock lies in memory that no cache holds, and reading it costs more than
 * all else that is told of a descriptor. */
INLINE __u32 used_of(struct tcp_sock *tcp)
{
	return any(tcp->bytes_acked | tcp->bytes_received | tcp->delivered | tcp->snd_wnd);
}

#endif
