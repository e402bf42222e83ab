package netns

import (
	"bytes"
	"strconv"
)

// Host is the name of the network namespace of the host: that of process 1.
const Host = "host"

// Namespace is one network namespace.
type Namespace struct {
	Inode uint64 // of its file in nsfs
	// Name is Host, or the name ip-netns(8) knows it by, or "".
	Name string
	PID  int    // a process in it, the one with the lowest pid; 0 when none is known
	Path string // a file to open it by, see Roots.Open
}

// Unreadable is something that may lead to a namespace not in the list.
type Unreadable struct {
	PID  int    // the process, 0 when it is a file
	Path string // what was tried
	Err  error  // why not: mostly EACCES, errors.Is(Err, fs.ErrPermission)
}

// Roots says where things are.
type Roots struct {
	Proc string // normally "/proc"
	// Names are the directories in which ip-netns(8) keeps names: normally /run/netns and /var/run/netns, which may be the same.
	Names []string
}

// DefaultRoots returns the usual places.
func DefaultRoots() Roots {
	return Roots{Proc: "/proc", Names: []string{"/run/netns", "/var/run/netns"}}
}

// parseLink parses "net:[4026531840]", the link in /proc/PID/ns (ns_get_name in fs/nsfs.c) and the root of a mount of nsfs.
func parseLink(link []byte) (inode uint64, ok bool) {
	digits, ok := bytes.CutPrefix(link, []byte("net:["))
	if !ok {
		return 0, false
	}
	if digits, ok = bytes.CutSuffix(digits, []byte("]")); !ok {
		return 0, false
	}
	inode, err := strconv.ParseUint(string(digits), 10, 64)
	return inode, err == nil
}

// parsePID parses the name of a directory of /proc.
func parsePID(name string) (pid int, ok bool) {
	if name == "" || name[0] < '0' || name[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(name, 10, 32)
	return int(n), err == nil
}

// parseKernelThread reports whether the line of /proc/PID/stat is that of a thread of the kernel: PF_KTHREAD (include/linux/sched.h) among the flags, field 9.
func parseKernelThread(stat []byte) bool {
	const kthread, field = 0x00200000, 9 - 3
	words := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(words) <= field {
		return false
	}
	flags, err := strconv.ParseUint(string(words[field]), 10, 64)
	return err == nil && flags&kthread != 0
}
