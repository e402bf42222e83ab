package diagnose

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// BenchmarkRun diagnoses 20,000 connections that a server with one thread does not look at.
func BenchmarkRun(b *testing.B) {
	sockets := []tcp.Socket{listening(0, 4096)}
	for i := range 20_000 {
		sockets = append(sockets, client(i, time.Duration(i+6)*time.Second, 10, 11))
	}
	now := snapshot(sockets...)
	a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 3, 0))
	for i := range a.Sockets {
		a.Sockets[i].FlagsKnown, a.Sockets[i].CloseOnExec = true, true
	}
	for b.Loop() {
		d := new(Diagnosis)
		if w := d.Inquire(now); !w.Empty() {
			b.Fatal("more is wanted")
		}
		if v := d.Run(now, sockets); len(v.Findings) != 1 {
			b.Fatal(v.Findings)
		}
	}
}
