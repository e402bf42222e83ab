/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* What the sockets of a network namespace have of their own that decides when a running timer ends them. sock_diag does not report it, and getsockopt takes a
 * descriptor, which orphans and connections that nobody has accepted lack. */

#include "timer.h"

/* struct option is read by options.go. Times are in jiffies but for user_timeout; 0 is what the namespace has. The last fields are one moment's: the timer that sock_diag
 * reports, which is the write timer where that runs and otherwise that of keepalive, as it hangs in the timer wheel (kernel/time/timer.c). */
struct option {
	__u64 cookie;
	__u32 user_timeout; /* in milliseconds, 0 is none */
	__u32 rto_max;	    /* 0 before 6.15 */
	__u32 keepalive_time;
	__u32 keepalive_interval;
	__u8 keepalive_probes;
	__u8 syn_retries;
	__u8 thin;
	__u8 stamped;	  /* ahead is known */
	__u16 recoveries; /* total_rto_recoveries when it was */
	__u16 soft_error; /* sk_err_soft */
	__u64 congestion[2]; /* the name of the congestion control */
	__s32 ahead;	     /* ms by which now - retrans_stamp is more than tcpi_total_rto_time */
	__u32 rto_min;
	__u64 jiffies; /* the kernel's count of them when the timer was looked at */
	__s32 expires; /* how many of them later the timer expires; negative when that has passed */
	__u16 slot;    /* where it hangs in the wheel: 64 times the level, and the number of the slot there; NOWHERE if it does not */
	__u8 count;    /* of retransmissions or unanswered probes, as sock_diag reports them with the timer */
	__u8 unused;
	__s32 linger;  /* TCP_LINGER2: negative is none at all */
	__s32 probing; /* from the first probe, from which user_timeout counts, to the expiry of the running one; 0 when nothing is probed */
};

#define NOWHERE 0xffff

/* measure finds out how far the time since the first retransmission, on which the limits count, is ahead of what tcp_info reports of recoveries by time-out (since 6.7). */
INLINE void measure(struct option *out, struct tcp_sock *tcp)
{
	if (!EXISTS(tcp->rto_stamp) || !EXISTS(tcp->tcp_usec_ts))
		return;
	if (!tcp->rto_stamp || !tcp->retrans_stamp || BITS(tcp, tcp_usec_ts))
		return;
	out->ahead = tcp->rto_stamp - tcp->retrans_stamp - tcp->total_rto_time;
	out->recoveries = tcp->total_rto_recoveries;
	out->stamped = 1;
}

/* timer_of finds the timer that sock_diag reports (inet_sk_diag_fill). */
INLINE struct timer_list *timer_of(struct sock *sk, struct inet_connection_sock *icsk)
{
	return icsk->icsk_pending ? write_timer(sk, icsk) : keepalive_timer(sk, icsk);
}

/* hang tells where a timer hangs. */
INLINE void hang(struct option *out, struct timer_list *timer)
{
	out->slot = NOWHERE;
	out->jiffies = bpf_jiffies64();
	if (!timer->entry.pprev)
		return;
	out->expires = (__s32)((__u32)timer->expires - (__u32)out->jiffies);
	out->slot = timer->flags >> TIMER_ARRAYSHIFT;
}

SEC("iter/tcp")
int options(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = CAST(struct sock, ctx->sk_common);
	struct inet_connection_sock *icsk = CAST(struct inet_connection_sock, ctx->sk_common);
	struct tcp_sock *tcp = CAST(struct tcp_sock, ctx->sk_common);
	struct tcp_congestion_ops *congestion;
	struct timer_list *timer;
	struct option out = {};
	__u8 state;

	if (!ctx->sk_common)
		return 0;
	/* Mini sockets are no sockets, and listeners have no timer. */
	state = sk->__sk_common.skc_state;
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV || state == TCP_LISTEN)
		return 0;
	timer = timer_of(sk, icsk);
	if (!icsk->icsk_pending && !timer->entry.pprev)
		return 0;
	out.cookie = bpf_get_socket_cookie(ctx->sk_common);
	out.user_timeout = icsk->icsk_user_timeout;
	if (EXISTS(icsk->icsk_rto_max))
		out.rto_max = icsk->icsk_rto_max;
	out.keepalive_time = tcp->keepalive_time;
	out.keepalive_interval = tcp->keepalive_intvl;
	out.keepalive_probes = tcp->keepalive_probes;
	out.syn_retries = icsk->icsk_syn_retries;
	out.thin = BITS(tcp, thin_lto);
	congestion = CAST(struct tcp_congestion_ops, icsk->icsk_ca_ops);
	out.congestion[0] = WORD(&congestion->name[0]);
	out.congestion[1] = WORD(&congestion->name[8]);
	out.soft_error = sk->sk_err_soft;
	if (EXISTS(icsk->icsk_rto_min))
		out.rto_min = icsk->icsk_rto_min;
	out.count = icsk->icsk_pending && icsk->icsk_pending != ICSK_TIME_PROBE0 ? icsk->icsk_retransmits : icsk->icsk_probes_out;
	measure(&out, tcp);
	hang(&out, timer);
	out.linger = tcp->linger2;
	if (icsk->icsk_pending == ICSK_TIME_PROBE0 && icsk->icsk_probes_tstamp && timer->entry.pprev)
		out.probing = (__s32)((__u32)timer->expires - icsk->icsk_probes_tstamp);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
