package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

const (
	ownersRemedy = "run as root (CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)"
	outsideWhy   = "/proc shows no processes outside of this pid namespace"
	outside      = "run it in the pid namespace of the host (docker run --pid=host)"
	lockedOut    = "root is not let in: AppArmor, SELinux, a user namespace, no /proc?"
)

// owners finds who holds the wanted sockets, and the descriptors whose sockets are in no table.
func (v *visit) owners(ctx context.Context) {
	s := v.snapshot
	s.Holders = v.wanted()
	if v.request.Inquire != nil {
		v.passing = newDescriptors(s.Count())
	}
	if v.request.Dead {
		s.DeadSought = true
		s.Dead = []look.DeadFD{}
	}
	stats, err := v.search(ctx, v.request.Dead && v.mayHaveDead())
	s.HoldersComplete = err == nil && stats.NotPermitted == 0
	v.processes(ctx)
	if s.HoldersComplete && !v.host.proc.Inner() {
		return
	}
	switch hidden := v.unheld(); {
	case hidden == 0:
	case s.HoldersComplete:
		v.outside(hidden)
	default:
		v.missing("CW501", fmt.Sprintf("sockets whose owners could not be seen: %d (%s)", hidden, why(err, stats)), remedy(err, ownersRemedy))
		v.confined(stats.NotPermitted)
	}
}

// outside notes that sockets without a holder may have one that this /proc does not show.
func (v *visit) outside(hidden int) {
	v.snapshot.HoldersComplete = false
	v.missing("CW501", fmt.Sprintf("sockets whose owners could not be seen: %d (%s)", hidden, outsideWhy), outside)
}

// confined says so when it is not for want of capabilities that processes may not be looked into.
func (v *visit) confined(processes int) {
	rights := v.host.proc.Rights()
	if processes == 0 || !rights.Every {
		return
	}
	by := "its label is not known"
	if rights.Label != "" {
		by = fmt.Sprintf("as %q", rights.Label)
	}
	v.missing("CW503", fmt.Sprintf("the capabilities of this process would open the %d processes that may not be looked into: a security module confines it, %s", processes, by),
		"run it unconfined: outside of the container, or with a profile that allows ptrace (AppArmor, SELinux)")
}

// search finds the holders that are wanted; with all, every descriptor is looked at.
func (v *visit) search(ctx context.Context, all bool) (procfs.WalkStats, error) {
	v.begin()
	switch {
	case !all && v.snapshot.Holders.Wanted() == 0:
		return procfs.WalkStats{}, nil
	case v.mayIterate(all) && v.iterate(ctx, all):
		return procfs.WalkStats{}, nil
	case all:
		return v.walk(ctx)
	}
	return v.host.proc.Holders(ctx, &v.snapshot.Holders, v.holderOptions())
}

// begin notes when the search for holders began.
func (v *visit) begin() {
	if v.sought == 0 {
		v.sought = v.host.proc.Ticks()
	}
}

// unheld counts the wanted sockets without a holder. Those that were active a moment ago may have been closed between the reading of the tables and of
// the descriptors, and are not missed, unless they are another user's: then it is his processes that may not be looked into.
func (v *visit) unheld() (n int) {
	const settled = time.Second
	self := os.Geteuid()
	v.each(func(_ *look.Namespace, s *tcp.Socket) {
		if s.Inode == 0 || !v.snapshot.Holders.Wants(s.Inode) || v.snapshot.Holders.Has(s.Inode) {
			return
		}
		heard, known := s.Info.Duration(tcp.LastAckRecv)
		if foreign := self != 0 && int(s.UID) != self; foreign || !known || heard >= settled {
			n++
		}
	})
	return n
}

// remedy is what would have shown more: asRoot, unless this is root already, time was up or the user had enough.
func remedy(err error, asRoot string) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "use a longer --timeout"
	case errors.Is(err, context.Canceled), errors.Is(err, procfs.ErrHung):
		return "look again" // more rights would not have helped
	case os.Geteuid() == 0:
		if procfs.New("/proc").Rights().Short {
			return strings.Replace(asRoot, "run as root", "root lacks capabilities here", 1)
		}
		return lockedOut
	}
	return asRoot
}

func why(err error, stats procfs.WalkStats) string {
	if err != nil {
		return reason(err)
	}
	return fmt.Sprintf("processes that may not be looked into: %d", stats.NotPermitted)
}

// reason says in the user's words why something was not read.
func reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "time was up"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return strings.TrimSpace(err.Error())
}

// wanted makes the table of those whose holders were asked for.
func (v *visit) wanted() look.Holders {
	if v.request.Holders == nil {
		return look.Holders{}
	}
	n := 0
	is := func(s *tcp.Socket) bool { return s.Inode != 0 && v.request.Holders(s) }
	v.each(func(_ *look.Namespace, s *tcp.Socket) {
		if is(s) {
			n++
		}
	})
	wanted := look.MakeHolders(n)
	v.each(func(_ *look.Namespace, s *tcp.Socket) {
		if is(s) {
			wanted.Want(s.Inode)
		}
	})
	return wanted
}

func (v *visit) each(f func(*look.Namespace, *tcp.Socket)) {
	for i := range v.snapshot.Namespaces {
		n := &v.snapshot.Namespaces[i]
		for j := range n.Sockets {
			f(n, &n.Sockets[j])
		}
	}
}

// mayHaveDead reports whether more sockets are allocated than the tables of all namespaces hold. Without such a difference no descriptor can refer
// to a socket that has left them, and nobody needs to look at the descriptors.
func (v *visit) mayHaveDead() bool {
	return v.unseen > 0 || !v.allocated.Reported || v.allocated.N > v.inUse.N
}

// holderOptions keeps what a search passes by when somebody may ask for it.
func (v *visit) holderOptions() (o procfs.HolderOptions) {
	if v.request.Inquire != nil {
		o.Sockets, o.Epoll, o.Ring = v.passing.socket, v.passing.epoll, v.passing.ring
	}
	return o
}

// walk looks at all descriptors once, for holders and for dead sockets together.
func (v *visit) walk(ctx context.Context) (procfs.WalkStats, error) {
	v.wantKnown()
	var strange []look.DeadFD
	w := procfs.Walk{Visit: func(pid, fd int, inode uint32) procfs.Next {
		if !v.passed(pid, look.Descriptor{FD: int32(fd), Inode: inode}) && pid != v.host.self {
			strange = append(strange, look.DeadFD{PID: pid, FD: fd, Inode: inode})
		}
		return procfs.Continue
	}}
	if v.request.Inquire != nil {
		w.Epoll, w.Ring = v.passing.epoll, v.passing.ring
	}
	stats, err := v.host.proc.Walk(ctx, w)
	v.snapshot.Holders.Sort()
	v.judge(strange)
	return stats, err
}

// wantKnown makes room for the holders of sockets in the tables that nobody wants to know yet.
func (v *visit) wantKnown() {
	v.each(func(_ *look.Namespace, s *tcp.Socket) {
		// A dead socket that had bound its port by itself is still in the bind table, with its old peer.
		dead := s.State == tcp.Bound && s.Peer.Port() != 0
		if wanted := v.request.Holders != nil && v.request.Holders(s); !wanted && !dead {
			v.known.Want(s.Inode)
		}
	})
}

// passed notes a descriptor of a socket and reports whether the socket is in a table.
func (v *visit) passed(pid int, d look.Descriptor) (listed bool) {
	if v.request.Inquire != nil {
		v.passing.add(pid, d)
	}
	holder := look.Holder{PID: pid, FD: int(d.FD)}
	return v.snapshot.Holders.Add(d.Inode, holder) || v.known.Add(d.Inode, holder)
}

// judge asks the sockets that are in no table what they are. Most are not TCP at all; some are of namespaces that were not read; some have never
// been connected. The rest is dead.
func (v *visit) judge(strange []look.DeadFD) {
	unknown := 0
	for _, d := range strange {
		protocol, err := v.host.proc.SocketProtocol(d.PID, d.FD)
		if err != nil || protocol != "TCP" && protocol != "TCPv6" {
			continue
		}
		facts, err := sockopt.Inspect(d.PID, d.FD, d.Inode)
		switch {
		case err != nil && !errors.Is(err, sockopt.ErrGone):
			unknown++
		case err == nil && facts.State == tcp.Closed && facts.WasConnected() && v.selected(facts.Netns):
			v.snapshot.Dead = append(v.snapshot.Dead, d)
		}
	}
	if unknown > 0 {
		v.missing("CW501", fmt.Sprintf("descriptors in no socket table that could not be asked whether they are leaked: %d", unknown), remedy(nil, ownersRemedy))
	}
}

// selected reports whether a namespace is one of those asked for. Without a selection all are.
func (v *visit) selected(inode uint64) bool {
	return len(v.request.Netns) == 0 || slices.ContainsFunc(v.snapshot.Namespaces, func(n look.Namespace) bool { return n.Inode == inode })
}

// processes describes the holders.
func (v *visit) processes(ctx context.Context) {
	pids := map[int]struct{}{}
	last := 0
	for _, h := range v.snapshot.Holders.All() {
		if h.PID != last { // as a rule one process holds many
			pids[h.PID] = struct{}{}
			last = h.PID
		}
	}
	for _, d := range v.snapshot.Dead {
		pids[d.PID] = struct{}{}
	}
	for pid, p := range v.snapshot.Processes { // described already
		if _, holds := pids[pid]; holds {
			p.Child = false
		}
		delete(pids, pid)
	}
	list := make([]int, 0, len(pids))
	for pid := range pids {
		list = append(list, pid)
	}
	found, err := v.described(ctx, list)
	if err != nil {
		v.missing("CW501", "the owners could not all be described: "+reason(err), remedy(err, ownersRemedy))
	}
	v.disown(found)
	if v.snapshot.Processes == nil {
		v.snapshot.Processes = found
	} else {
		maps.Copy(v.snapshot.Processes, found)
	}
	v.release(found)
}

// release takes out holders beside others that have let go meanwhile: somebody who looks at sockets through duplicates has one for some microseconds, as this program does. Such a process has no
// more than a few at a time.
func (v *visit) release(described map[int]*look.Process) {
	const few = 4
	type share struct {
		inode uint32
		look.Holder
	}
	shares := map[int][]share{}
	for inode, holders := range v.snapshot.Holders.Shared() {
		for _, h := range holders {
			if described[h.PID] != nil && len(shares[h.PID]) <= few {
				shares[h.PID] = append(shares[h.PID], share{inode, h})
			}
		}
	}
	for _, list := range shares {
		if len(list) > few {
			continue
		}
		for _, s := range list {
			if now, err := v.host.proc.SocketInode(s.PID, s.FD); errors.Is(err, fs.ErrNotExist) || err == nil && now != s.inode {
				v.snapshot.Holders.Release(s.inode, s.Holder)
			}
		}
	}
}

// described describes processes, many of them several at a time. What they have in common is read once for each part.
func (v *visit) described(ctx context.Context, pids []int) (map[int]*look.Process, error) {
	const part = 128
	parts := slices.Collect(slices.Chunk(pids, part))
	found, errs := make([]map[int]*look.Process, len(parts)), make([]error, len(parts))
	abreast(len(parts), func(i int) { found[i], errs[i] = v.host.proc.Processes(ctx, parts[i]) })
	all := make(map[int]*look.Process, len(pids))
	for _, some := range found {
		maps.Copy(all, some)
	}
	return all, cmp.Or(errs...)
}

// disown takes out the processes that have the pid of a holder and are not that holder, which has ended meanwhile, and with each of them that holder. Only one that has begun since holders were looked
// for can be such, and only if none of the descriptors found under its pid is that socket now. It reports whether
// there was any.
func (v *visit) disown(described map[int]*look.Process) bool {
	doubtful := map[int]*look.Process{}
	for pid, p := range described {
		if p.StartTicks >= v.sought {
			doubtful[pid] = p
		}
	}
	if len(doubtful) == 0 {
		return false
	}
	for inode, h := range v.snapshot.Holders.All() {
		v.vouch(doubtful, h, inode)
	}
	for _, d := range v.snapshot.Dead {
		v.vouch(doubtful, look.Holder{PID: d.PID, FD: d.FD}, d.Inode)
	}
	for pid := range doubtful {
		delete(described, pid)
		v.snapshot.Holders.Drop(pid)
		v.snapshot.Dead = slices.DeleteFunc(v.snapshot.Dead, func(d look.DeadFD) bool { return d.PID == pid })
	}
	return len(doubtful) > 0
}

// vouch removes the doubt about a process that has a descriptor still.
func (v *visit) vouch(doubtful map[int]*look.Process, h look.Holder, inode uint32) {
	if p := doubtful[h.PID]; p != nil && v.host.proc.Holds(p, h.FD, inode) {
		delete(doubtful, h.PID)
	}
}
