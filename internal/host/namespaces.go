package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/neighbour"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

const enterRemedy = "run as root (CAP_SYS_ADMIN and CAP_SYS_PTRACE)"

// namespaces reads the tables of all selected namespaces. It is an error when none of them may be entered, when the selection names one that does not
// exist, and when sock_diag refuses the question.
func (v *visit) namespaces(ctx context.Context) error {
	all, hidden, err := netns.List(ctx, v.host.roots)
	if err != nil && len(all) == 0 {
		return err
	}
	if err != nil {
		v.unseen++
		v.missing("CW502", "the network namespaces could not all be listed: "+err.Error(), "use a longer --timeout")
	}
	words := v.request.Netns
	if len(words) == 0 {
		words = []string{"all"}
		v.unseen += len(hidden)
	} else {
		hidden = nil // what was not asked for is not missing
	}
	selected, err := netns.Select(all, words, v.host.roots)
	if err != nil {
		return err
	}
	v.unseen += len(all) - len(selected)
	refused := 0
	for i, ns := range selected {
		err := v.namespace(ctx, ns)
		if errors.Is(err, netns.ErrVanished) {
			err = v.byOtherWay(ctx, ns)
		}
		switch {
		case err == nil, errors.Is(err, netns.ErrVanished):
		case mayNotEnter(err):
			refused++
		case ctx.Err() != nil:
			v.unseen += len(selected) - i
			v.missing("CW502", fmt.Sprintf("time was up: namespaces read %d of %d", i, len(selected)), "use a longer --timeout")
			return nil
		default:
			return err
		}
	}
	v.unseen += refused
	if refused == len(selected) && refused > 0 {
		return &netns.OpError{Op: "enter", Path: selected[0].Path, Err: fs.ErrPermission}
	}
	// A hidden process may live in a namespace that is known by its name and could not be entered, so the two may be the same.
	if n := max(refused, len(hidden)); n > 0 {
		v.missing("CW502", fmt.Sprintf("network namespaces that could not be looked into: at least %d", n), remedy(nil, enterRemedy))
	}
	return nil
}

// byOtherWay reads a namespace that its path does not lead to any more: the process there has ended, and another one may keep the namespace.
func (v *visit) byOtherWay(ctx context.Context, ns netns.Namespace) error {
	all, _, err := netns.List(ctx, v.host.roots)
	if i := slices.IndexFunc(all, func(other netns.Namespace) bool { return other.Inode == ns.Inode }); i >= 0 {
		return v.namespace(ctx, all[i])
	}
	if err != nil {
		return err
	}
	return &netns.OpError{Op: "find", Path: ns.Path, Err: netns.ErrVanished}
}

// mayNotEnter tells a namespace that may not be entered from one whose sock_diag refuses the question.
func mayNotEnter(err error) bool {
	var entering *netns.OpError
	return errors.As(err, &entering) && errors.Is(err, fs.ErrPermission)
}

// namespace reads one namespace, unless its counters show that there is nothing to read: dumping an empty namespace costs the kernel a walk over the
// sockets of all of them, because they share one table.
func (v *visit) namespace(ctx context.Context, ns netns.Namespace) error {
	found := look.Namespace{Inode: ns.Inode, Name: ns.Name, PID: ns.PID}
	if v.request.Nothing {
		v.snapshot.Namespaces = append(v.snapshot.Namespaces, found)
		return nil
	}
	empty := false
	if ns.PID != 0 {
		stat, err := v.host.proc.Sockstat(ns.PID)
		if empty = err == nil && v.tally(stat) == 0; empty && !v.request.Settings {
			found.Skipped = true
			v.snapshot.Namespaces = append(v.snapshot.Namespaces, found)
			return nil
		}
	}
	var conn *inetdiag.Conn
	var hops *neighbour.Conn
	var condition tcp.Condition
	size := uncounted
	err := v.host.roots.Do(ns, func() (err error) {
		stat, err := v.host.proc.SockstatSelf()
		if err == nil {
			size = int(stat.InUse.N + stat.InUse6.N + stat.TimeWait.N)
			empty = empty || ns.PID == 0 && v.tally(stat) == 0
		}
		if v.request.Settings {
			v.limits(&found)
		}
		if v.request.Settings || v.request.Inquire != nil && !empty {
			found.Ports = v.ports()
		}
		if empty {
			found.Skipped = true
			return nil
		}
		if found.Sysctls == nil {
			found.Sysctls = v.host.sysctl.ReadTCP()
		}
		if v.request.Condition != nil {
			if condition, err = v.request.Condition(); err != nil {
				return err
			}
		}
		hops = v.openNeighbours()
		v.openTable(size, stat.Allocated, found.Sysctls)
		conn, err = inetdiag.Open()
		return err
	})
	defer v.stream.leave()
	if hops != nil {
		defer hops.Close()
	}
	if err != nil || found.Skipped {
		if err == nil {
			v.snapshot.Namespaces = append(v.snapshot.Namespaces, found)
		}
		return err
	}
	v.spaces[ns.Inode] = ns
	v.stream.open = func() (conn *inetdiag.Conn, err error) {
		err = v.host.roots.Do(ns, func() (err error) {
			conn, err = inetdiag.Open()
			return err
		})
		return conn, err
	}
	return v.dump(ctx, conn, hops, found, condition, size)
}

// tally adds a namespace's counters to the host's and returns how many sockets they promise. Unknown counters promise some.
func (v *visit) tally(s procfs.Sockstat) int64 {
	if s.Allocated.Reported {
		v.allocated = s.Allocated
	}
	v.inUse.N += s.InUse.N + s.InUse6.N
	if !s.InUse.Reported || !s.TimeWait.Reported {
		return 1
	}
	return s.InUse.N + s.InUse6.N + s.TimeWait.N
}

// spare is room for sockets that appear between counting and dumping; mini sockets of half-open connections are in no counter.
const spare = 64

// uncounted stands for the number of sockets of a namespace whose counters could not be read.
const uncounted = -1

// few is the number of sockets up to which it is worth asking for listeners first. The kernel keeps them in a table of their own, which is small.
const few = 200

func (v *visit) dump(ctx context.Context, conn *inetdiag.Conn, hops *neighbour.Conn, found look.Namespace, condition tcp.Condition, size int) error {
	query := inetdiag.Query{States: v.request.States, Condition: condition, Extensions: extensions(found.Sysctls)}
	found.ReadAt = v.host.now()
	var sockets []tcp.Socket
	var stats inetdiag.Stats
	var err error
	if v.request.OnlyConnected && size != uncounted && size <= few {
		listening := query
		listening.States = tcp.SetOf(tcp.Listen)
		if sockets, _, err = conn.Sockets(ctx, listening, nil); err == nil && len(sockets) == size {
			found.Sockets, found.Partial = sockets, v.restricted()
			v.snapshot.Namespaces = append(v.snapshot.Namespaces, found)
			return conn.Close()
		}
	}
	if v.request.Messages {
		query.Keep = &found.Messages
	}
	v.stream.hops = hops != nil
	waited := len(v.stream.waiting)
	if v.request.Each != nil {
		stats, err = v.all(ctx, conn, query, &found)
	} else {
		sockets, stats, err = v.timed(ctx, conn, query, &found, inetdiag.MakeSockets(v.expected(size)))
	}
	found.Sockets, found.Partial = sockets, v.restricted() || err != nil || stats.Interrupted || stats.Malformed > 0
	v.neighbours(hops, &found, v.read(&found, waited))
	index := len(v.snapshot.Namespaces)
	v.snapshot.Namespaces = append(v.snapshot.Namespaces, found)
	if v.anyUndecided(sockets) {
		v.tables[index] = conn
	} else {
		conn.Close()
	}
	if stats.Interrupted || stats.Malformed > 0 {
		v.missing("CW506", fmt.Sprintf("the socket table of %s changed while it was read; tried %d times, %d messages were unusable",
			describe(found), stats.Tries, stats.Malformed), "look again")
	}
	return err
}

// read returns the sockets of a namespace that were read and are still here: those of its list, and those that wait from an index on.
func (v *visit) read(n *look.Namespace, waited int) iter.Seq[*tcp.Socket] {
	return func(yield func(*tcp.Socket) bool) {
		for i := range n.Sockets {
			if !yield(&n.Sockets[i]) {
				return
			}
		}
		for i := waited; i < len(v.stream.waiting); i++ {
			if !yield(&v.stream.waiting[i].socket) {
				return
			}
		}
	}
}

// extensions are what a forecast wants of sockets in a namespace with such settings.
func extensions(sysctls map[string]int64) inetdiag.Extensions {
	if sysctls["tcp_thin_linear_timeouts"] != 0 {
		return inetdiag.WithInfo | inetdiag.WithCongestion // which streams are thin depends on it
	}
	return inetdiag.WithInfo
}

// timed dumps a table and notes when it was read. A small one that was read while a tick came, or by a thread that was held up, is read once more, right after the next
// tick: then the jiffy is known in which each socket was, and forecasts are exact.
func (v *visit) timed(ctx context.Context, conn *inetdiag.Conn, query inetdiag.Query, found *look.Namespace, to []tcp.Socket) (sockets []tcp.Socket, stats inetdiag.Stats, err error) {
	for range 3 {
		found.Messages = found.Messages[:0] // of a try before
		found.ReadAt = v.host.now()
		sockets, stats, err = conn.Sockets(ctx, query, to)
		found.ReadFor, found.ReadHeld = v.host.now().Sub(found.ReadAt), stats.Held
		for i := range sockets {
			v.clock(&sockets[i])
		}
		clock := v.snapshot.Clock
		if err != nil || clock.Jiffies == 0 || clock.Within(found.ReadAt, found.ReadFor) || found.ReadFor > clock.Tick()*3/4 && len(sockets) > few {
			break
		}
		time.Sleep(clock.Rest(v.host.now())) //nolint:forbidigo // a tick is waited for: nothing tells that it came
	}
	return sockets, stats, err
}

// restricted reports whether the kernel is asked for some of the sockets only.
func (v *visit) restricted() bool {
	return v.request.Condition != nil || v.request.States != 0 && v.request.States != tcp.AllStates
}

// expected is how many sockets to make room for.
func (v *visit) expected(size int) int {
	if v.restricted() {
		return spare
	}
	return size + size/16 + spare
}

func describe(n look.Namespace) string {
	if n.Name != "" {
		return n.Name
	}
	return fmt.Sprintf("net:[%d]", n.Inode)
}
