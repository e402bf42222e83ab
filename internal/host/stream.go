package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

// Passing is a socket on its way from the kernel to the reader, with what else is known of it.
type Passing struct {
	Snapshot  *look.Snapshot // without sockets
	Namespace *look.Namespace
	Socket    *tcp.Socket
	// Holders are those of the socket, none where there are none or nobody asked.
	Holders []look.Holder
	// Options are what the socket says of itself, nil where nobody asked or it may not be asked.
	Options *look.Options
	// PeerForgot says that the other end of a connection on loopback does not exist any more, of sockets that send keepalive probes.
	PeerForgot bool
}

// stream hands sockets on as they are read.
type stream struct {
	passing Passing
	holders []look.Holder // of the socket that passes
	options look.Options
	// asked, refused and left count the sockets that were asked for their options, could not be, and were too many to be; sought those whose other end was looked for.
	asked, refused, left, sought int
	// met are holders that were described, each at the place that the last bits of its pid give it: sockets of few processes come in any order.
	met [64]int
	// waiting are the sockets that are handed on last: they have no holder as far as was seen when they were read, or their next hop is to be asked about.
	waiting []waiting
	// hops says that next hops can be asked about, hopping how many sockets wait for that.
	hops    bool
	hopping int
	// open connects to the namespace that is being read, lookup is that connection once it was needed.
	open   func() (*inetdiag.Conn, error)
	lookup *inetdiag.Conn
	// program reads large tables, records is that of the namespace at hand when it is to.
	program *probe.Sockets
	records io.ReadCloser
	// refusedTable says that the kernel does not take the program, hastened that it has read a table, anySize that it is to read small ones, too.
	refusedTable, hastened, anySize bool
}

type waiting struct {
	namespace *look.Namespace
	open      func() (*inetdiag.Conn, error)
	socket    tcp.Socket
	unheld    bool // its holder, or what ends it, is still to be found
}

// holdersFirst finds the holders of all sockets before the tables are read, so that no socket has to be kept until its holder is known. It reports false, and has changed
// nothing, where that is not possible or does not pay.
func (v *visit) holdersFirst(ctx context.Context) bool {
	total, known := v.host.proc.Descriptors()
	if v.request.NoBPF || !known || !worthwhile(true, 0, total) || !v.host.proc.Native() {
		return false
	}
	v.begin()
	holders, err := allHolders(ctx, total)
	if err != nil {
		return false
	}
	v.snapshot.Holders, v.snapshot.HoldersComplete = holders, true
	v.snapshot.Processes = map[int]*look.Process{}
	return true
}

// allHolders walks all descriptors. Sockets that are not TCP count, too: a Multipath TCP socket has the inode of its first connection.
func allHolders(ctx context.Context, total int) (look.Holders, error) {
	iterator, err := probe.OpenHolders(total)
	if err != nil {
		return look.Holders{}, err
	}
	defer iterator.Close()
	holders := look.MakeHolders(total)
	err = iterator.Walk(ctx, func(d *probe.Descriptor) {
		if d.Kind == probe.TCPSocket || d.Kind == probe.OtherSocket {
			holders.Hold(d.Inode, look.Holder{PID: d.PID, FD: d.FD})
		}
	})
	holders.Sort()
	return holders, err
}

// pass hands a socket on. One that nobody seemed to hold may have been opened since, one that has no descriptor is not asked by itself, and whether others wait for the same next hop is known
// at the end: they wait for that.
func (v *visit) pass(ctx context.Context, n *look.Namespace, s *tcp.Socket) error {
	v.stream.holders = v.snapshot.Holders.Append(v.stream.holders[:0], s.Inode)
	holders := v.stream.holders
	unheld := v.request.Holders != nil && len(holders) == 0 && (s.Inode != 0 || v.mute(s)) && v.request.Holders(s)
	hops := !unheld && v.stream.hops && v.stream.hopping < mostWays && unanswered(s)
	if hops {
		v.stream.hopping++
	}
	if unheld || hops {
		v.stream.waiting = append(v.stream.waiting, waiting{n, v.stream.open, s.Clone(), unheld})
		return nil
	}
	return v.hand(ctx, n, s, holders)
}

// mute reports whether what ends a socket can only be asked by a BPF program, and whether that is to be done: not for any number of orphans.
func (v *visit) mute(s *tcp.Socket) bool {
	return v.request.Options && s.Inode == 0 && look.Telling(s) && len(v.stream.waiting) < mostAsked
}

func (v *visit) hand(ctx context.Context, n *look.Namespace, s *tcp.Socket, holders []look.Holder) error {
	p := &v.stream.passing
	*p = Passing{Snapshot: v.snapshot, Namespace: n, Socket: s, Holders: holders}
	ended := false
	for _, h := range holders {
		if met := &v.stream.met[h.PID%len(v.stream.met)]; h.PID != *met {
			*met = h.PID
			ended = v.process(ctx, h.PID) || ended
		}
	}
	if ended {
		holders = v.snapshot.Holders.Of(s.Inode)
		p.Holders = holders
	}
	if v.request.Options && look.Telling(s) {
		p.Options = v.optionsOf(ctx, n, s, holders)
		p.PeerForgot = s.Timer.Kind == tcp.TimerKeepalive && v.forgot(ctx, s)
	}
	return v.request.Each(p)
}

// process describes a holder that has not been met before. It reports whether that was seen to have ended, its pid being another's.
func (v *visit) process(ctx context.Context, pid int) (ended bool) {
	if _, met := v.snapshot.Processes[pid]; met || v.snapshot.Processes == nil {
		return false
	}
	found, err := v.host.proc.Processes(ctx, []int{pid})
	if err != nil {
		v.missing("CW501", fmt.Sprintf("process %d could not be described: %s", pid, reason(err)), remedy(err, ownersRemedy))
	}
	ended = v.disown(found)
	v.snapshot.Processes[pid] = nil
	maps.Copy(v.snapshot.Processes, found)
	return ended
}

// optionsOf asks a socket for its options, if it was not asked before, may be asked, and not too many were.
func (v *visit) optionsOf(ctx context.Context, n *look.Namespace, s *tcp.Socket, holders []look.Holder) *look.Options {
	st := &v.stream
	if known(n, s) {
		st.options = n.Options[s.Cookie]
		return &st.options
	}
	if len(holders) == 0 {
		return nil
	}
	if st.asked == mostAsked || ctx.Err() != nil {
		st.left++
		return nil
	}
	st.asked++
	o, err := ask(s, holders)
	if err != nil {
		if !errors.Is(err, sockopt.ErrGone) {
			st.refused++
		}
		return nil
	}
	st.options = o
	return &st.options
}

// forgot looks for the other end of a connection on loopback, which can only be in the same namespace.
func (v *visit) forgot(ctx context.Context, s *tcp.Socket) bool {
	st := &v.stream
	if !s.Peer.Addr().Unmap().IsLoopback() || st.sought == mostAsked {
		return false
	}
	st.sought++
	if st.lookup == nil {
		conn, err := st.open()
		if err != nil {
			return false
		}
		st.lookup = conn
	}
	other, found := tcp.Socket{Family: s.Family, Local: s.Peer, Peer: s.Local, Cookie: tcp.NoCookie}, tcp.Socket{}
	err := st.lookup.Get(ctx, &other, 0, &found)
	// Where there is no connection the kernel finds the listener it could have come from (inet_lookup).
	return errors.Is(err, fs.ErrNotExist) || err == nil && found.Tuple() != other.Tuple()
}

// leave ends the reading of a namespace.
func (st *stream) leave() {
	if st.lookup != nil {
		_ = st.lookup.Close()
	}
	if st.records != nil {
		_ = st.records.Close()
	}
	st.lookup, st.records = nil, nil
}

// late hands on the sockets that waited, once their holders have been looked for again and those without any been asked.
func (v *visit) late(ctx context.Context) error {
	v.prepare(ctx)
	for i := range v.stream.waiting {
		w := &v.stream.waiting[i]
		if w.unheld {
			v.snapshot.Holders.Want(w.socket.Inode)
		}
		v.stream.open = w.open
		err := v.hand(ctx, w.namespace, &w.socket, v.snapshot.Holders.Of(w.socket.Inode))
		v.stream.leave()
		if err != nil {
			return err
		}
	}
	v.unasked(v.stream.refused, v.stream.left)
	return nil
}

// prepare finds out what the waiting sockets wait for.
func (v *visit) prepare(ctx context.Context) {
	unheld, mute := 0, map[tcp.Cookie]struct{}{}
	var namespaces []*look.Namespace
	for i := range v.stream.waiting {
		w := &v.stream.waiting[i]
		if w.socket.Inode != 0 {
			if w.unheld {
				unheld++
			}
			continue
		}
		mute[w.socket.Cookie] = struct{}{}
		if !slices.Contains(namespaces, w.namespace) {
			namespaces = append(namespaces, w.namespace)
		}
	}
	if unheld > 0 {
		total, _ := v.host.proc.Descriptors()
		holders, err := allHolders(ctx, total)
		if err == nil {
			v.snapshot.Holders = holders
		}
		if v.snapshot.HoldersComplete = err == nil; err == nil && v.host.proc.Inner() {
			v.outside(unheld)
		}
	}
	if len(mute) > 0 {
		v.ownOf(ctx, mute, namespaces)
	}
}
