// Package sysctl reads kernel settings below /proc/sys and knows what those of TCP mean.
//
// Settings below net belong to a network namespace: that of the calling thread at the moment of the read (proc_sys_permission and net_ctl_root in
// net/sysctl_net.c look at the current task), not that of the process and not one that could be named in the path. Whoever wants those of another namespace
// has to be in it, on a locked thread.
//
// Nothing here writes. An FS is a value without state and safe for concurrent use.
package sysctl
