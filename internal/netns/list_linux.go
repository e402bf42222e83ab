package netns

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// List returns every network namespace that the caller can see, that of the calling thread first and the others by inode: those that processes live in, those with a name
// below roots.Names, and those mounted anywhere else, as container runtimes do. Namespaces kept only by an open descriptor or by a socket are not found.
//
// The namespace of process 1 is called Host. Where that process may not be read, the caller's own is called so when it is the one the kernel began with, which
// alone has the setting tcp_max_orphans (tcp_table in net/ipv4/sysctl_net_ipv4.c). In a container that sees only itself, Host is thus the container's.
//
// Looking at another user's process takes the right to trace it. Where that is missing, the process is recognised as living in a namespace that was found, if it does; of those
// in other namespaces one each is returned as unreadable. The error is that
// of the context, or says that /proc could not be read at all, or not the caller's own namespace, which then is not the first; what was found until then is returned with it.
func List(ctx context.Context, roots Roots) ([]Namespace, []Unreadable, error) {
	return list(roots, func(l *listing, dir *os.File) error { return l.processes(ctx, dir) })
}

// ListNamed is List without those that have no name and that only processes live in, but for the caller's own and that of process 1. It looks at no other process, of which there may be thousands.
func ListNamed(ctx context.Context, roots Roots) ([]Namespace, []Unreadable, error) {
	return list(roots, func(l *listing, dir *os.File) error {
		l.look(int(dir.Fd()), 1)
		return ctx.Err()
	})
}

func list(roots Roots, processes func(*listing, *os.File) error) ([]Namespace, []Unreadable, error) {
	l := &listing{roots: roots, found: map[uint64]*Namespace{}, pid: os.Getpid()}
	err := l.run(processes)
	return l.list(), l.unreadable, err
}

func (l *listing) run(processes func(*listing, *os.File) error) error {
	dir, err := os.Open(l.roots.Proc)
	if err != nil {
		return opError("list", l.roots.Proc, cause(err))
	}
	defer dir.Close()
	own := l.self(int(dir.Fd()))
	if err := processes(l, dir); err != nil {
		return opError("list", l.roots.Proc, err)
	}
	l.mounts()
	for i, names := range l.roots.Names {
		if !slices.ContainsFunc(l.roots.Names[:i], func(earlier string) bool { return sameFile(earlier, names) }) {
			l.names(names)
		}
	}
	l.recognise()
	l.nameHost()
	return own
}

// self finds the namespace of the calling thread.
func (l *listing) self(proc int) error {
	inode, err := readLink(proc, "thread-self/ns/net")
	if err != nil {
		return opError("read", l.roots.Proc+"/thread-self/ns/net", err)
	}
	l.own = inode
	l.at(inode)
	// A thread that is elsewhere than its process can be reached by its own directory only.
	l.task = l.roots.Proc + "/" + strconv.Itoa(os.Getpid()) + "/task/" + strconv.Itoa(unix.Gettid()) + "/ns/net"
	return nil
}

func (l *listing) processes(ctx context.Context, dir *os.File) error {
	for {
		names, err := dir.Readdirnames(256)
		if len(names) == 0 {
			return cause(ignoreEOF(err))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, name := range names {
			if pid, ok := parsePID(name); ok {
				l.look(int(dir.Fd()), pid)
			}
		}
	}
}

// look reads the link of one process. One that has ended, or is a zombie, answers ENOENT or ESRCH.
func (l *listing) look(proc, pid int) {
	name := strconv.Itoa(pid)
	inode, err := readLink(proc, name+"/ns/net")
	file := l.roots.Proc + "/" + name + "/ns/net"
	switch {
	case err == nil:
		l.process(inode, pid, file)
		if pid == 1 {
			l.host = inode
		}
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH):
	case !nothingMissed(proc, name):
		l.unreadable = append(l.unreadable, Unreadable{pid, file, err})
	}
}

// mounts reads the mounts that the caller sees.
func (l *listing) mounts() {
	file := l.roots.Proc + "/self/mountinfo"
	f, err := os.Open(file)
	if err != nil {
		l.unreadable = append(l.unreadable, Unreadable{Path: file, Err: cause(err)})
		return
	}
	defer f.Close()
	list, err := ParseMounts(f)
	if err != nil {
		l.unreadable = append(l.unreadable, Unreadable{Path: file, Err: err})
	}
	for _, m := range list {
		l.mounted(m.Inode, m.Path)
	}
}

// names looks for names that are no mounts of ours: links that people make to /proc/PID/ns/net, and mounts below a root that is not ours.
func (l *listing) names(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.unreadable = append(l.unreadable, Unreadable{Path: dir, Err: cause(err)})
	}
	known := make(map[string]bool, len(l.found))
	for _, ns := range l.found {
		known[ns.Path] = true
	}
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		if known[file] {
			continue
		}
		switch inode, err := l.roots.Path(file); {
		case err == nil:
			l.mounted(inode, file)
		case !errors.Is(err, ErrNotNamespace) && !errors.Is(err, fs.ErrNotExist): // which a crash between creating the file and mounting leaves
			l.unreadable = append(l.unreadable, Unreadable{Path: file, Err: err})
		}
	}
}

// nameHost decides whether our own namespace is the host's when process 1 does not tell.
func (l *listing) nameHost() {
	if l.host != 0 {
		return
	}
	if _, err := os.Stat(l.roots.Proc + "/sys/net/ipv4/tcp_max_orphans"); err == nil {
		l.host = l.own
	}
}

// sameFile is true of /run/netns and /var/run/netns where one is a link to the other.
func sameFile(a, b string) bool {
	stA, errA := os.Stat(a)
	stB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(stA, stB)
}

func readLink(dir int, name string) (uint64, error) {
	var link [64]byte
	n, err := unix.Readlinkat(dir, name, link[:])
	if err != nil {
		return 0, err
	}
	inode, ok := parseLink(link[:n])
	if !ok {
		return 0, ErrNotNamespace
	}
	return inode, nil
}

// nothingMissed reports whether a process that did not let us look is one that does not count: a thread of the kernel, or one that ended between two calls,
// which answers EACCES as well (proc_ns_readlink in fs/proc/namespaces.c).
func nothingMissed(proc int, pid string) bool {
	fd, err := unix.Openat(proc, pid+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer unix.Close(fd)
	var line [1024]byte
	n, err := unix.Read(fd, line[:])
	return errors.Is(err, unix.ESRCH) || err == nil && parseKernelThread(line[:n])
}
