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
	list := netns.List
	if netns.OnlyProcesses(v.request.Netns) {
		list = netns.ListNamed
	}
	all, hidden, err := list(ctx, v.host.roots)
	if err != nil && len(all) == 0 {
		return err
	}
	if err != nil {
		v.unseen++
		v.missing("CW502", "the network namespaces could not all be listed: "+reason(err), remedy(err, enterRemedy))
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
	read, refused := 0, 0
	for some := range slices.Chunk(selected, v.entered()) {
		n, closed, err := v.several(ctx, some)
		read, refused = read+n, refused+closed
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err != nil {
			v.unseen += len(selected) - read
			v.missing("CW502", fmt.Sprintf("%s: namespaces read %d of %d", reason(ctx.Err()), read, len(selected)), remedy(ctx.Err(), enterRemedy))
			return nil
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

// byOtherWay enters a namespace that its path does not lead to any more: the process there has ended, and another one may keep the namespace.
func (v *visit) byOtherWay(ctx context.Context, ns netns.Namespace) (*reading, error) {
	all, _, err := netns.List(ctx, v.host.roots)
	if i := slices.IndexFunc(all, func(other netns.Namespace) bool { return other.Inode == ns.Inode }); i >= 0 {
		return v.enter(all[i])
	}
	switch {
	case err != nil:
		return nil, err
	case ns.PID == v.host.self: // which lives
		return nil, &netns.OpError{Op: "find", Path: ns.Path, Err: fs.ErrNotExist}
	}
	return nil, &netns.OpError{Op: "find", Path: ns.Path, Err: netns.ErrVanished}
}

// mayNotEnter tells a namespace that may not be entered from one whose sock_diag refuses the question.
func mayNotEnter(err error) bool {
	var entering *netns.OpError
	return errors.As(err, &entering) && errors.Is(err, fs.ErrPermission)
}

// reading is a namespace whose table is being read.
type reading struct {
	found     look.Namespace
	size      int // how many sockets its counters promise, or uncounted
	condition tcp.Condition
	conn      *inetdiag.Conn // nil where there is nothing to read
	hops      *neighbour.Conn
	done      bool // it has been read
	listeners bool // it has nothing else, and nothing else was read
	waited    int  // how many sockets of those that are handed on were waiting before
	sockets   []tcp.Socket
	stats     inetdiag.Stats
	err       error
}

func (r *reading) close() {
	if r.conn != nil {
		r.conn.Close()
	}
	if r.hops != nil {
		r.hops.Close()
	}
}

// mostEntered is how many namespaces are entered before their tables are read: each takes two descriptors meanwhile.
const mostEntered = 32

// entered is how many namespaces are entered at once. Sockets that are handed on as they are read come from one at a time.
func (v *visit) entered() int {
	if v.request.Each != nil {
		return 1
	}
	return mostEntered
}

// several enters some namespaces and then reads their tables, several at a time where that saves much. It returns how many were read and how many may not be entered. With an error those before
// the one it happened in have been read.
func (v *visit) several(ctx context.Context, some []netns.Namespace) (read, refused int, err error) {
	var tables []*reading
	defer func() {
		for _, r := range tables {
			r.close()
		}
		v.stream.leave()
	}()
	for _, ns := range some {
		r, err := v.enter(ns)
		if errors.Is(err, netns.ErrVanished) {
			r, err = v.byOtherWay(ctx, ns)
		}
		switch {
		case err == nil:
			tables = append(tables, r)
		case errors.Is(err, netns.ErrVanished):
		case mayNotEnter(err):
			refused++
		default:
			return 0, refused, err
		}
	}
	if v.worthwhileAbreast(tables) {
		abreast(len(tables), func(i int) { v.table(ctx, tables[i]) })
	}
	for _, r := range tables {
		v.table(ctx, r)
		if err := v.finish(ctx, r); err != nil {
			return read, refused, err
		}
		read++
	}
	return read, refused, nil
}

// enter opens what reads the table of a namespace, unless its counters show that there is nothing to read: dumping an empty namespace costs the kernel a walk over the
// sockets of all of them, because they share one table.
func (v *visit) enter(ns netns.Namespace) (*reading, error) {
	r := &reading{found: look.Namespace{Inode: ns.Inode, Name: ns.Name, PID: ns.PID}, size: uncounted}
	found := &r.found
	if v.request.Nothing {
		return r, nil
	}
	empty := false
	if ns.PID != 0 {
		stat, err := v.host.proc.Sockstat(ns.PID)
		if empty = err == nil && v.tally(stat) == 0; empty && !v.request.Settings {
			found.Skipped = true
			return r, nil
		}
	}
	err := v.host.roots.Do(ns, func() (err error) {
		stat, err := v.host.proc.SockstatSelf()
		if err == nil {
			r.size = int(stat.InUse.N + stat.InUse6.N + stat.TimeWait.N)
			empty = empty || ns.PID == 0 && v.tally(stat) == 0
		}
		if v.request.Settings {
			v.limits(found)
		}
		if v.request.Settings || v.request.Inquire != nil && !empty {
			found.Ports = v.ports()
			v.counters(found)
		}
		if empty {
			found.Skipped = true
			return nil
		}
		if found.Sysctls == nil {
			found.Sysctls = v.host.sysctl.ReadTCP()
		}
		if v.request.Condition != nil {
			if r.condition, err = v.request.Condition(); err != nil {
				return err
			}
		}
		r.hops = v.openNeighbours()
		v.openTable(r.size, stat.Allocated, found.Sysctls)
		r.conn, err = inetdiag.Open()
		return err
	})
	if err != nil {
		r.conn = nil
		r.close()
		return nil, err
	}
	if found.Skipped {
		return r, nil
	}
	v.spaces[ns.Inode] = ns
	v.stream.open = func() (conn *inetdiag.Conn, err error) {
		err = v.host.roots.Do(ns, func() (err error) {
			conn, err = inetdiag.Open()
			return err
		})
		return conn, err
	}
	return r, nil
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

// table reads the table of a namespace.
func (v *visit) table(ctx context.Context, r *reading) {
	if r.done || r.conn == nil {
		return
	}
	r.done = true
	query := inetdiag.Query{States: v.request.States, Condition: r.condition, Extensions: extensions(r.found.Sysctls)}
	r.found.ReadAt = v.host.now()
	if v.request.OnlyConnected && r.size != uncounted && r.size <= few {
		listening := query
		listening.States = tcp.SetOf(tcp.Listen)
		sockets, _, err := r.conn.Sockets(ctx, listening, nil)
		if r.listeners = err == nil && len(sockets) == r.size; r.listeners {
			r.sockets = sockets
			return
		}
	}
	if v.request.Messages {
		query.Keep = &r.found.Messages
	}
	if v.request.Each != nil {
		v.stream.hops, r.waited = r.hops != nil, len(v.stream.waiting)
		r.stats, r.err = v.all(ctx, r.conn, query, &r.found)
	} else {
		r.sockets, r.stats, r.err = v.timed(ctx, r.conn, query, &r.found, inetdiag.MakeSockets(v.expected(r.size)))
	}
}

// finish takes a namespace that was read into the look, with what else there is to ask in it.
func (v *visit) finish(ctx context.Context, r *reading) error {
	found := &r.found
	found.Sockets = r.sockets
	if r.conn != nil {
		found.Partial = v.restricted() || r.err != nil || r.stats.Interrupted || r.stats.Malformed > 0
	}
	if r.done && !r.listeners {
		v.neighbours(ctx, r.hops, found, v.read(found, r.waited))
	}
	index := len(v.snapshot.Namespaces)
	v.snapshot.Namespaces = append(v.snapshot.Namespaces, *found)
	if v.anyUndecided(r.sockets) {
		v.tables[index], r.conn = r.conn, nil
	}
	if r.stats.Interrupted || r.stats.Malformed > 0 {
		v.missing("CW506", fmt.Sprintf("the socket table of %s changed while it was read; tried %d times, %d messages were unusable",
			describe(*found), r.stats.Tries, r.stats.Malformed), "look again")
	}
	return r.err
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

// worthwhileAbreast reports whether reading tables at the same time saves more than it costs in exactness: each of them takes a walk over the sockets of all namespaces, and a reader
// that is alone is held up less.
func (v *visit) worthwhileAbreast(tables []*reading) bool {
	const many = 50_000 // some 10 ms
	return v.request.Each == nil && (v.together || int64(len(tables))*v.allocated.N > many)
}

// timed dumps a table and notes when it was read. A small one that was read while a tick came, or by a thread that was held up, is read once more, right after the next
// tick: then the jiffy is known in which each socket was, and forecasts are exact.
func (v *visit) timed(ctx context.Context, conn *inetdiag.Conn, query inetdiag.Query, found *look.Namespace, to []tcp.Socket) (sockets []tcp.Socket, stats inetdiag.Stats, err error) {
	for range 3 {
		found.Messages = found.Messages[:0] // of a try before
		found.ReadAt = v.host.now()
		sockets, stats, err = conn.Sockets(ctx, query, to)
		found.ReadFor, found.ReadHeld = v.host.now().Sub(found.ReadAt), stats.Held
		clock := v.clockFor(sockets)
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
