package host

import (
	"context"

	"github.com/closewait/closewait/internal/look"
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

// Sooner decides by numbers whether that pays.
var Sooner = sooner

// Agree holds what a BPF program tells of sockets against sock_diag.
var Agree = agree
