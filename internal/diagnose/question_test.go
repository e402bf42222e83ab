package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestAsking: a program that answers nobody has itself asked another, on a connection that all share, as where requests are multiplexed. Who was asked explains it, if that does not run.
func TestAsking(t *testing.T) {
	const asked = "has itself asked 203.0.113.5:5432 on 1 connection and has had no answer for 58 s or longer"
	went, came := info(tcp.LastDataSent, 58_000), info(tcp.LastDataRecv, 120_000)
	for name, test := range map[string]struct {
		leg  tcp.Socket
		told bool
	}{
		"silent since before they came": {backend(2000, time.Minute, went, came), true},
		"never answered":                {backend(2000, time.Minute, went, info(tcp.LastDataRecv, 59_000), info(tcp.DataSegsIn, 0)), true},
		"something came since":          {backend(2000, time.Minute, went, info(tcp.LastDataRecv, 59_000), info(tcp.DataSegsIn, 1)), false},
		"answered":                      {backend(2000, time.Minute, went, info(tcp.LastDataRecv, 57_000), info(tcp.DataSegsIn, 1)), false},
		"asked a moment ago":            {backend(2000, time.Minute, info(tcp.LastDataSent, 1000), came), false},
		"never asked for anything":      {backend(2000, time.Minute, went, came, info(tcp.DataSegsIn, 0), info(tcp.DataSegsOut, 500)), false},
	} {
		if _, counted := test.leg.Info.Uint(tcp.DataSegsIn); !counted {
			test.leg.Info.Put(tcp.DataSegsIn, 1)
		}
		for _, stopped := range []bool{false, true} {
			other := socket(tcp.Established, time.Minute, between("203.0.113.5:5432", "192.0.2.1:45000"), inode(3000), cookie(3000))
			now := snapshot(client(1, 60*time.Second, 83, 0), client(2, 61*time.Second, 83, 0), client(3, 62*time.Second, 83, 0), test.leg, listening(0, 128))
			busyWith(now, in(ours, look.CallPoll, "epoll_wait", 3, 0))
			if stopped {
				now.Namespaces[0].Sockets = append(now.Namespaces[0].Sockets, other)
				now.Holders.Want(3000)
				now.Holders.Add(3000, look.Holder{PID: 77, FD: 5})
				now.Processes[77] = &look.Process{PID: 77, Comm: "redis-server", State: 'T', Activity: &look.Activity{Threads: []look.Thread{stopping(77)}, ThreadCount: 1, CallsKnown: true}}
			}
			v := Run(now, nil)
			f := v.Of(&now.Namespaces[0].Sockets[0])
			if f == nil || f.Code != "CW101" || f.Count != 3 || strings.Contains(strings.Join(f.Evidence, "\n"), asked) != test.told || (f.CausedBy != nil) != (test.told && stopped) {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}
