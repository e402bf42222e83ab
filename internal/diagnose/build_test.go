package diagnose

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// taken is when the built snapshots were taken.
var taken = time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)

// made is a socket under construction.
type made func(*tcp.Socket)

// socket makes a socket of a server on port 80 that has sent 200 bytes and been idle for heard, unless the options say otherwise.
func socket(state tcp.State, heard time.Duration, options ...made) tcp.Socket {
	next := uint32(len(options)) + uint32(heard/time.Millisecond)
	s := tcp.Socket{
		Family: tcp.IPv4, State: state, Inode: 1000, Cookie: tcp.Cookie(next),
		Local: tcp.MustParseEndpoint("192.0.2.1:80"), Peer: tcp.MustParseEndpoint("198.51.100.7:5121"),
	}
	ms := uint64(heard / time.Millisecond)
	for field, value := range map[tcp.Field]uint64{
		tcp.RTO: 204_000, tcp.RTT: 500, tcp.SndMSS: 1448, tcp.SndWnd: 65536, tcp.LastAckRecv: ms, tcp.LastDataSent: ms + 1000, tcp.LastDataRecv: ms + 2000,
		tcp.DataSegsOut: 1, tcp.BytesReceived: 101, tcp.BytesAcked: 201, tcp.TotalRTOTime: 0,
	} {
		s.Info.Put(field, value)
	}
	for _, option := range options {
		option(&s)
	}
	return s
}

func info(f tcp.Field, value uint64) made { return func(s *tcp.Socket) { s.Info.Put(f, value) } }
func inode(n uint32) made                 { return func(s *tcp.Socket) { s.Inode = n } }
func cookie(n tcp.Cookie) made            { return func(s *tcp.Socket) { s.Cookie = n } }
func queues(recv, send uint32) made {
	return func(s *tcp.Socket) { s.RecvQueue, s.SendQueue = recv, send }
}
func timer(kind tcp.TimerKind, count uint8, expires time.Duration) made {
	return func(s *tcp.Socket) { s.Timer = tcp.Timer{Kind: kind, Count: count, Expires: expires} }
}
func between(local, peer string) made {
	return func(s *tcp.Socket) {
		s.Local, s.Peer = tcp.MustParseEndpoint(local), tcp.MustParseEndpoint(peer)
	}
}

func listening(queue, backlog uint32) tcp.Socket {
	return tcp.Socket{
		Family: tcp.IPv4, State: tcp.Listen, Inode: 999, Cookie: 999, RecvQueue: queue, SendQueue: backlog,
		Local: tcp.MustParseEndpoint("0.0.0.0:80"), Peer: tcp.MustParseEndpoint("0.0.0.0:0"),
	}
}

// snapshot is a host with one namespace whose sockets are all held by pid 2214, a unit's java, but those without an inode.
func snapshot(sockets ...tcp.Socket) *look.Snapshot {
	s := &look.Snapshot{
		TakenAt: taken, HoldersComplete: true, DeadSought: true,
		Namespaces: []look.Namespace{{Inode: 4026531840, Name: "host", PID: 1, Sockets: sockets}},
		Processes: map[int]*look.Process{2214: {
			PID: 2214, Comm: "java", FDs: 100, FDLimit: 8192,
			Workload: look.Workload{Name: "payments.service", Kind: look.KindUnit, Unit: "payments.service", Cgroup: "/system.slice/payments.service"},
		}},
	}
	for i := range sockets {
		if n := sockets[i].Inode; n != 0 {
			s.Holders.Want(n)
			s.Holders.Add(n, look.Holder{PID: 2214, FD: 7 + i})
		}
	}
	return s
}

// only returns the single finding of a diagnosis.
func only(t *testing.T, v *Verdicts) *report.Finding {
	t.Helper()
	if len(v.Findings) != 1 {
		t.Fatalf("%d findings, want 1: %+v", len(v.Findings), v.Findings)
	}
	return &v.Findings[0]
}
