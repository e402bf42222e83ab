package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// looksAgain is a thread, as old as told, that was seen in a lock twice, 300 ms apart, and looks after it once a second. So often it has had a processor.
func looksAgain(tid int, age time.Duration, slices uint64) look.Thread {
	t := born(ran(parked(tid)), age)
	t.First.At, t.Again.At = time.Hour, time.Hour+300*time.Millisecond
	t.First.Call.Left, t.Again.Call.Left = 200*time.Millisecond, 900*time.Millisecond
	t.First.Slices, t.Again.Slices = slices-1, slices
	return t
}

// ofVM makes it a thread of the virtual machine.
func ofVM(t look.Thread) look.Thread {
	t.Runtime = true
	return t
}

// TestMonitors: one that waits for a monitor of a JVM wakes at intervals, as timers do. It is told from them by when it began and by how often it ran, and where that does not tell, nobody is named.
func TestMonitors(t *testing.T) {
	const idle, day = time.Minute, 24 * time.Hour
	made := idle + 2*time.Second // when client makes its connections
	accepting := in(ours, look.CallAccept, "accept4", 13, listener)
	vm := ofVM(parked(2))
	read := []tcp.Socket{client(1, idle, 83, 1), client(2, idle, 83, 1)}
	for name, test := range map[string]struct {
		threads []look.Thread
		want    string
		named   []int
	}{
		"started for the connections":   {[]look.Thread{accepting, vm, looksAgain(3, made, 70), looksAgain(4, made, 70)}, "CW105", []int{3, 4}},
		"with one that may be idle":     {[]look.Thread{accepting, vm, looksAgain(3, made, 70), looksAgain(4, made, 70), parked(5)}, "CW105", []int{3, 4}},
		"more than connections":         {[]look.Thread{accepting, vm, looksAgain(3, made, 70), looksAgain(4, made, 70), looksAgain(5, made, 70)}, "CW105", nil},
		"hardly ran before":             {[]look.Thread{accepting, vm, looksAgain(3, day/2, 500), looksAgain(4, day/2, 500)}, "CW105", []int{3, 4}},
		"and a timer":                   {[]look.Thread{accepting, vm, looksAgain(3, day/2, 500), looksAgain(4, day/2, 500), looksAgain(5, day/2, 43_200)}, "CW105", []int{3, 4}},
		"ran as often as timers":        {[]look.Thread{accepting, vm, looksAgain(3, day/2, 43_200), looksAgain(4, day/2, 90_000)}, "CW105", nil},
		"and as many sleepers":          {[]look.Thread{accepting, vm, looksAgain(3, day/2, 90_000), looksAgain(4, day/2, 90_000), parked(5), parked(6)}, "CW105", nil},
		"one looks for many":            {[]look.Thread{accepting, vm, looksAgain(3, day/2, 90_000), parked(4), parked(5)}, "CW105", []int{4, 5}},
		"fewer than were read":          {[]look.Thread{accepting, vm, looksAgain(3, day/2, 90_000)}, "CW102", nil},
		"only the virtual machine's":    {[]look.Thread{accepting, vm, ofVM(parked(3)), ofVM(looksAgain(4, made, 70)), ofVM(looksAgain(5, made, 70))}, "CW102", nil},
		"no virtual machine, they wake": {[]look.Thread{accepting, looksAgain(3, made, 70), looksAgain(4, made, 70)}, "CW102", nil},
		"it collects garbage":           {[]look.Thread{accepting, ofVM(spinning(2)), parked(3)}, "CW105", []int{2}},
	} {
		now := snapshot(append(slices.Clone(read), client(3, idle, 83, 84), listening(0, 128))...)
		busyWith(now, test.threads...)
		f := only(t, Run(now, nil))
		var named []int
		for _, c := range f.Culprits {
			if c.TID != nil {
				named = append(named, *c.TID)
			}
		}
		if f.Code != test.want || f.Count != 3 || test.want == "CW105" && !slices.Equal(named, test.named) {
			t.Errorf("%s: %s of %d, named %v; want %s, %v", name, f.Code, f.Count, named, test.want, test.named)
		}
		if said := strings.Contains(strings.Join(f.Evidence, " "), "does not show"); said != (test.want == "CW105" && test.named == nil) {
			t.Errorf("%s: %v", name, f.Evidence)
		}
	}
}

// TestAttended_pool: of a burst of connections the threads of a pool serve the first they come to, and none of those that wait unread.
func TestAttended_pool(t *testing.T) {
	const idle = time.Minute
	made := idle + 2*time.Second
	now := snapshot(client(1, idle, 83, 84), client(2, idle, 83, 84), client(3, idle, 83, 1), client(4, idle, 83, 1), listening(0, 128))
	busyWith(now, in(ours, look.CallAccept, "accept4", 13, listener), born(parked(2), made), born(parked(3), made))
	if f := only(t, Run(now, nil)); f.Code != "CW105" || f.Count != 4 || len(f.Culprits) != 2 {
		t.Errorf("%s of %d, culprits %v", f.Code, f.Count, f.Culprits)
	}
}
