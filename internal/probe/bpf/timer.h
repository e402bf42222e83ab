/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

#ifndef TIMER_H
#define TIMER_H

#include "kernel.h"

/* write_timer and keepalive_timer find the two timers that sock_diag reports. */
INLINE struct timer_list *write_timer(struct sock *sk, struct inet_connection_sock *icsk)
{
	return EXISTS(icsk->icsk_retransmit_timer) ? &icsk->icsk_retransmit_timer : &sk->tcp_retransmit_timer;
}

INLINE struct timer_list *keepalive_timer(struct sock *sk, struct inet_connection_sock *icsk)
{
	return EXISTS(icsk->icsk_keepalive_timer) ? &icsk->icsk_keepalive_timer : &sk->sk_timer;
}

#endif
