package main

import (
	"fmt"
	"testing"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// BenchmarkClose destroys thousands of CLOSE_WAIT sockets: by the kernel alone, one request after the other, and by the whole command with its plan, its journal and two looks at
// every socket. The time is that of one socket.
func BenchmarkClose(b *testing.B) {
	const n = 4000
	perSocket := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/socket") }
	b.Run("kernel", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			ns := nstest.New(b)
			ns.Do(func() {
				nstest.ManyCloseWait(b, n)
				conn, err := inetdiag.Open()
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				sockets, _, err := conn.Sockets(b.Context(), inetdiag.Query{States: tcp.SetOf(tcp.CloseWait)}, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for i := range sockets {
					if err := conn.Destroy(b.Context(), &sockets[i]); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
			})
		}
		perSocket(b)
	})
	b.Run("command", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			ns := nstest.New(b)
			ns.Do(func() { nstest.ManyCloseWait(b, n) })
			b.StartTimer()
			result, notes, code := changing(b, "close", "state close-wait", "--how=destroy", "--netns", ns.Path(), allRisks, "--yes", "--max", fmt.Sprint(n))
			b.StopTimer()
			if code != 0 || len(result.Steps) != n {
				b.Fatalf("exit %d, %s: %d steps", code, notes, len(result.Steps))
			}
		}
		perSocket(b)
	})
}
