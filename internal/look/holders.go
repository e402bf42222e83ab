package look

import (
	"cmp"
	"iter"
	"slices"
)

// Holder is one descriptor that refers to a socket.
type Holder struct{ PID, FD int }

// Holders says who holds the sockets whose holders were looked for, by inode. Nearly every socket has one holder, and there can be a million of them: the
// table is open addressing over one array, and nothing is allocated for a single holder.
//
// The zero value holds nothing and wants nothing.
type Holders struct {
	slots []holderSlot // a power of two of them, at most half in use
	count int          // inodes wanted
	held  int          // of those, the ones with a holder
	more  map[uint32][]Holder
}

// holderSlot is a wanted inode, 0 for a free slot, with its first holder if state says so.
type holderSlot struct {
	first [1]Holder
	inode uint32
	state holderState
}

type holderState uint8

const (
	heldByNobody holderState = iota
	heldByOne
	heldByMore // then the list is in Holders.more
)

// MakeHolders returns a table with room for this many wanted inodes.
func MakeHolders(wanted int) Holders {
	size := 8
	for size < 2*wanted {
		size *= 2
	}
	return Holders{slots: make([]holderSlot, size)}
}

// Want makes Add keep the holders of an inode other than 0.
func (h *Holders) Want(inode uint32) { h.want(inode) }

func (h *Holders) want(inode uint32) *holderSlot {
	if 2*(h.count+1) > len(h.slots) {
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
	switch s.state {
	case heldByNobody:
		s.first[0], s.state = holder, heldByOne
		h.held++
	case heldByOne:
		if h.more == nil {
			h.more = map[uint32][]Holder{}
		}
		h.more[s.inode], s.state = []Holder{s.first[0], holder}, heldByMore
	default:
		h.more[s.inode] = append(h.more[s.inode], holder)
	}
}

// Of returns the holders of an inode, in the order in which they were found until Sort: nil for none. The slice must not be changed.
func (h *Holders) Of(inode uint32) []Holder {
	s := h.slot(inode)
	switch {
	case s == nil || inode == 0 || s.inode == 0 || s.state == heldByNobody:
		return nil
	case s.state == heldByOne:
		return s.first[:]
	}
	return h.more[inode]
}

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
		for i := range h.slots {
			for _, holder := range h.Of(h.slots[i].inode) {
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
	mask := uint32(len(h.slots) - 1)
	// Inodes come in runs, which a multiplication spreads (Knuth's constant for 32 bits).
	for i := inode * 2654435769 >> 7 & mask; ; i = (i + 1) & mask {
		if s := &h.slots[i]; s.inode == inode || s.inode == 0 {
			return s
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
