package history

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
)

// Fold returns the look with what earlier looks at the same host and boot add to it: the ages of its sockets and the growth of their number. The looks stay as
// they are; those that are not earlier are passed over.
func Fold(now *look.Snapshot, earlier []*look.Snapshot) *look.Snapshot {
	earlier = slices.DeleteFunc(slices.Clone(earlier), func(s *look.Snapshot) bool { return !s.TakenAt.Before(now.TakenAt) })
	if len(earlier) == 0 {
		return now
	}
	slices.SortStableFunc(earlier, func(a, b *look.Snapshot) int { return b.TakenAt.Compare(a.TakenAt) }) // the latest first
	folded := *now
	folded.Namespaces = slices.Clone(now.Namespaces)
	for i := range folded.Namespaces {
		folded.Namespaces[i].Ages = ages(&folded.Namespaces[i], earlier)
	}
	folded.Growths = growths(now, earlier[len(earlier)-1])
	return &folded
}

// readAt returns the table of a namespace in a look, and when it was read; ok is false when it was not.
func readAt(s *look.Snapshot, inode uint64) (ns *look.Namespace, at time.Time, ok bool) {
	for i := range s.Namespaces {
		if ns := &s.Namespaces[i]; ns.Inode == inode && !ns.Skipped && !ns.Pasted {
			at := ns.ReadAt
			if at.IsZero() {
				at = s.TakenAt
			}
			return ns, at, true
		}
	}
	return nil, time.Time{}, false
}
