package host

import (
	"context"
	"maps"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// asked bounds how many sockets are asked for descriptors that wait in them; each costs about 10 µs.
const asked = 4000

// registered asks the rings that were passed by which sockets they have.
func (v *visit) registered() {
	t := &v.snapshot.Transit
	for _, h := range v.passing.rings {
		info, err := v.host.proc.FDInfo(h.PID, h.FD)
		if err != nil {
			t.Complete = false
			continue
		}
		for _, inode := range info.Registered {
			t.Registered = append(t.Registered, look.Registered{Ring: h, Inode: inode})
		}
	}
}

// overlooked looks once more for who holds the sockets that nobody seems to have: one that was accepted after the walk over descriptors had passed its program, and before its table was read, was in no
// process then.
func (v *visit) overlooked(ctx context.Context) {
	var inodes []uint32
	v.each(func(_ *look.Namespace, s *tcp.Socket) {
		if s.Inode != 0 && v.snapshot.Holders.Wants(s.Inode) && !v.snapshot.Holders.Has(s.Inode) {
			inodes = append(inodes, s.Inode)
		}
	})
	if len(inodes) == 0 || !v.snapshot.HoldersComplete {
		return
	}
	missed := look.MakeHolders(len(inodes))
	for _, inode := range inodes {
		missed.Want(inode)
	}
	v.seek(ctx, &missed, procfs.HolderOptions{})
}

// transit asks the unix sockets that were passed by on the way to the holders. Which of the sockets that are not TCP are of that kind only their answer shows.
func (v *visit) transit(ctx context.Context) {
	t := &v.snapshot.Transit
	t.Sought, t.Complete = true, v.snapshot.HoldersComplete
	v.registered()
	seen := map[uint32]struct{}{}
	for n := range v.snapshot.Namespaces {
		for i := range v.snapshot.Namespaces[n].Sockets {
			seen[v.snapshot.Namespaces[n].Sockets[i].Inode] = struct{}{}
		}
	}
	v.passing.flush()
	left := asked
	for _, pid := range slices.Sorted(maps.Keys(v.passing.sockets)) {
		for _, d := range v.passing.sockets[pid] {
			if _, done := seen[d.Inode]; done {
				continue
			}
			if left--; left < 0 || ctx.Err() != nil {
				t.Complete = false
				return
			}
			seen[d.Inode] = struct{}{}
			if info, err := v.host.proc.FDInfo(pid, int(d.FD)); err == nil && info.InTransit > 0 {
				t.Waiting = append(t.Waiting, look.Waiting{Receiver: look.Holder{PID: pid, FD: int(d.FD)}, Descriptors: info.InTransit})
			}
		}
	}
}
