package cli

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// rank is what rows are ordered by: urgency, namespace, state and local port in major, the peer in minor. The cookie decides the rest, so that the same
// rows always come in the same order, whatever order the kernel kept them in.
type rank struct {
	major, netns, minor, cookie uint64
	index                       int
}

func (r rank) compare(other rank) int {
	if c := cmp.Compare(r.major, other.major); c != 0 {
		return c
	}
	if c := cmp.Compare(r.netns, other.netns); c != 0 {
		return c
	}
	if c := cmp.Compare(r.minor, other.minor); c != 0 {
		return c
	}
	return cmp.Compare(r.cookie, other.cookie)
}

var urgency = map[string]uint64{report.SeverityCritical: 0, report.SeverityWarning: 1, report.SeverityInfo: 2}

func rankOf(r *look.Row, index int) rank {
	urgent, found := urgency[r.Severity]
	if !found {
		urgent = 3
	}
	s := r.Socket
	k := rank{major: urgent<<32 | uint64(s.State)<<16 | uint64(s.Local.Port()), cookie: uint64(s.Cookie), index: index}
	if r.Netns != nil {
		k.netns = r.Netns.Inode
	}
	if peer := s.Peer.Addr().Unmap(); peer.Is4() {
		b := peer.As4()
		k.minor = uint64(binary.BigEndian.Uint32(b[:]))<<16 | uint64(s.Peer.Port())
	} else if peer.IsValid() {
		b := peer.As16()
		k.minor = binary.BigEndian.Uint64(b[:])
	}
	return k
}

// arrange puts rows into their order: the most urgent first, alike ones together.
func arrange(rows []look.Row) {
	ranks := make([]rank, len(rows))
	for i := range rows {
		ranks[i] = rankOf(&rows[i], i)
	}
	slices.SortFunc(ranks, rank.compare)
	sorted := make([]look.Row, len(rows))
	for i, r := range ranks {
		sorted[i] = rows[r.index]
	}
	copy(rows, sorted)
}
