/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */

/* Who holds the sockets of this host, at the price of a few loads a descriptor: the program reads the tables of descriptors itself. It takes no reference to
 * anything, so what it has read counts only if the table still says the same afterwards. */

#include "descriptor.h"

/* The first element is struct progress, the others are descriptors. The loader makes the map as large as the host may need. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct holder);
} records SEC(".maps");

struct progress {
	__u32 count; /* elements in use with this one, or how many would be if there was room */
	__u32 from;  /* which words of 64 descriptors this pass looks at: the first, and the one after the last */
	__u32 until;
	__u32 more; /* whether a table goes on after what this pass looks at */
	__u32 torn; /* whether a table was replaced by a larger one meanwhile, so that the old one was not kept up to date */
};

INLINE __u32 pid_here(struct task_struct *task)
{
	struct task_struct *reader = CAST(struct task_struct, bpf_get_current_task_btf());
	struct pid *pid = task->thread_pid;

	return CAST(struct upid, (__u64)&pid->numbers[0] + reader->thread_pid->level * SIZE_OF(struct upid))->nr;
}

/* describe_socket may be handed a socket of any kind, or none: what it then reads of a tcp_sock means nothing, and harms nothing either. */
INLINE void describe_socket(struct holder *out, struct sock *sk)
{
	out->netns = sk->__sk_common.skc_net.net->ns.inum;
	out->family = sk->__sk_common.skc_family;
	out->protocol = sk->sk_protocol;
	out->type = sk->sk_type;
	out->state = sk->__sk_common.skc_state;
	if (out->state == TCP_CLOSE)
		out->used = used_of(CAST(struct tcp_sock, sk));
}

/* descriptor appends what descriptor fd is if it is still that when all has been read. A load from nowhere gives 0. */
INLINE void descriptor(struct progress *progress, __u32 pid, __u32 fd, __u64 place, __u8 closes)
{
	__u64 address = WORD(place);
	struct file *file = CAST(struct file, address);
	struct inode *inode = file->f_inode;
	__u64 magic = inode->i_sb->s_magic;
	struct holder out = {.pid = pid, .fd = fd, .inode = inode->i_ino};
	struct holder *to;
	__u32 index;

	if (magic == SOCKFS_MAGIC)
		describe_socket(&out, CAST(struct socket, file->private_data)->sk), out.closes = closes;
	else if (magic == ANON_INODE_FS_MAGIC)
		out.name = WORD(file->f_path.dentry->d_name.name);
	if (!out.name || WORD(place) != address)
		return;
	index = progress->count;
	to = bpf_map_lookup_elem(&records, &index);
	if (to)
		*to = out;
	progress->count = index + 1;
}

INLINE void pass(struct progress *progress, __u32 pid, struct fdtable *fdt)
{
	struct bpf_iter_num words, bits;
	__u64 open, close, places = (__u64)fdt->fd, marks = (__u64)fdt->open_fds, exec = (__u64)fdt->close_on_exec;
	__u32 until = (fdt->max_fds + 63) / 64;
	int *word, *bit;

	if (until > progress->until) {
		until = progress->until;
		progress->more = 1;
	}
	bpf_iter_num_new(&words, progress->from, until);
	while ((word = bpf_iter_num_next(&words))) {
		__u32 base = *word * 64;

		open = WORD(marks + *word * 8ULL);
		if (!open)
			continue;
		close = WORD(exec + *word * 8ULL);
		bpf_iter_num_new(&bits, 0, 64);
		while ((bit = bpf_iter_num_next(&bits)))
			if (open >> (*bit & 63) & 1)
				descriptor(progress, pid, base + *bit, places + 8ULL * (base + *bit), close >> (*bit & 63) & 1);
		bpf_iter_num_destroy(&bits);
	}
	bpf_iter_num_destroy(&words);
}

SEC("iter/task")
int tables(struct bpf_iter__task *ctx)
{
	struct task_struct *task = CAST(struct task_struct, ctx->task);
	struct files_struct *files;
	struct progress *progress;
	struct fdtable *fdt;
	__u32 zero = 0, before;

	/* The descriptors of a process are those of its first thread, as in /proc/PID/fd. */
	progress = bpf_map_lookup_elem(&records, &zero);
	if (!ctx->task || !progress || task->pid != task->tgid)
		return 0;
	files = task->files;
	if (!files)
		return 0;
	before = progress->count;
	fdt = files->fdt;
	pass(progress, pid_here(task), fdt);
	/* The table of a process that is ending, or parting with it, belongs to nobody and may be anything. */
	if (task->files != files)
		progress->count = before;
	else if (files->fdt != fdt)
		progress->torn = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
