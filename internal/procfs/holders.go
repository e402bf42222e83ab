package procfs

import (
	"cmp"
	"context"
	"slices"

	"github.com/closewait/closewait/internal/look"
)

// HolderOptions says how far Holders goes. The zero value is right for most.
type HolderOptions struct {
	// Exhaustive looks at every descriptor of every process, as only that finds a socket that was passed over a unix socket to a process that is
	// no relation of a holder already found.
	Exhaustive bool
	// First are processes to visit before all others: the holders of an earlier look, as a rule.
	First []int
	// Sockets, when set, is called for each socket of the processes visited, wanted or not, Epoll for each epoll instance, Ring for each io_uring. All holders are visited in full.
	Sockets     func(pid, fd int, inode uint32)
	Epoll, Ring func(pid, fd int)
}

// Holders finds who holds the sockets that the table wants, every descriptor of each, in ascending order of pid and descriptor. A socket that nobody holds, or nobody
// that could be seen, stays without a holder: the statistics say whether anybody could not be seen.
//
// # What is left out
//
// It visits processes until every wanted socket has a holder, ends the process it is in, and from then on only visits the relations of holders: processes
// with the same parent (other than 0, 1 and 2), their ancestors and their descendants, by the parent in /proc/PID/stat. Descriptors come to be shared by fork
// in nearly all cases, and on a busy host the descriptors of everybody else are what a full pass spends its time on. What can be missed is a second
// holder that got the socket over a unix socket (SCM_RIGHTS) or by pidfd_getfd, or a descendant whose parent has ended since;
// HolderOptions.Exhaustive finds those, too. The statistics count the processes passed over as Unrelated.
//
// A relation with many descriptors (the other workers of a server that forks before it accepts) is first asked for the numbers under which the holders have
// the sockets and for the lowest ones, since fork keeps the numbers and sockets are handed on under low ones; it is visited in full when one of them is a wanted
// socket. This needs the number of descriptors to be known beforehand (since 6.2).
//
// # Order
//
// First come opts.First, then those processes that have enough descriptors to hold all wanted sockets, the smallest first, then the others, the
// largest first. So a single socket is not sought among the 20,000 descriptors of a proxy before everywhere else, and 10,000 leaked ones are
// sought there at once. Where the numbers are not known the order is that of the pids.
func (f FS) Holders(ctx context.Context, to *look.Holders, opts HolderOptions) (WalkStats, error) {
	s := search{held: to, sockets: opts.Sockets}
	if to.Wanted() == 0 {
		return WalkStats{}, nil
	}
	k, err := f.newWalker(ctx, s.visit)
	if err != nil {
		return WalkStats{}, err
	}
	defer k.close()
	s.walker, k.epoll, k.ring = k, opts.Epoll, opts.Ring
	pids, err := k.pids()
	if err == nil {
		err = s.run(s.order(pids, opts.First), opts.Exhaustive)
	}
	to.Sort()
	return k.stats, err
}

// candidate is a process to be searched; fds is -1 when the number of its descriptors is not known.
type candidate struct{ pid, fds int }

// search is one pass of Holders.
type search struct {
	walker  *walker
	held    *look.Holders
	hit     bool // the process being visited holds a wanted socket
	sockets func(pid, fd int, inode uint32)
}

func (s *search) visit(pid, fd int, inode uint32) Next {
	if s.held.Add(inode, look.Holder{PID: pid, FD: fd}) {
		s.hit = true
	}
	if s.sockets != nil {
		s.sockets(pid, fd, inode)
	}
	return Continue
}

// order sorts the processes by how soon they should be asked; see Holders.
func (s *search) order(pids, first []int) []candidate {
	preferred := make(map[int]bool, len(first))
	for _, pid := range first {
		preferred[pid] = true
	}
	list := make([]candidate, len(pids))
	for i, pid := range pids {
		list[i] = candidate{pid, s.walker.descriptors(pid)}
	}
	rank := func(c candidate) (group, size int) {
		switch {
		case preferred[c.pid]:
			return 0, 0
		case c.fds >= s.held.Wanted():
			return 1, c.fds
		}
		return 2, -c.fds
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		groupA, sizeA := rank(a)
		groupB, sizeB := rank(b)
		return cmp.Or(cmp.Compare(groupA, groupB), cmp.Compare(sizeA, sizeB))
	})
	return list
}

// run visits the candidates until all is found, and then their relations.
func (s *search) run(list []candidate, exhaustive bool) error {
	kin := newKinship(s.parent)
	for i, c := range list {
		if !exhaustive && s.held.Held() == s.held.Wanted() {
			return s.relations(list[i:], kin)
		}
		if err := s.process(c.pid, kin); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) process(pid int, kin *kinship) error {
	s.hit = false
	_, err := s.walker.process(pid)
	if s.hit {
		kin.add(pid)
	}
	return err
}

// relations visits those of the remaining processes that may share descriptors with a holder. A new holder has relations of its own, so it goes
// round until there is none.
func (s *search) relations(rest []candidate, kin *kinship) error {
	for more := true; more; {
		more = false
		var strangers []candidate
		for _, c := range rest {
			if c.fds == 0 || !kin.related(c.pid) {
				strangers = append(strangers, c)
				continue
			}
			if err := s.relation(c, kin); err != nil {
				return err
			}
			more = more || s.hit
		}
		rest = strangers
	}
	s.walker.stats.Unrelated += len(rest)
	return nil
}

func (s *search) parent(pid int) int {
	st, ok := s.walker.stat(pid)
	if !ok {
		return 0
	}
	return st.PPID
}
