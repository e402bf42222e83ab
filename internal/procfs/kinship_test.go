package procfs_test

import (
	"testing"

	"github.com/closewait/closewait/internal/procfs"
)

func TestKinship(t *testing.T) {
	// 1 ─┬─ 10 ─┬─ 11 ── 12 ── 13
	//    │      └─ 14 ── 15
	//    └─ 20 ── 21            2 ── 30, 31         40 ⇄ 41
	parents := map[int]int{10: 1, 11: 10, 12: 11, 13: 12, 14: 10, 15: 14, 20: 1, 21: 20, 2: 0, 30: 2, 31: 2, 40: 41, 41: 40}
	for holder, want := range map[int][]int{
		11: {1, 10, 11, 12, 13, 14},
		10: {1, 10, 11, 12, 13, 14, 15},
		13: {1, 10, 11, 12, 13},
		21: {1, 20, 21},
		30: {2, 30},
		40: {40, 41},
		1:  {1, 10, 11, 12, 13, 14, 15, 20, 21},
		99: {99},
	} {
		related := map[int]bool{}
		for _, pid := range want {
			related[pid] = true
		}
		asked := map[int]int{}
		k := procfs.NewKinship(func(pid int) int { asked[pid]++; return parents[pid] })
		k.Add(holder)
		for _, pid := range []int{1, 2, 10, 11, 12, 13, 14, 15, 20, 21, 30, 31, 40, 41, 98, 99} {
			if got := k.Related(pid); got != related[pid] {
				t.Errorf("%d holds: %d related: %v", holder, pid, got)
			}
		}
		for pid, n := range asked {
			if n > 1 {
				t.Errorf("asked %d times for the parent of %d", n, pid)
			}
		}
	}
}
