// Package sysctl reads and writes kernel settings below /proc/sys, and says what the files of sysctl.d will make of them at the next boot.
//
// Settings below net belong to a network namespace: that of the calling thread at the moment of the read or write (proc_sys_permission and net_ctl_root in
// net/sysctl_net.c look at the current task), not that of the process and not one that could be named in the path. Whoever wants those of another namespace
// has to be in it, on a locked thread.
//
// At boot one of two programs applies the files, and they differ: see [Loader] and [Boot]. [DropIns] writes files of its own.
//
// An FS is a value without state and safe for concurrent use. What the settings mean is known to package setting.
package sysctl
