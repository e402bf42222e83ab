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
