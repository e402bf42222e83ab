package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestAway: the only thread of a program that looks at its connections by poll or select is at something else since a request came, and the others wait.
func TestAway(t *testing.T) {
	request := func(since time.Duration) tcp.Socket { // of a client that still waits
		return socket(tcp.Established, since, inode(50), cookie(50), info(tcp.LastDataRecv, uint64(since/time.Millisecond)), info(tcp.LastDataSent, uint64((since+10*time.Second)/time.Millisecond)), info(tcp.DataSegsIn, 2))
	}
	left := func(n int) tcp.Socket { // of one that had an answer before
		return client(n, 20*time.Second, 200, 101, info(tcp.DataSegsIn, 2), info(tcp.DataSegsOut, 1), info(tcp.LastDataSent, 40_000))
	}
	for name, test := range map[string]struct {
		thread look.Thread
		others int
		want   string
	}{
		"asleep since the request came":   {resting(sleeper(ours), 30*time.Second), 2, "CW105"},
		"with one client left":            {resting(sleeper(ours), 30*time.Second), 1, "CW105"},
		"asleep since before":             {resting(sleeper(ours), time.Minute), 2, "CW102"},
		"asleep since later":              {resting(sleeper(ours), 10*time.Second), 2, "CW102"},
		"busy":                            {spinning(ours), 2, "CW105"},
		"waits for its connections":       {in(ours, look.CallPoll, "poll", -1, 0), 2, "CW102"},
		"asks another since it was asked": {in(ours, look.CallRead, "recvfrom", 10, 60), 2, "CW105"},
	} {
		sockets := []tcp.Socket{left(1), request(30 * time.Second), listening(0, 128), backend(60, 30*time.Second)}
		if test.others > 1 {
			sockets = append(sockets, left(2))
		}
		now := snapshot(sockets...)
		busyWith(now, test.thread)
		f := Run(now, nil).Of(&now.Namespaces[0].Sockets[0])
		if f == nil || f.Code != test.want || f.Code == "CW105" && (f.Count != test.others || !strings.Contains(strings.Join(f.Evidence, "\n"), "only that thread looks at them")) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestAway_twice: a connection that is a program's input and its output, or that was duplicated for stdio, is one: nobody waits for the program beside it.
func TestAway_twice(t *testing.T) {
	for another, want := range map[bool]string{false: "CW107", true: "CW105"} {
		sockets := []tcp.Socket{client(1, 20*time.Second, 83, 1), listening(0, 128)}
		if another {
			sockets = append(sockets, client(2, 20*time.Second, 83, 1))
		}
		now := snapshot(sockets...)
		held(now, 1001, look.Holder{PID: ours, FD: 0}, look.Holder{PID: ours, FD: 1}, look.Holder{PID: ours, FD: 2})
		busyWith(now, resting(sleeper(ours), 21*time.Second))
		if f := only(t, Run(now, nil)); f.Code != want {
			t.Errorf("another: %v: %s, want %s", another, f.Code, want)
		}
	}
}
