package host

import (
	"context"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// Worthwhile decides about it by numbers.
var Worthwhile = worthwhile

// Iterated takes a look of which the holders are found by a BPF iterator, and reports whether they were.
func Iterated(ctx context.Context, h *Host, r Request) (s *look.Snapshot, used bool, err error) {
	v := h.newVisit(r)
	defer v.close()
	if err := v.namespaces(ctx); err != nil {
		return nil, false, err
	}
	v.snapshot.Holders, v.snapshot.Dead = v.wanted(), []look.DeadFD{}
	used = v.iterate(ctx, r.Dead)
	return v.snapshot, used, nil
}

// Hastened takes a look for which a BPF program reads tables of any size, and reports whether it did.
func Hastened(ctx context.Context, h *Host, r Request) (s *look.Snapshot, used bool, err error) {
	v := h.newVisit(r)
	defer v.close()
	v.stream.anySize = true
	err = v.namespaces(ctx)
	return v.snapshot, v.stream.hastened, err
}

// Together takes a look for which tables are read at the same time.
func Together(ctx context.Context, h *Host, r Request) (*look.Snapshot, []tcp.Socket, error) {
	v := h.newVisit(r)
	v.together = true
	return v.look(ctx)
}

// Abreast does things several at a time.
var Abreast = abreast

// Between takes a look at who holds sockets, and lets something happen between finding a holder and describing it.
func Between(ctx context.Context, h *Host, r Request, happen func()) (*look.Snapshot, error) {
	v := h.newVisit(r)
	defer v.close()
	if err := v.namespaces(ctx); err != nil {
		return nil, err
	}
	v.snapshot.Holders = v.wanted()
	stats, err := v.search(ctx, false)
	v.snapshot.HoldersComplete = err == nil && stats.NotPermitted == 0
	happen()
	v.processes(ctx)
	return v.snapshot, err
}

// Handed hands on a socket whose holders were found before something happened.
func Handed(ctx context.Context, h *Host, n *look.Namespace, s *tcp.Socket, holders look.Holders, happen func(), each func(*Passing) error) error {
	v := h.newVisit(Request{Each: each})
	v.begin()
	v.snapshot.Holders, v.snapshot.Processes = holders, map[int]*look.Process{}
	happen()
	return v.hand(ctx, n, s, holders.Of(s.Inode))
}

// Steadied is the clock of one look.
var Steadied = steadied

// OnProc is a host that sees the processes of a directory.
func OnProc(dir string) *Host {
	h := New(time.Now)
	h.proc = procfs.New(dir)
	return h
}

// Sooner decides by numbers whether that pays.
var Sooner = sooner

// Agree holds what a BPF program tells of sockets against sock_diag.
var Agree = agree

// Overlooked takes a look at who holds sockets whose first walk over descriptors came too early for all of them.
func Overlooked(ctx context.Context, h *Host, r Request) (*look.Snapshot, error) {
	v := h.newVisit(r)
	defer v.close()
	if err := v.namespaces(ctx); err != nil {
		return nil, err
	}
	v.snapshot.Holders, v.snapshot.HoldersComplete = v.wanted(), true
	v.begin()
	v.overlooked(ctx)
	return v.snapshot, nil
}
