/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* Who holds the sockets of this host: one pass over the descriptors of all processes. */

#include "kernel.h"

/* struct holder is read by holders.go. */
struct holder {
	__u32 pid;
	__u32 fd;
	__u32 inode;
	__u32 netns;
	__u8 kind;
	__u8 state;
	__u8 connected;
	__u8 unused;
};

/* Kinds of descriptors. */
#define OTHER_SOCKET 0
#define TCP_SOCKET 1
#define EPOLL 2

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#define INLINE static __attribute__((always_inline))

/* pid_here returns the pid by which the reader of the iterator knows a process: one of its own namespace. */
INLINE __u32 pid_here(struct task_struct *task)
{
	unsigned int level = bpf_get_current_task_btf()->thread_pid->level;
	struct pid *pid = task->thread_pid;
	int nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)&pid->numbers[0].nr + level * SIZE_OF(struct upid));
	return nr;
}

union name {
	char text[16];
	__u64 words[2];
};

/* is_epoll knows the file by its name, which nothing but the kernel gives to files of this file system. */
INLINE int is_epoll(struct file *file)
{
	const union name epoll = {"[eventpoll]"};
	union name is = {};

	if (file->f_inode->i_sb->s_magic != ANON_INODE_FS_MAGIC)
		return 0;
	bpf_probe_read_kernel(is.text, sizeof("[eventpoll]"), file->f_path.dentry->d_name.name);
	return is.words[0] == epoll.words[0] && is.words[1] == epoll.words[1];
}

INLINE void describe_socket(struct holder *out, struct sock *sk)
{
	struct tcp_sock *tcp;

	if (!sk)
		return;
	out->netns = sk->__sk_common.skc_net.net->ns.inum;
	/* Sockets of Multipath TCP are of a protocol of their own. */
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	out->kind = TCP_SOCKET;
	out->state = sk->__sk_common.skc_state;
	out->connected = tcp->delivered || tcp->bytes_acked || tcp->bytes_received || tcp->snd_wnd;
}

SEC("iter/task_file")
int holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct holder out = {};

	/* A thread is visited by itself when it has descriptors of its own; /proc/PID/fd shows those of the leader. */
	if (!task || !file || task->pid != task->tgid)
		return 0;
	socket = bpf_sock_from_file(file);
	if (socket)
		describe_socket(&out, socket->sk);
	else if (is_epoll(file))
		out.kind = EPOLL;
	else
		return 0;
	out.pid = pid_here(task);
	out.fd = ctx->fd;
	out.inode = file->f_inode->i_ino;
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
