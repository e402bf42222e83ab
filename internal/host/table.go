package host

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// What a BPF program that reads a table saves for each of its sockets, what the second pass over the sockets of all namespaces costs for each of them, in which sock_diag is asked for
// those that are only bound, and what loading the program takes.
const (
	saved    = 500 * time.Nanosecond
	walked   = 200 * time.Nanosecond
	readying = 10 * time.Millisecond
)

// sampled is how many sockets that the program told of are looked up through sock_diag as well, before any is handed on; mostHeld is how many wait for that.
const sampled, mostHeld = 4, 1024

// sooner compares what both ways to read a table of this size cost where the host has so many sockets in all.
func sooner(size int, allocated procfs.Count) bool {
	return allocated.Reported && time.Duration(size)*saved > time.Duration(max(int64(size), allocated.N))*walked+readying
}

// errDiffers means that a BPF program tells of a socket what sock_diag does not.
var errDiffers = errors.New("sock_diag tells otherwise")

// openTable opens the table of the namespace that the calling thread is in for a BPF program, where that is wanted, worth it and possible.
func (v *visit) openTable(size int, allocated procfs.Count, sysctls map[string]int64) {
	st := &v.stream
	if v.request.Each == nil || !v.request.Plain || v.request.NoBPF || v.restricted() || extensions(sysctls) != inetdiag.WithInfo || st.refusedTable {
		return
	}
	if !st.anySize && !sooner(size, allocated) {
		return
	}
	if st.program == nil {
		program, err := probe.OpenSockets()
		if st.refusedTable = err != nil; err != nil {
			return
		}
		st.program = program
	}
	if records, err := st.program.In(); err == nil {
		st.records = records
	}
}

// unlisted are the states of sockets that only sock_diag lists.
var unlisted = tcp.SetOf(tcp.Closed, tcp.Bound)

// hasten lets the program read the table. It reports false, and has handed nothing on, where that fails or what it tells is not what sock_diag does: then the table is to be dumped.
func (v *visit) hasten(ctx context.Context, conn *inetdiag.Conn, each func(*tcp.Socket) error) (read bool, err error) {
	var held []tcp.Socket
	full, trusted := 0, false
	release := func() error {
		if !agree(ctx, conn, held) {
			return errDiffers
		}
		trusted = true
		for i := range held {
			if err := each(&held[i]); err != nil {
				return err
			}
		}
		held = nil
		return nil
	}
	err = v.stream.program.Each(ctx, v.stream.records, func(s *tcp.Socket) error {
		if trusted {
			return each(s)
		}
		if held = append(held, s.Clone()); s.Info.Known() {
			full++
		}
		if full < sampled && len(held) < mostHeld {
			return nil
		}
		return release()
	})
	if err == nil && !trusted {
		err = release()
	}
	if !trusted {
		return false, nil
	}
	return true, err
}

// agree looks some sockets up through sock_diag. What does not change must be the same of all, and of one at least everything.
func agree(ctx context.Context, conn *inetdiag.Conn, sockets []tcp.Socket) bool {
	left, same := sampled, 0
	for i := range sockets {
		s := &sockets[i]
		if left == 0 || !s.Info.Known() {
			continue
		}
		var found tcp.Socket
		switch err := conn.Get(ctx, s, inetdiag.WithInfo, &found); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil || found.Family != s.Family || found.Local != s.Local || found.Peer != s.Peer || found.Interface != s.Interface || found.Cookie != s.Cookie:
			return false
		case unmoved(s, &found):
			same++
		}
		left--
	}
	return same > 0
}

// unmoved reports whether nothing but time passed between two looks at a socket, as far as the first one tells, and not much of it.
func unmoved(before, after *tcp.Socket) bool {
	const long = 10 * time.Second
	passed := func(d time.Duration) bool { return d >= 0 && d < long }
	if before.State != after.State || before.Timer.Kind != after.Timer.Kind || before.Timer.Count != after.Timer.Count || !passed(before.Timer.Expires-after.Timer.Expires) ||
		before.RecvQueue != after.RecvQueue || before.SendQueue != after.SendQueue || before.UID != after.UID || before.Inode != after.Inode {
		return false
	}
	for f := range tcp.Fields() {
		was, known := before.Info.Uint(f)
		is, told := after.Info.Uint(f)
		switch {
		case !known:
		case !told:
			return false
		case f == tcp.LastDataSent || f == tcp.LastDataRecv || f == tcp.LastAckRecv || f == tcp.TotalRTOTime:
			if !passed(time.Duration(int32(is-was)) * time.Millisecond) { //nolint:gosec // they are cut to 32 bits
				return false
			}
		case was != is:
			return false
		}
	}
	return true
}

// all hands on every socket of a namespace as it is read.
func (v *visit) all(ctx context.Context, conn *inetdiag.Conn, query inetdiag.Query, found *look.Namespace) (inetdiag.Stats, error) {
	each := func(s *tcp.Socket) error {
		v.clock(s)
		return v.pass(ctx, found, s)
	}
	if v.stream.records != nil {
		read, err := v.hasten(ctx, conn, each)
		if err != nil {
			return inetdiag.Stats{}, err
		}
		v.stream.hastened = v.stream.hastened || read
		if read {
			query.States = unlisted
		}
	}
	return conn.Dump(ctx, query, each)
}
