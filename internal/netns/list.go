package netns

import (
	"cmp"
	"path"
	"slices"
)

// listing collects namespaces from several sources.
type listing struct {
	roots      Roots
	found      map[uint64]*Namespace
	own, host  uint64 // 0: not known
	pid        int    // our own
	task       string // the way to our own namespace if there is no other
	unreadable []Unreadable
}

func (l *listing) at(inode uint64) *Namespace {
	ns := l.found[inode]
	if ns == nil {
		ns = &Namespace{Inode: inode}
		l.found[inode] = ns
	}
	return ns
}

// process notes that a process lives in a namespace. Processes come in ascending order, so the first one stays. Our own is the better way to where we are: it does not end before we do.
func (l *listing) process(inode uint64, pid int, file string) {
	ns := l.at(inode)
	switch {
	case ns.PID == 0:
		ns.PID = pid
		ns.Path = cmp.Or(ns.Path, file)
	case pid == l.pid && ns.PID != 1:
		ns.Path = file
	}
}

// mounted notes a file that keeps a namespace. A file with a name is the best path, as it does not end with a process; of several the first in the alphabet
// counts.
func (l *listing) mounted(inode uint64, file string) {
	ns := l.at(inode)
	dir, name := path.Split(file)
	if !slices.Contains(l.roots.Names, path.Clean(dir)) {
		if ns.Name == "" {
			ns.Path = file
		}
		return
	}
	if ns.Name == "" || name < ns.Name {
		ns.Name, ns.Path = name, file
	}
}

// list returns what was found: the caller's own namespace first, the others by inode.
func (l *listing) list() []Namespace {
	if ns := l.found[l.host]; ns != nil {
		ns.Name = Host
	}
	if ns := l.found[l.own]; ns != nil {
		ns.Path = cmp.Or(ns.Path, l.task)
	}
	all := make([]Namespace, 0, len(l.found))
	for _, ns := range l.found {
		all = append(all, *ns)
	}
	slices.SortFunc(all, func(a, b Namespace) int {
		return cmp.Or(cmp.Compare(l.rank(a), l.rank(b)), cmp.Compare(a.Inode, b.Inode))
	})
	return all
}

func (l *listing) rank(ns Namespace) int {
	if ns.Inode == l.own {
		return 0
	}
	return 1
}
