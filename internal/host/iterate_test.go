package host_test

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/tcp"
)

// needsHolders skips what takes a BPF program to find holders where that is not allowed.
func needsHolders(t *testing.T) {
	t.Helper()
	h, err := probe.OpenHolders(0)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) && nstest.Before(t, 5, 11) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
}

// TestLook_iterated: whether holders are found by a BPF iterator or in /proc makes no difference, not for sockets with two holders and not for dead ones.
func TestLook_iterated(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		needsHolders(t)
		holders := []*nstest.Holder{nstest.StartHolder(t, 1500), nstest.StartHolder(t, 20)}
		dead := startHolderOfDead(t)
		ours := func(list []look.DeadFD) []int {
			var fds []int
			for _, d := range list {
				if d.PID == dead.pid {
					fds = append(fds, d.FD)
				}
			}
			slices.Sort(fds)
			return fds
		}
		for _, withDead := range []bool{false, true} {
			r := host.Request{Netns: []string{netnsPath()}, Holders: func(s *tcp.Socket) bool { return s.State == tcp.CloseWait }, Dead: withDead}
			var quick, slow *look.Snapshot
			for try := 1; ; try++ { // a process that is being started holds, for a moment, what the one it comes from does
				var used bool
				var err error
				if quick, used, err = host.Iterated(t.Context(), host.New(time.Now), r); err != nil || !used {
					t.Fatalf("an iterator was used: %v, %v", used, err)
				}
				r.NoBPF = true
				slow, _ = lookAt(t, r)
				a, b := listOf(&quick.Holders), listOf(&slow.Holders)
				if len(a) >= 1520 && slices.Equal(a, b) {
					break
				}
				if try == 5 {
					t.Fatalf("%d holders by the iterator, %d in /proc", len(a), len(b))
				}
			}
			for _, h := range holders {
				want := []look.Holder{{PID: h.PID, FD: h.Sockets[0].FD}}
				if got := quick.Holders.Of(h.Sockets[0].Inode); !slices.Equal(got, want) {
					t.Errorf("holders %v, want %v", got, want)
				}
			}
			if withDead && (!slices.Equal(ours(quick.Dead), dead.dead) || !slices.Equal(ours(slow.Dead), dead.dead)) {
				t.Errorf("dead by the iterator %v, in /proc %v, want %v", ours(quick.Dead), ours(slow.Dead), dead.dead)
			}
		}
	})
}

// held is a holder of an inode.
type held struct {
	inode uint32
	look.Holder
}

func listOf(h *look.Holders) (list []held) {
	for inode, holder := range h.All() {
		list = append(list, held{inode, holder})
	}
	slices.SortFunc(list, func(a, b held) int {
		return cmp.Or(cmp.Compare(a.inode, b.inode), cmp.Compare(a.PID, b.PID), cmp.Compare(a.FD, b.FD))
	})
	return list
}

func TestWorthwhile(t *testing.T) {
	for _, test := range []struct {
		all           bool
		wanted, total int
		want          bool
	}{
		{false, 0, 1_000_000, false}, {false, 100, 20_000, false}, {false, 19_000, 19_500, true}, {false, 19_000, 1_000_000, false}, {true, 0, 1_000_000, true},
		{true, 0, 1_000, false}, {true, 1_500, 1_900, false}, {true, 10, 20_000, true},
	} {
		if got := host.Worthwhile(test.all, test.wanted, test.total); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
