package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

const (
	// rounds is how often the diagnosis may ask for more: each leads one process further down a chain of programs that wait for one another.
	rounds = 6
	// threadsEach and threadsAll bound how many threads are read, of one process and in all, but for what is being read when that is reached; a thread costs about 40 µs.
	threadsEach = 512
	threadsAll  = 3000
	// childrenEach bounds the children of one process that are looked at.
	childrenEach = 64
	// epollsEach bounds the epoll instances read of one process.
	epollsEach = 128
)

// descriptors is what a walk over descriptors passes by: all sockets and epoll instances of the processes visited.
type descriptors struct {
	sockets map[int][]look.Descriptor
	epolls  map[int][]int
	rings   []look.Holder
	// the process visited last, so that the map is asked once for each
	pid  int
	list []look.Descriptor
	// room is for the lists of the processes to come: one piece of memory, as there may be a million descriptors.
	room []look.Descriptor
}

// newDescriptors makes room for about as many sockets as were read.
func newDescriptors(sockets int) descriptors {
	return descriptors{sockets: map[int][]look.Descriptor{}, epolls: map[int][]int{}, room: make([]look.Descriptor, 0, sockets+sockets/16+spare)}
}

func (d *descriptors) socket(pid, fd int, inode uint32) {
	d.add(pid, look.Descriptor{FD: int32(fd), Inode: inode})
}

func (d *descriptors) add(pid int, own look.Descriptor) {
	if pid != d.pid {
		d.flush()
		d.pid, d.list = pid, d.sockets[pid]
		if d.list == nil {
			d.list = d.room
		}
	}
	d.list = append(d.list, own)
}

func (d *descriptors) epoll(pid, fd int) { d.epolls[pid] = append(d.epolls[pid], fd) }

func (d *descriptors) ring(pid, fd int) { d.rings = append(d.rings, look.Holder{PID: pid, FD: fd}) }

func (d *descriptors) flush() {
	if d.pid != 0 {
		n := len(d.list)
		if cap(d.list) == cap(d.room) { // it lies there
			d.room = d.list[n:]
		}
		d.sockets[d.pid] = d.list[:n:n]
	}
	d.pid, d.list = 0, nil
}

// holders notes who of the processes visited holds the sockets that a table wants.
func (d *descriptors) holders(of *look.Holders) {
	if of.Wanted() == 0 {
		return
	}
	d.flush()
	for pid, list := range d.sockets {
		for _, own := range list {
			of.Add(own.Inode, look.Holder{PID: pid, FD: int(own.FD)})
		}
	}
	of.Sort()
}

// of returns the sockets of a process in the order of their numbers; ok is false when it was not visited.
func (d *descriptors) of(pid int) (list []look.Descriptor, ok bool) {
	d.flush()
	list, ok = d.sockets[pid]
	slices.SortFunc(list, func(a, b look.Descriptor) int { return cmp.Compare(a.FD, b.FD) })
	return slices.CompactFunc(list, func(a, b look.Descriptor) bool { return a.FD == b.FD }), ok // visited twice
}

// evidence answers what the diagnosis asks about the holders, round by round.
func (v *visit) evidence(ctx context.Context) {
	if v.request.Inquire == nil {
		return
	}
	for range rounds {
		wish := v.request.Inquire(v.snapshot)
		v.unsettled, v.patience = wish.Again, wish.Patience
		if wish.Empty() {
			break
		}
		if err := ctx.Err(); err != nil {
			v.missing("CW501", "not everything was asked that tells the causes apart: "+reason(err), remedy(err, ownersRemedy))
			break
		}
		v.unix(ctx, wish.Unix)
		v.moreHolders(ctx, wish.Holders)
		v.children(ctx, wish.Children)
		abreast(len(wish.Activity), func(i int) { v.activity(ctx, wish.Activity[i]) })
		for _, h := range wish.Flags {
			v.flags(h)
		}
		if wish.Transit {
			v.overlooked(ctx)
			v.transit(ctx)
		}
	}
	v.observed = v.host.now()
}

// unreadable says of how many processes something could not be read.
func (v *visit) unreadable() {
	if n := len(v.unread); n > 0 {
		v.missing("CW501", fmt.Sprintf("processes of which it could not be read in full what they are doing: %d (%s)", n, reason(v.unreadFirst)), "look again")
	}
}

// fell notes that something of what a process is doing could not be read, unless that is for want of rights, or because it has ended.
func (v *visit) fell(pid int, err error) {
	if err == nil || errors.Is(err, fs.ErrPermission) && !v.host.proc.Rights().Every || errors.Is(err, fs.ErrNotExist) && !v.host.proc.Alive(pid) {
		return
	}
	v.shared.Lock()
	defer v.shared.Unlock()
	v.unread[pid] = true
	v.unreadFirst = cmp.Or(v.unreadFirst, err)
}

// moreHolders finds who holds further sockets, and describes those processes.
func (v *visit) moreHolders(ctx context.Context, inodes []uint32) {
	if len(inodes) == 0 {
		return
	}
	v.begin()
	walked := v.known.Wanted() > 0 // then all descriptors have been seen already
	more, strange := look.MakeHolders(len(inodes)), look.MakeHolders(len(inodes))
	for _, inode := range inodes {
		v.snapshot.Holders.Want(inode)
		for _, h := range v.known.Of(inode) {
			v.snapshot.Holders.Add(inode, h)
		}
		switch {
		case !walked:
			more.Want(inode)
		case !v.known.Wants(inode): // it is none of TCP
			strange.Want(inode)
		}
	}
	v.passing.holders(&strange)
	for inode, h := range strange.All() {
		v.snapshot.Holders.Add(inode, h)
	}
	v.seek(ctx, &more, procfs.HolderOptions{Sockets: v.passing.socket, Epoll: v.passing.epoll})
}

// seek adds those who hold some sockets to the holders, and describes those processes. An error leaves holders unknown, which is what they are.
func (v *visit) seek(ctx context.Context, more *look.Holders, options procfs.HolderOptions) {
	if more.Wanted() > 0 {
		_, _ = v.host.proc.Holders(ctx, more, options)
	}
	for inode, h := range more.All() {
		v.snapshot.Holders.Add(inode, h)
	}
	v.snapshot.Holders.Sort()
	v.processes(ctx)
}

// children describes the children of processes, with what they do. Who is no child any more by then is left out, and so are those of which there are too many.
func (v *visit) children(ctx context.Context, parents []int) {
	var list []int
	for _, pid := range parents {
		a := v.snapshot.Processes[pid].Activity
		a.ChildrenSought = true
		children, err := v.host.proc.Children(pid)
		v.fell(pid, err)
		children = children[:min(len(children), childrenEach)]
		found, err := v.described(ctx, children)
		v.fell(pid, err)
		for _, child := range children {
			p := found[child]
			if p == nil || p.PPID != pid {
				continue
			}
			a.Children = append(a.Children, child)
			if v.snapshot.Processes[child] == nil {
				p.Child, v.snapshot.Processes[child] = true, p
				list = append(list, child)
			}
		}
	}
	abreast(len(list), func(i int) { v.activity(ctx, list[i]) })
}

// activity looks at what a process is doing. One that is gone, may not be read or is too much gets an empty answer, so that nobody asks again.
func (v *visit) activity(ctx context.Context, pid int) {
	p := v.snapshot.Processes[pid]
	if p == nil {
		return
	}
	p.Activity = &look.Activity{}
	left := threadsAll - int(v.threads.Load())
	if pid == v.host.self || left <= 0 || ctx.Err() != nil {
		return // what this process does is to look
	}
	a, err := v.host.proc.Activity(pid, min(threadsEach, left), v.common)
	v.fell(pid, err)
	if a == nil {
		return
	}
	v.threads.Add(int64(len(a.Threads)))
	v.shared.Lock()
	v.seen[pid] = v.host.now()
	v.shared.Unlock()
	p.Activity = a
	var epolls []int
	a.Sockets, epolls, err = v.passedBy(ctx, pid)
	v.fell(pid, err)
	for _, fd := range epolls[:min(len(epolls), epollsEach)] {
		set, err := v.host.proc.Epoll(pid, fd)
		if err == nil {
			a.Epolls = append(a.Epolls, set)
		}
		if !errors.Is(err, fs.ErrNotExist) { // closed meanwhile
			v.fell(pid, err)
		}
	}
	if same, err := v.host.proc.Is(p); !same { // some of it may be what another does that was given the pid
		v.fell(pid, err)
		p.Activity = &look.Activity{}
	}
}

// passedBy returns the sockets and the epoll instances of a process. The error is why they could not all be listed.
func (v *visit) passedBy(ctx context.Context, pid int) (sockets []look.Descriptor, epolls []int, err error) {
	v.shared.Lock()
	defer v.shared.Unlock()
	sockets, visited := v.passing.of(pid)
	if !visited {
		_, err = v.host.proc.Walk(ctx, procfs.Walk{PIDs: []int{pid}, Epoll: v.passing.epoll, Visit: func(pid, fd int, inode uint32) procfs.Next {
			v.passing.socket(pid, fd, inode)
			return procfs.Continue
		}})
		sockets, _ = v.passing.of(pid)
	}
	epolls = v.passing.epolls[pid]
	slices.Sort(epolls)
	return sockets, slices.Compact(epolls), err
}

// flags reads the flags of a descriptor.
func (v *visit) flags(h look.Holder) {
	p := v.snapshot.Processes[h.PID]
	if p == nil || p.Activity == nil {
		return
	}
	i, open := slices.BinarySearchFunc(p.Activity.Sockets, h.FD, func(d look.Descriptor, fd int) int { return int(d.FD) - fd })
	if !open {
		return
	}
	d := &p.Activity.Sockets[i]
	d.FlagsKnown = true // asked once, whatever the answer
	if info, err := v.host.proc.FDInfo(h.PID, h.FD); err == nil {
		d.CloseOnExec = info.CloseOnExec()
	}
}
