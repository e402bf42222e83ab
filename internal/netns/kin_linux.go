package netns

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// markFile is a file of every network namespace whose inode in /proc is the namespace's own: each namespace has its own tree of entries below
// /proc/PID/net, and the number of an entry is never that of another (proc_alloc_inum). Unlike /proc/PID/ns/net it can be looked at without the right to
// trace the process.
const markFile = "net/dev"

// mark returns the number by which the namespace of a process can be recognised, 0 when it cannot be had.
func (l *listing) mark(process string) uint64 {
	var st unix.Stat_t
	if unix.Stat(l.roots.Proc+"/"+process+"/"+markFile, &st) != nil {
		return 0
	}
	return st.Ino
}

// recognise takes those processes off the unreadable ones that live in a namespace that was found, and leaves one for each namespace that was not.
func (l *listing) recognise() {
	if len(l.unreadable) == 0 {
		return
	}
	known := map[uint64]uint64{l.mark("thread-self"): l.own}
	for _, ns := range l.found {
		if ns.PID != 0 {
			known[l.mark(strconv.Itoa(ns.PID))] = ns.Inode
		}
	}
	kept := l.unreadable[:0]
	for _, u := range l.unreadable {
		mark := uint64(0)
		if u.PID != 0 {
			mark = l.mark(strconv.Itoa(u.PID))
		}
		inode, seen := known[mark]
		if mark == 0 || !seen {
			known[mark] = 0
			kept = append(kept, u)
		}
		if u.PID == 1 && inode != 0 {
			l.host = inode
		}
	}
	l.unreadable = kept
}
