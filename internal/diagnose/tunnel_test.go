package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestTunnels: clients have left a program that passes their connections on through one of its own to another program, which has told a server that it is the end. The server does not close.
func TestTunnels(t *testing.T) {
	const near, far, server, gone = 10, 20, 30, 12 * time.Second
	now := func(through string, shut time.Duration) *look.Snapshot {
		entry := listening(0, 4)
		entry.Local, entry.Inode, entry.Cookie = tcp.MustParseEndpoint("127.0.0.1:8000"), 900, 900
		s := snapshot(
			entry,
			socket(tcp.CloseWait, gone, inode(1001), cookie(1), between("127.0.0.1:8000", "127.0.0.1:41001")),
			socket(tcp.CloseWait, gone+2*time.Second, inode(1002), cookie(2), between("127.0.0.1:8000", "127.0.0.1:41002")),
			socket(tcp.Established, gone, inode(1100), cookie(3), between("127.0.0.1:42000", through)),
			socket(tcp.Established, gone, inode(2100), cookie(4), between("127.0.0.1:22", "127.0.0.1:42000")),
			socket(tcp.FinWait2, shut, inode(2001), cookie(5), between("127.0.0.1:43001", "127.0.0.1:9000")),
			socket(tcp.FinWait2, shut+2*time.Second, inode(2002), cookie(6), between("127.0.0.1:43002", "127.0.0.1:9000")),
			socket(tcp.CloseWait, shut, inode(3001), cookie(7), between("127.0.0.1:9000", "127.0.0.1:43001")),
			socket(tcp.CloseWait, shut+2*time.Second, inode(3002), cookie(8), between("127.0.0.1:9000", "127.0.0.1:43002")),
		)
		s.Holders = look.Holders{}
		for pid, fds := range map[int][]look.Descriptor{
			near:   {{FD: 3, Inode: 1100}, {FD: 4, Inode: 900}, {FD: 5, Inode: 1001}, {FD: 6, Inode: 1002}},
			far:    {{FD: 4, Inode: 2100}, {FD: 7, Inode: 2001}, {FD: 8, Inode: 2002}},
			server: {{FD: 4, Inode: 3001}, {FD: 5, Inode: 3002}},
		} {
			polls := look.Thread{TID: pid, First: look.Moment{State: 'S', Call: look.Call{Kind: look.CallPoll, Name: "ppoll", FD: -1}}}
			for _, d := range fds {
				s.Holders.Hold(d.Inode, look.Holder{PID: pid, FD: int(d.FD)})
				if pid == far {
					polls.First.Call.Watches = append(polls.First.Call.Watches, look.Watch{FD: int(d.FD), Events: look.PollIn})
				}
			}
			s.Processes[pid] = &look.Process{PID: pid, Comm: map[int]string{near: "ssh", far: "sshd", server: "backend"}[pid],
				Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{polls}, Sockets: fds}}
		}
		return s
	}
	s := now("127.0.0.1:22", gone-20*time.Millisecond)
	v := Run(s, nil)
	relay, leak := v.Of(&s.Namespaces[0].Sockets[1]), v.Of(&s.Namespaces[0].Sockets[7])
	if len(v.Findings) != 2 || relay == nil || leak == nil || relay.Code != "CW108" || leak.Code != "CW101" || relay.Count != 2 || leak.Count != 2 {
		t.Fatalf("%+v", v.Findings)
	}
	if c := relay.Culprits[0]; *relay.CausedBy != leak.ID || *c.PID != far || *c.Comm != "sshd" || c.What != "other_leg" || c.Peer.Port != 9000 ||
		!strings.Contains(relay.Evidence[0], "through descriptor 3, behind which sshd (pid 20)") {
		t.Errorf("%+v", relay)
	}
	for name, other := range map[string]*look.Snapshot{
		"they have no connection": now("198.51.100.9:22", gone-20*time.Millisecond),
		"at another moment":       now("127.0.0.1:22", gone-time.Second),
	} {
		if got := code(Run(other, nil), other, 1); got != "CW101" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
