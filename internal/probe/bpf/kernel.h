/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* The few parts of the kernel's types and of the BPF interface that the programs here use. Offsets are those of the running kernel: the loader relocates
 * every access (CO-RE), so the structures name only the fields that are read. */

#ifndef KERNEL_H
#define KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))
#define SIZE_OF(type) __builtin_preserve_type_info(*(typeof(type) *)0, 1) /* BPF_TYPE_SIZE */
#define RELOCATED __attribute__((preserve_access_index))

#define ANON_INODE_FS_MAGIC 0x09041934 /* include/uapi/linux/magic.h */

struct file;
struct seq_file;
struct socket;
struct task_struct;
struct tcp_sock;

/* Numbers of enum bpf_func_id, include/uapi/linux/bpf.h. */
static long (*bpf_probe_read_kernel)(void *to, __u32 size, const void *from) = (void *)113;
static long (*bpf_seq_write)(struct seq_file *to, const void *data, __u32 length) = (void *)127;
static struct tcp_sock *(*bpf_skc_to_tcp_sock)(void *sk) = (void *)137;
static struct task_struct *(*bpf_get_current_task_btf)(void) = (void *)158;
static struct socket *(*bpf_sock_from_file)(struct file *file) = (void *)162;

struct upid {
	int nr;
} RELOCATED;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} RELOCATED;

struct task_struct {
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

struct sock_common {
	volatile unsigned char skc_state;
	possible_net_t skc_net;
} RELOCATED;

struct sock {
	struct sock_common __sk_common;
} RELOCATED;

struct socket {
	struct sock *sk;
} RELOCATED;

struct tcp_sock {
	__u32 snd_wnd;
	__u32 delivered;
	__u64 bytes_received;
	__u64 bytes_acked;
} RELOCATED;

struct bpf_iter_meta {
	struct seq_file *seq;
} RELOCATED;

#endif
