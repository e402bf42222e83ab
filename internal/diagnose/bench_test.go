package diagnose

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// BenchmarkRun diagnoses 20,000 connections that a server does not look at: whatever its threads do, twice as many cost twice as much.
func BenchmarkRun(b *testing.B) {
	for _, server := range []struct {
		name    string
		threads []look.Thread
		set     bool // whether an epoll instance has the sockets
	}{
		{"one thread waits", []look.Thread{in(ours, look.CallPoll, "epoll_wait", 3, 0)}, false},
		{"three threads wait", []look.Thread{in(ours, look.CallPoll, "epoll_wait", 3, 0), in(2, look.CallLock, "futex", -1, 0), in(3, look.CallLock, "futex", -1, 0)}, false},
		{"its loop is elsewhere", []look.Thread{spinning(ours)}, true},
		{"one of three threads is elsewhere", []look.Thread{in(ours, look.CallLock, "futex", -1, 0), spinning(2), in(3, look.CallLock, "futex", -1, 0)}, true},
	} {
		b.Run(server.name, func(b *testing.B) {
			sockets := []tcp.Socket{listening(0, 4096)}
			for i := range 20_000 {
				sockets = append(sockets, client(i, time.Duration(i+6)*time.Second, 10, 11))
			}
			now := snapshot(sockets...)
			a := busyWith(now, server.threads...)
			all := make([]int, len(a.Sockets))
			for i := range a.Sockets {
				a.Sockets[i].FlagsKnown, a.Sockets[i].CloseOnExec, all[i] = true, true, i
			}
			if server.set {
				watching(a, 3, all...)
			}
			for b.Loop() {
				d := new(Diagnosis)
				d.Inquire(now)
				if v := d.Run(now, sockets); len(v.Findings) == 0 {
					b.Fatal("nothing is said")
				}
			}
		})
	}
}
