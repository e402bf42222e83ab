package look

import (
	"cmp"
	"iter"
	"math"
	"slices"
)

// Holder is one descriptor that refers to a socket.
type Holder struct{ PID, FD int }

// Holders says who holds the sockets whose holders were looked for, by inode. Nearly every socket has one holder, and there can be a million of them: the
// table is open addressing over one array of twelve bytes a slot, and nothing is allocated for a single holder.
//
// The zero value holds nothing and wants nothing.
type Holders struct {
	slots []holderSlot // at most three quarters of them in use
	count int          // inodes wanted
	held  int          // of those, the ones with a holder
	more  map[uint32][]Holder
}

// holderSlot is a wanted inode, 0 for a free slot, with its holder. Where there are several, or one whose numbers are none that the kernel gives, pid is inMore.
type holderSlot struct {
	inode   uint32
	pid, fd int32
}

const (
	heldByNobody = 0
	inMore       = -1 // Holders.more has the list
)

// MakeHolders returns a table with room for this many wanted inodes, and for some that are wanted later.
func MakeHolders(wanted int) Holders {
	return Holders{slots: make([]holderSlot, 64+wanted+wanted*3/8)}
}

// Want makes Add keep the holders of an inode other than 0.
func (h *Holders) Want(inode uint32) { h.want(inode) }

func (h *Holders) want(inode uint32) *holderSlot {
	if 4*(h.count+1) > 3*len(h.slots) {
		h.grow()
	}
	s := h.slot(inode)
	if inode != 0 && s.inode == 0 {
		s.inode = inode
		h.count++
	}
	return s
}

// Hold is Want and then Add.
func (h *Holders) Hold(inode uint32, holder Holder) {
	if s := h.want(inode); inode != 0 {
		h.add(s, holder)
	}
}

// Wants reports whether the holders of an inode are wanted.
func (h *Holders) Wants(inode uint32) bool {
	s := h.slot(inode)
	return s != nil && inode != 0 && s.inode == inode
}

// Add notes a holder and reports whether the inode is wanted at all.
func (h *Holders) Add(inode uint32, holder Holder) (wanted bool) {
	s := h.slot(inode)
	if s == nil || inode == 0 || s.inode == 0 {
		return false
	}
	h.add(s, holder)
	return true
}

func (h *Holders) add(s *holderSlot, holder Holder) {
	switch {
	case s.pid != heldByNobody:
		if h.more == nil {
			h.more = map[uint32][]Holder{}
		}
		h.more[s.inode], s.pid = append(h.Append(nil, s.inode), holder), inMore
		return
	case 0 < holder.PID && holder.PID <= math.MaxInt32 && math.MinInt32 <= holder.FD && holder.FD <= math.MaxInt32:
		s.pid, s.fd = int32(holder.PID), int32(holder.FD)
	default:
		if h.more == nil {
			h.more = map[uint32][]Holder{}
		}
		h.more[s.inode], s.pid = []Holder{holder}, inMore
	}
	h.held++
}

// Drop forgets a process that was noted as a holder: its pid turned out to be another's by now.
func (h *Holders) Drop(pid int) {
	for i := range h.slots {
		s := &h.slots[i]
		switch {
		case s.inode == 0 || s.pid == heldByNobody:
			continue
		case s.pid == inMore:
			left := slices.DeleteFunc(h.more[s.inode], func(o Holder) bool { return o.PID == pid })
			if h.more[s.inode] = left; len(left) > 0 {
				continue
			}
			delete(h.more, s.inode)
		case s.holder().PID != pid:
			continue
		}
		s.pid = heldByNobody
		h.held--
	}
}

// Shared yields the inodes that have several holders, with those, in no order. The lists are not to be changed.
func (h *Holders) Shared() iter.Seq2[uint32, []Holder] {
	return func(yield func(uint32, []Holder) bool) {
		for inode, list := range h.more {
			if len(list) > 1 && !yield(inode, list) {
				return
			}
		}
	}
}

// Release forgets one of several holders of an inode, never the last.
func (h *Holders) Release(inode uint32, holder Holder) {
	list := h.more[inode]
	if i := slices.Index(list, holder); i >= 0 && len(list) > 1 {
		h.more[inode] = slices.Delete(slices.Clone(list), i, i+1)
	}
}

// Has reports whether an inode has a holder.
func (h *Holders) Has(inode uint32) bool {
	s := h.slot(inode)
	return s != nil && inode != 0 && s.inode != 0 && s.pid != heldByNobody
}

// Any reports whether one of an inode's holders is as asked.
func (h *Holders) Any(inode uint32, is func(Holder) bool) bool {
	s := h.slot(inode)
	switch {
	case s == nil || inode == 0 || s.inode == 0 || s.pid == heldByNobody:
		return false
	case s.pid == inMore:
		return slices.ContainsFunc(h.more[inode], is)
	}
	return is(s.holder())
}

// Of returns the holders of an inode, in the order in which they were found until Sort: nil for none. The slice must not be changed.
func (h *Holders) Of(inode uint32) []Holder {
	if s := h.slot(inode); s != nil && s.pid == inMore && inode != 0 {
		return h.more[inode]
	}
	return h.Append(nil, inode)
}

// Append is Of for those who ask for many: it appends the holders to a slice.
func (h *Holders) Append(to []Holder, inode uint32) []Holder {
	s := h.slot(inode)
	switch {
	case s == nil || inode == 0 || s.inode == 0 || s.pid == heldByNobody:
		return to
	case s.pid == inMore:
		return append(to, h.more[inode]...)
	}
	return append(to, s.holder())
}

// holder is the only one.
func (s *holderSlot) holder() Holder { return Holder{PID: int(s.pid), FD: int(s.fd)} }

// Sort puts the holders of each socket into ascending order of pid and descriptor.
func (h *Holders) Sort() {
	for _, list := range h.more {
		slices.SortFunc(list, func(a, b Holder) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.FD, b.FD)) })
	}
}

// Wanted returns the number of wanted inodes.
func (h *Holders) Wanted() int { return h.count }

// Held returns the number of wanted inodes that have a holder.
func (h *Holders) Held() int { return h.held }

// All yields every holder with the inode it holds.
func (h *Holders) All() iter.Seq2[uint32, Holder] {
	return func(yield func(uint32, Holder) bool) {
		var list []Holder
		for i := range h.slots {
			list = h.Append(list[:0], h.slots[i].inode)
			for _, holder := range list {
				if !yield(h.slots[i].inode, holder) {
					return
				}
			}
		}
	}
}

// slot returns the slot of an inode or the free one it would take; nil in an empty table.
func (h *Holders) slot(inode uint32) *holderSlot {
	if len(h.slots) == 0 {
		return nil
	}
	// Inodes come in runs, which a multiplication spreads (Knuth's constant for 32 bits); its upper bits choose among any number of slots.
	i := int(uint64(inode*2654435769) * uint64(len(h.slots)) >> 32)
	for {
		if s := &h.slots[i]; s.inode == inode || s.inode == 0 {
			return s
		}
		if i++; i == len(h.slots) {
			i = 0
		}
	}
}

func (h *Holders) grow() {
	old := h.slots
	h.slots = make([]holderSlot, max(8, 2*len(old)))
	for i := range old {
		if old[i].inode != 0 {
			*h.slot(old[i].inode) = old[i]
		}
	}
}
