// Package probe asks the kernel through BPF iterators what /proc tells at several times the cost, who holds the sockets of this host; what sock_diag tells at more, which
// sockets there are; and what nothing else tells of all of them: the limits that sockets have of their own, when their timers go off, and how many jiffies the kernel has counted.
//
// It is an accelerator and never a requirement: whoever uses it has another way to the same answer. It needs CAP_BPF and CAP_PERFMON (or
// CAP_SYS_ADMIN), Linux 5.11, and a kernel that describes its types (CONFIG_DEBUG_INFO_BTF). Since 6.4 a program reads the tables of descriptors by itself, which costs a
// twentieth of reading a link of /proc/PID/fd; before, the kernel hands it each descriptor, which costs a quarter. Loading costs about as much as reading 2,000 links.
// Nothing is attached to the kernel but iterators that run when they are read, nothing is pinned, and all is gone when it is closed or the process ends.
//
// The programs are in the folder bpf. Their compiled form is kept with the sources, so that building closewait takes no C compiler; "go generate" makes it anew with
// clang 14 of Debian 12, and the checks compare.
package probe

//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -tags linux -target bpfel,bpfeb -no-global-types -cflags "-O2 -Wall -Werror -mcpu=v3" holders bpf/holders.c
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -tags linux -target bpfel,bpfeb -no-global-types -cflags "-O2 -Wall -Werror -mcpu=v3" tables bpf/tables.c
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -tags linux -target bpfel,bpfeb -no-global-types -cflags "-O2 -Wall -Werror -mcpu=v3" options bpf/options.c
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -tags linux -target bpfel,bpfeb -no-global-types -cflags "-O2 -Wall -Werror -mcpu=v3" sockets bpf/sockets.c
