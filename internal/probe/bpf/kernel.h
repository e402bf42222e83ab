/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* The few parts of the kernel's types and of the BPF interface that the programs here use. Offsets are those of the running kernel: the loader relocates
 * every access (CO-RE), so the structures name only the fields that are read. */

#ifndef KERNEL_H
#define KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static __attribute__((always_inline))
#define SIZE_OF(type) __builtin_preserve_type_info(*(typeof(type) *)0, 1) /* BPF_TYPE_SIZE */
#define TYPE_ID(type) __builtin_btf_type_id(*(typeof(type) *)0, 1) /* BPF_TYPE_ID_TARGET */
#define EXISTS(field) __builtin_preserve_field_info(field, 2)
/* BITS loads a bit field that lies within one byte. */
#define BITS(from, field) \
	((__u64)*((__u8 *)(from) + __builtin_preserve_field_info((from)->field, 0)) << __builtin_preserve_field_info((from)->field, 4) >> \
	 __builtin_preserve_field_info((from)->field, 5))
#define CAST(type, address) ((type *)bpf_rdonly_cast((const void *)(address), TYPE_ID(type)))
/* WORD loads 64 bits from anywhere, as if they were the seconds of a time. */
#define WORD(address) (CAST(struct timespec64, address)->tv_sec)
#define RELOCATED __attribute__((preserve_access_index))

/* The notation of maps (BTF-defined). */
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_F_MMAPABLE 1024

#define TIMER_ARRAYSHIFT 22 /* include/linux/timer.h */
#define ANON_INODE_FS_MAGIC 0x09041934 /* include/uapi/linux/magic.h */
#define SOCKFS_MAGIC 0x534f434b
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12
#define TCP_SYN_RECV 3
#define AF_INET6 10
#define ICSK_TIME_RETRANS 1 /* include/net/inet_connection_sock.h */
#define ICSK_TIME_PROBE0 3
#define ICSK_TIME_LOSS_PROBE 5
#define ICSK_TIME_REO_TIMEOUT 6

struct file;
struct seq_file;
struct socket;
struct task_struct;
struct tcp_sock;

/* Numbers of enum bpf_func_id, include/uapi/linux/bpf.h. */
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static __u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static __u64 (*bpf_get_socket_cookie)(void *sk) = (void *)46; /* of iterators since 5.12 */
static __u64 (*bpf_jiffies64)(void) = (void *)118; /* since 5.6 */
static long (*bpf_probe_read_kernel)(void *to, __u32 size, const void *from) = (void *)113;
static long (*bpf_seq_write)(struct seq_file *to, const void *data, __u32 length) = (void *)127;
static struct tcp_sock *(*bpf_skc_to_tcp_sock)(void *sk) = (void *)137;
static struct task_struct *(*bpf_get_current_task_btf)(void) = (void *)158;
static struct socket *(*bpf_sock_from_file)(struct file *file) = (void *)162;

/* Functions of the kernel that programs may call (kfuncs), by name. */
#define KERNEL_FUNCTION extern __attribute__((section(".ksyms")))
struct bpf_iter_num {
	__u64 opaque[1];
};
KERNEL_FUNCTION void *bpf_rdonly_cast(const void *address, __u32 type);						/* since 6.2 */
KERNEL_FUNCTION int bpf_iter_num_new(struct bpf_iter_num *numbers, int from, int until);			/* since 6.4 */
KERNEL_FUNCTION int *bpf_iter_num_next(struct bpf_iter_num *numbers);
KERNEL_FUNCTION void bpf_iter_num_destroy(struct bpf_iter_num *numbers);

struct timespec64 {
	long long tv_sec;
} RELOCATED;

struct upid {
	int nr;
} RELOCATED;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} RELOCATED;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
	unsigned long *open_fds;
} RELOCATED;

struct files_struct {
	struct fdtable *fdt;
} RELOCATED;

struct task_struct {
	struct files_struct *files;
	int pid;
	int tgid;
	struct pid *thread_pid;
} RELOCATED;

struct super_block {
	unsigned long s_magic;
} RELOCATED;

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
} RELOCATED;

struct qstr {
	const unsigned char *name;
} RELOCATED;

struct dentry {
	struct qstr d_name;
} RELOCATED;

struct path {
	struct dentry *dentry;
} RELOCATED;

struct file {
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
} RELOCATED;

struct ns_common {
	unsigned int inum;
} RELOCATED;

struct net {
	struct ns_common ns;
} RELOCATED;

typedef struct {
	struct net *net;
} RELOCATED possible_net_t;

struct in6_addr {
	__u64 words[2];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} RELOCATED;

struct hlist_node {
	void *pprev;
} RELOCATED;

struct timer_list {
	struct hlist_node entry;
	unsigned long expires;
	__u32 flags;
} RELOCATED;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	struct timer_list sk_timer;
	struct timer_list tcp_retransmit_timer; /* since 6.19, in the place of icsk_retransmit_timer */
	int sk_err_soft;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	unsigned long sk_ino; /* since 6.18; before, the inode is asked for through the socket */
	struct socket *sk_socket;
} RELOCATED;

struct socket {
	struct sock *sk;
} RELOCATED;

struct socket_alloc {
	struct inode vfs_inode;
} RELOCATED;

struct request_sock {
	__u8 num_retrans;
	struct timer_list rsk_timer;
} RELOCATED;

struct inet_timewait_sock {
	volatile unsigned char tw_substate;
	struct timer_list tw_timer;
} RELOCATED;

struct tcp_congestion_ops {
	char name[16];
} RELOCATED;

struct inet_connection_sock {
	struct tcp_congestion_ops *icsk_ca_ops;
	struct timer_list icsk_retransmit_timer; /* until 6.18 */
	struct timer_list icsk_keepalive_timer;	 /* since 6.19, in the place of sk_timer */
	__u32 icsk_rto_min;
	__u32 icsk_rto_max; /* since 6.15 */
	__u32 icsk_user_timeout;
	__u8 icsk_pending;
	__u8 icsk_syn_retries;
	unsigned long icsk_timeout; /* before 6.18 or so, when the timer began to be asked itself */
	__u32 icsk_rto;
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits;
	__u8 icsk_backoff;
	__u8 icsk_probes_out;
	__u32 icsk_probes_tstamp;
	struct {
		__u32 lrcvtime;
	} RELOCATED icsk_ack;
} RELOCATED;

struct tcp_sock {
	__u32 keepalive_time;
	__u32 keepalive_intvl;
	__u8 keepalive_probes;
	__u8 thin_lto : 1;
	__u8 tcp_usec_ts : 1;
	__u16 total_rto_recoveries; /* since 6.7, as the next two */
	__u32 total_rto_time;
	__u32 rto_stamp;
	__u32 retrans_stamp;
	__u32 snd_wnd;
	__u32 delivered;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 write_seq;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 packets_out;
	__u32 lsndtime;
	__u32 rcv_tstamp;
	__u32 srtt_us;
	__u32 mdev_us;
	__u32 mss_cache;
	__u32 rcv_wnd;
	__u32 snd_ssthresh;
	__u32 data_segs_out;
	__u32 total_retrans;
	__u16 total_rto; /* since 6.7 */
	int linger2;
} RELOCATED;

struct bpf_iter_meta {
	struct seq_file *seq;
} RELOCATED;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#endif
