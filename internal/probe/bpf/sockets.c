/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* The sockets of a network namespace with what a list shows of each, at less than sock_diag takes: nothing is looked at that nobody asked for, so that half of the memory that
 * a socket occupies is not touched, and no message is put together. What is told is what sock_diag would tell (inet_sk_diag_fill, inet_twsk_diag_fill, inet_req_diag_fill,
 * tcp_diag_get_info, tcp_get_info); only times are in jiffies. */

#include "timer.h"

/* The parts of struct tcp_info that a shown socket has. */
#define PART_CONNECTION 1 /* of every connection */
#define PART_TIMER 2	  /* what a forecast wants of one that a timer may end */
#define PART_TIMEOUTS 4	  /* with them: what kernels count since 6.7 */

/* struct shown is read by sockets.go. It is a struct inet_diag_msg in other words, and the fields of struct tcp_info. */
struct shown {
	__u64 cookie;
	__u64 local[2]; /* in network order, as the peer's port; the first 32 bits are an IPv4 address */
	__u64 peer[2];
	__u16 local_port;
	__u16 peer_port;
	__u8 family;
	__u8 state;
	__u8 timer;
	__u8 count;
	__u32 interface;
	__s32 expires;
	__u32 receive_queue;
	__u32 send_queue;
	__u32 uid;
	__u32 inode;
	__u8 parts;
	__u8 ca_state;
	__u8 retransmits;
	__u8 probes;
	__u8 backoff;
	__u8 unused[3];
	__u32 rto;
	__u32 rtt;
	__u32 unacked;
	__u32 not_sent;
	__u32 send_window;
	__u32 last_data_sent;
	__u32 last_data_received;
	__u32 last_ack_received;
	__u32 data_segments_sent;
	__u32 rtt_variation;
	__u32 send_mss;
	__u32 send_threshold;
	__u32 receive_window;
	__u32 total_retransmitted;
	__u32 total_timeouts_time; /* in milliseconds */
	__u16 total_timeouts;
	__u16 total_recoveries;
};

INLINE __u32 positive(__u32 difference)
{
	return (__s32)difference < 0 ? 0 : difference;
}

INLINE __u32 inode_of(struct sock *sk)
{
	struct socket_alloc *file;

	if (EXISTS(sk->sk_ino))
		return sk->sk_ino;
	file = CAST(struct socket_alloc, sk->sk_socket);
	return sk->sk_socket ? file->vfs_inode.i_ino : 0;
}

/* expiry is when the write timer does. */
INLINE __u32 expiry(struct sock *sk, struct inet_connection_sock *icsk)
{
	if (EXISTS(icsk->icsk_timeout))
		return icsk->icsk_timeout;
	return write_timer(sk, icsk)->expires;
}

/* time tells which timer runs: the first of those that may. */
INLINE void time(struct shown *out, struct sock *sk, struct inet_connection_sock *icsk, __u32 now)
{
	__u8 pending = icsk->icsk_pending;
	struct timer_list *keepalive = keepalive_timer(sk, icsk);

	if (pending == ICSK_TIME_RETRANS || pending == ICSK_TIME_REO_TIMEOUT || pending == ICSK_TIME_LOSS_PROBE) {
		out->timer = 1;
		out->count = icsk->icsk_retransmits;
		out->expires = expiry(sk, icsk) - now;
	} else if (pending == ICSK_TIME_PROBE0) {
		out->timer = 4;
		out->count = icsk->icsk_probes_out;
		out->expires = expiry(sk, icsk) - now;
	} else if (keepalive->entry.pprev) {
		out->timer = 2;
		out->count = icsk->icsk_probes_out;
		out->expires = (__u32)keepalive->expires - now;
	}
}

INLINE void connection(struct shown *out, struct inet_connection_sock *icsk, struct tcp_sock *tcp, __u32 now)
{
	out->parts = PART_CONNECTION;
	out->receive_queue = positive(tcp->rcv_nxt - tcp->copied_seq);
	out->send_queue = tcp->write_seq - tcp->snd_una;
	out->ca_state = BITS(icsk, icsk_ca_state);
	out->retransmits = icsk->icsk_retransmits;
	out->probes = icsk->icsk_probes_out;
	out->backoff = icsk->icsk_backoff;
	out->rto = icsk->icsk_rto;
	out->rtt = tcp->srtt_us >> 3;
	out->unacked = tcp->packets_out;
	out->not_sent = positive(tcp->write_seq - tcp->snd_nxt);
	out->send_window = tcp->snd_wnd;
	out->last_data_sent = now - tcp->lsndtime;
	out->last_data_received = now - icsk->icsk_ack.lrcvtime;
	out->last_ack_received = now - tcp->rcv_tstamp;
	out->data_segments_sent = tcp->data_segs_out;
}

INLINE void running(struct shown *out, struct tcp_sock *tcp)
{
	out->parts |= PART_TIMER;
	out->rtt_variation = tcp->mdev_us >> 2;
	out->send_mss = tcp->mss_cache;
	out->send_threshold = tcp->snd_ssthresh;
	out->receive_window = tcp->rcv_wnd;
	out->total_retransmitted = tcp->total_retrans;
	if (!EXISTS(tcp->total_rto))
		return;
	out->parts |= PART_TIMEOUTS;
	out->total_timeouts = tcp->total_rto;
	out->total_recoveries = tcp->total_rto_recoveries;
	out->total_timeouts_time = tcp->total_rto_time;
	if (tcp->rto_stamp)
		out->total_timeouts_time += (__u32)(bpf_ktime_get_ns() / 1000000) - tcp->rto_stamp;
}

INLINE void full(struct shown *out, struct sock *sk, __u32 now)
{
	struct inet_connection_sock *icsk = CAST(struct inet_connection_sock, sk);
	struct tcp_sock *tcp = CAST(struct tcp_sock, sk);

	out->inode = inode_of(sk);
	time(out, sk, icsk, now);
	if (out->state == TCP_LISTEN) {
		out->receive_queue = sk->sk_ack_backlog;
		out->send_queue = sk->sk_max_ack_backlog;
		return;
	}
	connection(out, icsk, tcp, now);
	if (out->timer)
		running(out, tcp);
}

SEC("iter/tcp")
int sockets(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = CAST(struct sock, ctx->sk_common);
	struct sock_common *common = &sk->__sk_common;
	struct inet_timewait_sock *tw = CAST(struct inet_timewait_sock, ctx->sk_common);
	struct request_sock *request = CAST(struct request_sock, ctx->sk_common);
	struct shown out = {};
	__u32 now;

	if (!ctx->sk_common)
		return 0;
	now = bpf_jiffies64();
	out.cookie = bpf_get_socket_cookie(ctx->sk_common);
	out.local_port = common->skc_num;
	out.peer_port = common->skc_dport;
	out.family = common->skc_family;
	out.state = common->skc_state;
	out.interface = common->skc_bound_dev_if;
	if (out.family == AF_INET6) {
		out.local[0] = WORD(&common->skc_v6_rcv_saddr.words[0]);
		out.local[1] = WORD(&common->skc_v6_rcv_saddr.words[1]);
		out.peer[0] = WORD(&common->skc_v6_daddr.words[0]);
		out.peer[1] = WORD(&common->skc_v6_daddr.words[1]);
	} else {
		*(__u32 *)out.local = common->skc_rcv_saddr;
		*(__u32 *)out.peer = common->skc_daddr;
	}
	if (out.state == TCP_TIME_WAIT) {
		out.state = tw->tw_substate;
		out.timer = 3;
		out.expires = (__u32)tw->tw_timer.expires - now;
	} else if (out.state == TCP_NEW_SYN_RECV) {
		out.state = TCP_SYN_RECV;
		out.timer = 1;
		out.count = request->num_retrans;
		out.expires = (__u32)request->rsk_timer.expires - now;
	} else {
		out.uid = ctx->uid;
		full(&out, sk, now);
	}
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
