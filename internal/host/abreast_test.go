package host_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

func TestAbreast(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100} {
		var mu sync.Mutex
		var done []int
		host.Abreast(n, func(i int) {
			mu.Lock()
			defer mu.Unlock()
			done = append(done, i)
		})
		slices.Sort(done)
		for i := range max(n, len(done)) {
			if i >= n || i >= len(done) || done[i] != i {
				t.Fatalf("%d things, done were %v", n, done)
			}
		}
	}
}

// TestLook_together: tables that are read at the same time and in turn tell the same, in the same order; threads of processes that are looked at abreast are seen twice.
func TestLook_together(t *testing.T) {
	nstest.Require(t)
	const namespaces, sockets = 5, 3
	var request host.Request
	var pids []int
	for range namespaces {
		ns := nstest.New(t)
		request.Netns = append(request.Netns, ns.Path())
		ns.Do(func() { pids = append(pids, nstest.StartHolder(t, sockets).PID) })
	}
	request.Holders, request.Options = func(*tcp.Socket) bool { return true }, true
	at := func(take func(host.Request) (*look.Snapshot, []tcp.Socket, error)) (places []string, s *look.Snapshot) {
		s, _, err := take(request)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Namespaces {
			n := &s.Namespaces[i]
			places = append(places, n.Name)
			for j := range n.Sockets {
				places = append(places, n.Sockets[j].Cookie.String())
			}
		}
		return places, s
	}
	inTurn, _ := at(func(r host.Request) (*look.Snapshot, []tcp.Socket, error) {
		return host.New(time.Now).Look(t.Context(), r)
	})
	request.Inquire = func(s *look.Snapshot) look.Wish {
		if p := s.Processes[pids[0]]; p != nil && p.Activity != nil {
			return look.Wish{Again: pids}
		}
		return look.Wish{Activity: pids}
	}
	atOnce, s := at(func(r host.Request) (*look.Snapshot, []tcp.Socket, error) {
		return host.Together(t.Context(), host.New(time.Now), r)
	})
	if diff := cmp.Diff(inTurn, atOnce); diff != "" || len(atOnce) < namespaces*sockets {
		t.Errorf("%d namespaces and sockets, -in turn +at once:\n%s", len(atOnce), diff)
	}
	for _, pid := range pids {
		p := s.Processes[pid]
		if p == nil || p.Activity == nil || len(p.Activity.Threads) == 0 || p.Activity.Threads[0].Again.State == 0 {
			t.Errorf("process %d: %+v, want its threads at two moments", pid, p)
		}
	}
}
