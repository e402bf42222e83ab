package procfs

// kinship knows which processes descend from one another. It asks for the parent of a process once.
type kinship struct {
	ask     func(pid int) int
	parents map[int]int
	holders map[int]bool
	// ancestors are the holders' ancestors, siblings the parents whose children are the holders' siblings.
	ancestors, siblings map[int]bool
}

// maxGenerations ends the way up when the answers, which are not taken at one moment, go in a circle.
const maxGenerations = 1000

func newKinship(parent func(pid int) int) *kinship {
	return &kinship{
		ask: parent, parents: map[int]int{}, holders: map[int]bool{}, ancestors: map[int]bool{}, siblings: map[int]bool{},
	}
}

// add makes pid a holder.
func (k *kinship) add(pid int) {
	k.holders[pid] = true
	// The first process adopts orphans and the second is the parent of the kernel's threads: their children have nothing else in common. 0 stands for a parent
	// that is not known.
	if parent := k.parent(pid); parent > 2 {
		k.siblings[parent] = true
	}
	for p, n := k.parent(pid), 0; p > 0 && n < maxGenerations; p, n = k.parent(p), n+1 {
		k.ancestors[p] = true
	}
}

// related reports whether pid may share descriptors with a holder: same parent, ancestor or descendant.
func (k *kinship) related(pid int) bool {
	if k.ancestors[pid] || k.siblings[k.parent(pid)] {
		return true
	}
	for p, n := pid, 0; p > 0 && n < maxGenerations; p, n = k.parent(p), n+1 {
		if k.holders[p] {
			return true
		}
	}
	return false
}

func (k *kinship) parent(pid int) int {
	parent, ok := k.parents[pid]
	if !ok {
		parent = k.ask(pid)
		k.parents[pid] = parent
	}
	return parent
}
