package host

import (
	"context"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/unixdiag"
)

// unix asks what unix sockets are connected to: namespace by namespace, until all are found. Those of which nobody knows are noted as such, so that nobody asks again.
func (v *visit) unix(ctx context.Context, inodes []uint32) {
	if len(inodes) == 0 {
		return
	}
	if v.snapshot.Unix == nil {
		v.snapshot.Unix = map[uint32]look.Unix{}
	}
	for _, inode := range inodes {
		v.snapshot.Unix[inode] = look.Unix{}
	}
	for i := range v.snapshot.Namespaces {
		ns, read := v.spaces[v.snapshot.Namespaces[i].Inode]
		if len(inodes) == 0 || !read {
			continue
		}
		_ = v.host.roots.Do(ns, func() error { // where that fails they stay unknown
			table, err := unixdiag.Read(ctx)
			if err != nil {
				return err
			}
			inodes = slices.DeleteFunc(inodes, func(inode uint32) bool {
				u, found := table.Of(inode)
				if found {
					v.snapshot.Unix[inode] = u
				}
				return found
			})
			return nil
		})
	}
}
