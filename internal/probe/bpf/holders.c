/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* Who holds the sockets of this host: one pass over the descriptors of all processes. */

#include "descriptor.h"

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

/* pid_here returns the pid by which the reader of the iterator knows a process: one of its own namespace. The address is fetched as a number, because kernels before 6.2 let
 * nothing be added to pointers that they cannot bound. */
INLINE __u32 pid_here(struct task_struct *task)
{
	__u32 level = bpf_get_current_task_btf()->thread_pid->level;
	__u64 numbers = 0;
	int nr = 0;

	bpf_probe_read_kernel(&numbers, sizeof(numbers), &task->thread_pid);
	numbers += (__u64)&((struct pid *)0)->numbers[0].nr;
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)(numbers + level * SIZE_OF(struct upid)));
	return nr;
}

INLINE void describe_socket(struct holder *out, struct sock *sk)
{
	struct tcp_sock *tcp;

	if (!sk)
		return;
	out->netns = sk->__sk_common.skc_net.net->ns.inum;
	out->family = sk->__sk_common.skc_family;
	out->protocol = sk->sk_protocol;
	out->type = sk->sk_type;
	out->state = sk->__sk_common.skc_state;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp && out->state == TCP_CLOSE)
		out->used = used_of(tcp);
}

INLINE __u8 closes_on_exec(struct task_struct *task, __u32 fd)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)((__u64)task->files->fdt->close_on_exec + fd / 64 * 8ULL));
	return word >> (fd & 63) & 1;
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
		describe_socket(&out, socket->sk), out.closes = closes_on_exec(task, ctx->fd);
	else if (file->f_inode->i_sb->s_magic == ANON_INODE_FS_MAGIC)
		bpf_probe_read_kernel(&out.name, sizeof(out.name), file->f_path.dentry->d_name.name);
	if (!out.name)
		return 0;
	out.pid = pid_here(task);
	out.fd = ctx->fd;
	out.inode = file->f_inode->i_ino;
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
