package look

import "time"

// Wish is what a diagnosis wants to know beyond what a snapshot holds so far. The look is asked for it in rounds, until nothing is wanted.
type Wish struct {
	// Activity lists the processes whose activity is wanted, the most important first.
	Activity []int
	// Holders lists the inodes of sockets whose holders are wanted.
	Holders []uint32
	// Children lists the processes whose children are wanted, and what those do. Their own activity is known.
	Children []int
	// Unix lists the inodes of sockets that may be ends of unix domain streams, of which the other ends are wanted.
	Unix []uint32
	// Flags lists the descriptors whose flags are wanted. Their process's activity is known.
	Flags []Holder
	// Again lists the processes whose threads must be seen a second time, a moment later.
	Again []int
	// Patience is how long after the first look at least the second is to be taken, when there is one.
	Patience time.Duration
	// Transit says that sockets without a holder are to be sought in unix sockets and rings.
	Transit bool
}

// Empty reports whether nothing is wanted at once.
func (w *Wish) Empty() bool {
	return len(w.Activity) == 0 && len(w.Holders) == 0 && len(w.Children) == 0 && len(w.Unix) == 0 && len(w.Flags) == 0 && !w.Transit
}
