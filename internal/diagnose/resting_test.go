package diagnose

import (
	"slices"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// resting is a thread that has not run for so long.
func resting(t look.Thread, since time.Duration) look.Thread {
	t.Resting = since
	return t
}

// TestResting: a thread that has not run since before the oldest connection came works for none, and a main thread that sleeps may work for one only if it has run since, and nobody else can have
// accepted it.
func TestResting(t *testing.T) {
	const idle = time.Minute
	since, before := idle, time.Hour
	accepting := in(9, look.CallAccept, "accept4", 13, listener)
	one := []tcp.Socket{client(1, idle, 83, 1), listening(0, 128)}
	behind := []tcp.Socket{client(1, idle, 83, 1), listening(2, 128), queued(2), queued(3)}
	untouched := []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 84), listening(0, 128)}
	turns := []tcp.Socket{client(1, idle, 83, 1), client(2, 2*idle, 83, 1), client(3, 3*idle, 83, 1), listening(0, 128)}
	own := in(7, look.CallRead, "read", 44, 0)
	own.First.Call.OwnPipe, own.Again.Call.OwnPipe = true, true
	tests := []struct {
		name    string
		sockets []tcp.Socket
		threads []look.Thread
		set     []int // sockets in an epoll instance
		want    string
		blamed  []int
	}{
		{"the main thread sleeps since", one, []look.Thread{resting(sleeper(ours), since), resting(parked(2), before), resting(parked(3), before)}, nil, "CW107", []int{ours}},
		{"the main thread sleeps from before", one, []look.Thread{resting(sleeper(ours), before), resting(parked(2), since)}, nil, "CW102", nil},
		{"one waits for the others, by a pipe of the program's own", one, []look.Thread{parked(ours), own, parked(2)}, nil, "CW102", nil},
		{"nobody knows since when", one, []look.Thread{sleeper(ours), parked(2)}, nil, "CW102", nil},
		{"another accepts", one, []look.Thread{resting(sleeper(ours), since), accepting}, nil, "CW102", nil},
		{"another waits for a pipe", one, []look.Thread{resting(sleeper(ours), since), resting(pollsOn(2, 90), before)}, nil, "CW107", []int{ours}},
		{"others wait for the main thread", behind, []look.Thread{resting(sleeper(ours), since), resting(parked(2), before), resting(parked(3), before)}, nil, "CW105", []int{ours}},
		{"others wait, for one of two", behind, []look.Thread{resting(sleeper(ours), since), resting(parked(2), since), resting(parked(3), before)}, nil, "CW105", []int{ours, 2}},
		{"a thread of the runtime is older", behind, []look.Thread{resting(parked(ours), before), resting(parked(2), since), resting(parked(3), before)}, nil, "CW105", []int{2}},
		{"all are older", behind, []look.Thread{resting(parked(ours), before), resting(parked(2), before)}, nil, "CW105", []int{2}},
		{"a loop has accepted and not looked yet", untouched, []look.Thread{resting(sleeper(ours), since), resting(parked(2), before)}, []int{0, 2}, "CW106", []int{ours}},
		{"the pool's thread, and one that waits for its master from before", one, []look.Thread{accepting, resting(sleeper(2), since), resting(in(3, look.CallRead, "read", 44, 4400), before)}, nil, "CW107", []int{2}},
		{"the pool's threads, each begun when its request came", turns, []look.Thread{accepting, resting(sleeper(2), since), resting(sleeper(3), 2*since), resting(in(4, look.CallRead, "read", 44, 4400), 3*since)}, nil, "CW107", []int{2, 3, 4}},
		{"of the pool's threads one has begun anew", turns, []look.Thread{accepting, resting(sleeper(2), since), resting(sleeper(3), since), resting(sleeper(4), 3*since)}, nil, "CW107", []int{2, 3, 4}},
		{"fewer threads than connections", turns, []look.Thread{accepting, resting(sleeper(3), 2*since), resting(sleeper(4), 3*since)}, nil, "CW105", []int{3, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now := snapshot(test.sockets...)
			a := busyWith(now, test.threads...)
			if test.set != nil {
				watching(a, 3, test.set...)
			}
			f := only(t, Run(now, nil))
			var blamed []int
			for _, c := range f.Culprits {
				if c.TID != nil {
					blamed = append(blamed, *c.TID)
				}
			}
			slices.Sort(blamed)
			want := slices.Clone(test.blamed)
			slices.Sort(want)
			if f.Code != test.want || !slices.Equal(blamed, want) {
				t.Errorf("%s, blamed %v; want %s, %v", f.Code, blamed, test.want, want)
			}
		})
	}
}
