package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// TestRules gives each rule a socket with its signature, and beside it the sockets that look alike and are something else, or nothing.
func TestRules(t *testing.T) {
	const idle = time.Hour
	persist := func(count uint8) made { return timer(tcp.TimerPersist, count, time.Second) }
	retransmit := func(count uint8) made { return timer(tcp.TimerRetransmit, count, 48*time.Second) }
	closed, backedOff := info(tcp.SndWnd, 0), info(tcp.Backoff, 3)
	flight := info(tcp.Unacked, 1)
	tests := []struct {
		name     string
		socket   tcp.Socket
		listener bool
		want     string // code, "" for nothing
	}{
		{"idle close_wait, read to the end", socket(tcp.CloseWait, idle), false, "CW101"},
		{"idle close_wait, FIN unread", socket(tcp.CloseWait, idle, queues(1, 0)), true, "CW101"},
		{"idle close_wait, data unread", socket(tcp.CloseWait, idle, queues(1001, 0)), true, "CW101"},
		{"idle close_wait with keepalive", socket(tcp.CloseWait, idle, timer(tcp.TimerKeepalive, 0, time.Minute)), true, "CW101"},
		{"close_wait since a moment", socket(tcp.CloseWait, 4900*time.Millisecond), true, ""},
		{"idle established", socket(tcp.Established, idle), true, ""},
		{"close_wait without tcp_info", tcp.Socket{Family: tcp.IPv4, State: tcp.CloseWait, Inode: 1, Local: listening(0, 0).Local, Peer: listening(0, 0).Peer}, true, ""},

		{"data unacknowledged", socket(tcp.Established, idle, retransmit(7), queues(0, 200), flight), false, "CW201"},
		{"answer unacknowledged in close_wait", socket(tcp.CloseWait, idle, retransmit(2), queues(0, 200), flight), true, "CW201"},
		{"one time-out so far", socket(tcp.Established, 10*time.Second, retransmit(1), queues(0, 200), flight), false, ""},
		{"time-outs, heard a second ago", socket(tcp.Established, time.Second, retransmit(3), queues(0, 200), flight), false, ""},
		{"time-outs for long, heard a second ago", socket(tcp.Established, time.Second, retransmit(5), queues(0, 20_000), flight, info(tcp.RTO, 6_528_000), info(tcp.Backoff, 5)), false, "CW201"},
		{"as often, but it does not leave this host", socket(tcp.Established, time.Second, retransmit(8), queues(0, 200), flight, info(tcp.Backoff, 0)), false, ""},
		{"keepalive unanswered", socket(tcp.Established, 30*time.Second, timer(tcp.TimerKeepalive, 2, time.Second)), false, "CW201"},
		{"keepalive, one probe on its way", socket(tcp.Established, 30*time.Second, timer(tcp.TimerKeepalive, 1, time.Second)), false, ""},
		{"keepalive was unanswered before data came", socket(tcp.Established, 30*time.Second, timer(tcp.TimerKeepalive, 2, time.Minute), info(tcp.LastDataRecv, 8000)), true, ""},
		{"leaked, and keepalive unanswered", socket(tcp.CloseWait, 30*time.Second, timer(tcp.TimerKeepalive, 3, time.Second)), true, "CW101"},
		{"vanished behind a closed window", socket(tcp.CloseWait, idle, persist(4), closed, backedOff, queues(0, 9000)), true, "CW201"},

		{"reader asleep", socket(tcp.Established, 800*time.Millisecond, persist(0), closed, backedOff, queues(0, 9000), info(tcp.LastDataSent, 60_000)), true, "CW202"},
		{"reader asleep, its answer rate limited", socket(tcp.CloseWait, 2*time.Second, persist(1), closed, backedOff, queues(0, 9000), info(tcp.LastDataSent, 60_000)), true, "CW202"},
		{"window closed a moment ago", socket(tcp.Established, 800*time.Millisecond, persist(0), closed, backedOff, queues(0, 9000), info(tcp.LastDataSent, 900)), true, ""},
		{"window shrunk in flight", socket(tcp.Established, 300*time.Millisecond, timer(tcp.TimerRetransmit, 0, time.Second), closed, backedOff, flight,
			info(tcp.LastDataSent, 60_000)), true, "CW202"},
		{"window shrunk in flight, one retransmission unanswered", socket(tcp.Established, 8*time.Second, timer(tcp.TimerRetransmit, 0, 11*time.Second), closed, backedOff, flight,
			info(tcp.RTO, 13_056_000), info(tcp.LastDataSent, 60_000)), true, "CW202"},
		{"window shrunk in flight, sent again a second ago", socket(tcp.Established, time.Second, timer(tcp.TimerRetransmit, 0, 12*time.Second), closed, info(tcp.Backoff, 6), flight,
			info(tcp.RTO, 13_056_000), info(tcp.LastDataSent, 1000)), true, "CW202"},
		{"window shrunk in flight a moment ago", socket(tcp.Established, time.Second, timer(tcp.TimerRetransmit, 0, 700*time.Millisecond), closed, info(tcp.Backoff, 3), flight,
			info(tcp.RTO, 1_632_000), info(tcp.LastDataSent, 1000)), true, ""},
		{"window shrunk in flight, one retransmission unanswered of those as far apart as they get", socket(tcp.Established, 2900*time.Millisecond, timer(tcp.TimerRetransmit, 0, 1100*time.Millisecond), closed,
			info(tcp.Backoff, 9), flight, info(tcp.RTO, 2_000_000), info(tcp.LastDataSent, 60_000)), true, "CW202"},
		{"window shrunk in flight, and vanished", socket(tcp.Established, 12*time.Second, timer(tcp.TimerRetransmit, 0, 11*time.Second), closed, backedOff, flight,
			info(tcp.RTO, 13_056_000), info(tcp.LastDataSent, 60_000)), true, "CW201"},

		{"no way out of this host", socket(tcp.CloseWait, idle, persist(3), backedOff, queues(0, 200), info(tcp.NotSentBytes, 200), info(tcp.Unacked, 0)), true, "CW203"},
		{"window too small for a segment", socket(tcp.CloseWait, idle, persist(3), backedOff, queues(0, 9000), info(tcp.NotSentBytes, 9000), info(tcp.SndWnd, 500)), true, ""},

		{"last_ack unanswered", socket(tcp.LastAck, 20*time.Second, retransmit(4), queues(0, 1), inode(0), flight), true, "CW204"},
		{"fin_wait_1 unanswered, still held", socket(tcp.FinWait1, 20*time.Second, retransmit(4), queues(0, 1), flight), true, "CW204"},
		{"fin_wait_1 just sent", socket(tcp.FinWait1, 50*time.Millisecond, retransmit(0), queues(0, 1), flight), true, ""},
		{"fin_wait_2 held", socket(tcp.FinWait2, idle), true, "CW205"},

		{"gave up in the queue", socket(tcp.CloseWait, idle, inode(0), queues(84, 0)), true, "CW104"},
		{"waits in the queue", socket(tcp.Established, idle, inode(0), queues(84, 0)), true, "CW104"},
		{"just arrived in the queue", socket(tcp.Established, 10*time.Millisecond, inode(0)), true, ""},
		{"in no listener's queue", socket(tcp.CloseWait, idle, inode(0), queues(84, 0)), false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sockets := []tcp.Socket{test.socket}
			if test.listener {
				sockets = append(sockets, listening(1, 4))
			}
			now := snapshot(sockets...)
			v := Run(now, nil)
			got := ""
			if f := v.Of(&now.Namespaces[0].Sockets[0]); f != nil {
				got = f.Code
			}
			if got != test.want || len(v.Findings) > 0 != (test.want != "") {
				t.Errorf("code %q, want %q; findings %+v", got, test.want, v.Findings)
			}
			if test.want != "" && !Suspect(&test.socket) {
				t.Error("a rule claims what is no suspect: its holders would not be looked for")
			}
		})
	}
}

// TestPeerVanished_unsent: where the counters of the namespace show that what is sent again does not leave this host, a silent peer's finding says so first.
func TestPeerVanished_unsent(t *testing.T) {
	for _, test := range []struct {
		resent, unsent *int64
		told           bool
	}{
		{new(int64(6)), new(int64(3)), true},
		{new(int64(6)), new(int64(0)), false},
		{new(int64(6000)), new(int64(3)), false}, // they may be of any time
		{nil, nil, false},
	} {
		now := snapshot(socket(tcp.Established, time.Minute, timer(tcp.TimerRetransmit, 5, time.Second), queues(0, 2000)))
		now.Namespaces[0].Resent, now.Namespaces[0].Unsent = test.resent, test.unsent
		f := only(t, Run(now, nil))
		if f.Code != "CW201" || strings.Contains(f.Evidence[0], "TcpExtTCPRetransFail") != test.told {
			t.Errorf("%+v", f)
		}
	}
}

// TestPeerVanished_kinds: what keepalive asks in vain, what is lost on the way to a peer that is heard, and what only large packets do not pass is told apart.
func TestPeerVanished_kinds(t *testing.T) {
	lost := []made{timer(tcp.TimerRetransmit, 5, time.Second), queues(0, 20_000), info(tcp.RTO, 6_528_000), info(tcp.Backoff, 5)}
	here := []made{between("198.51.100.7:5121", "192.0.2.1:80"), cookie(77)}
	// Two connections that were seen beside a router that dropped one direction, which carries neither probes nor their answers.
	probing := []made{timer(tcp.TimerPersist, 2, time.Second), queues(0, 668_976), info(tcp.SndWnd, 0), info(tcp.BytesAcked, 122_726), info(tcp.SegsOut, 95)}
	asking := []made{timer(tcp.TimerKeepalive, 2, time.Second), between("192.0.2.1:40000", "198.51.100.7:80"), info(tcp.SegsOut, 6)}
	asked := []made{between("198.51.100.7:80", "192.0.2.1:40000"), cookie(77)}
	for _, test := range []struct {
		name     string
		sockets  []tcp.Socket
		severity string
		culprits int
		want     string
	}{
		{"silent", []tcp.Socket{socket(tcp.Established, time.Minute, lost...)}, report.SeverityWarning, 1, "have been silent for"},
		{"heard", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.LastDataRecv, 700))...)}, report.SeverityWarning, 0, "lost on the way"},
		{"large only", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 301), info(tcp.Unacked, 10), info(tcp.NotSentBytes, 5600))...)}, report.SeverityWarning, 1, "MTU"},
		{"written in small pieces", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 301), info(tcp.Unacked, 20), info(tcp.NotSentBytes, 5600))...)}, report.SeverityWarning, 1, "20 kB queued or unacknowledged in all\x00"},
		{"arrived", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 200))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 4096))...)}, report.SeverityWarning, 1, "on the way back"},
		{"the first copy arrived", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 200), info(tcp.SegsOut, 95))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 4096), info(tcp.SegsIn, 91))...)}, report.SeverityWarning, 1, "on the way there as well"},
		{"all copies arrived", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 200), info(tcp.SegsOut, 95))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 4096), info(tcp.SegsIn, 96))...)}, report.SeverityWarning, 1, "have got what was sent: the answers are lost on the way back"},
		{"not arrived", []tcp.Socket{socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 200))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 200))...)}, report.SeverityWarning, 1, "on the way there\nboth ends of 1 are in this network namespace"},
		{"probes arrived", []tcp.Socket{socket(tcp.Established, time.Minute, append(probing, info(tcp.SegsIn, 13))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 122_726), info(tcp.SegsIn, 96), info(tcp.SegsOut, 15))...)}, report.SeverityWarning, 1, "on the way back"},
		{"probes lost", []tcp.Socket{socket(tcp.Established, time.Minute, append(probing, info(tcp.SegsIn, 13))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 122_726), info(tcp.SegsIn, 94), info(tcp.SegsOut, 13))...)}, report.SeverityWarning, 1, "on the way there"},
		{"segments lost both ways", []tcp.Socket{socket(tcp.Established, time.Minute, append(probing, info(tcp.SegsIn, 13))...), socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 122_726), info(tcp.SegsIn, 80), info(tcp.SegsOut, 19))...)}, report.SeverityWarning, 1, "in all\x00"},
		{"keepalive arrived", []tcp.Socket{socket(tcp.Established, time.Minute, append(asking, info(tcp.SegsIn, 3))...), socket(tcp.Established, time.Second, append(asked, info(tcp.SegsIn, 6), info(tcp.SegsOut, 4))...), listening(0, 4)}, report.SeverityWarning, 1, "on the way back"},
		{"keepalive lost", []tcp.Socket{socket(tcp.Established, time.Minute, append(asking, info(tcp.SegsIn, 3))...), socket(tcp.Established, time.Second, append(asked, info(tcp.SegsIn, 4), info(tcp.SegsOut, 2))...), listening(0, 4)}, report.SeverityWarning, 1, "on the way there"},
		{"another connection is answered", []tcp.Socket{socket(tcp.Established, time.Minute, lost...), socket(tcp.Established, time.Second, between("192.0.2.1:80", "198.51.100.7:6000"), cookie(78))}, report.SeverityWarning, 1, "the addresses of 1 have answered on other connections since (last 1.0 s ago)"},
		{"another was answered before", []tcp.Socket{socket(tcp.Established, time.Minute, lost...), socket(tcp.Established, 50*time.Second, between("192.0.2.1:80", "198.51.100.7:6000"), cookie(78))}, report.SeverityWarning, 1, "20 kB queued or unacknowledged in all\x00"},
		{"large ones passed on another", []tcp.Socket{
			socket(tcp.Established, time.Minute, append(lost, info(tcp.BytesAcked, 301), info(tcp.Unacked, 10), info(tcp.NotSentBytes, 5600))...),
			socket(tcp.Established, 50*time.Second, between("192.0.2.1:80", "198.51.100.7:6000"), cookie(78), info(tcp.BytesAcked, 14_480), info(tcp.Delivered, 11)),
		}, report.SeverityWarning, 1, "20 kB queued or unacknowledged in all\x00"},
		{"keepalive of a server", []tcp.Socket{socket(tcp.Established, time.Minute, timer(tcp.TimerKeepalive, 4, time.Second)), listening(0, 4)}, report.SeverityInfo, 1, "up to 4 times in a row"},
		{"keepalive of a client", []tcp.Socket{socket(tcp.Established, time.Minute, timer(tcp.TimerKeepalive, 4, time.Second), between("192.0.2.1:40000", "198.51.100.7:80"))}, report.SeverityWarning, 1, "up to 4 times in a row"},
	} {
		f := only(t, Run(snapshot(test.sockets...), nil))
		if f.Code != "CW201" || f.Severity != test.severity || len(f.Culprits) != test.culprits || !strings.Contains(strings.Join(f.Evidence, "\n")+"\x00", test.want) ||
			f.Oversize != strings.Contains(strings.Join(f.Evidence, "\n"), "segments of full size") {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}

// TestVanished_rejected: what the network answers in the peer's place is told, as far as a BPF program has seen it.
func TestVanished_rejected(t *testing.T) {
	sn := snapshot(socket(tcp.Established, time.Minute, timer(tcp.TimerRetransmit, 5, time.Second), queues(0, 200), info(tcp.RTO, 6_528_000), info(tcp.Backoff, 5), info(tcp.Unacked, 1), info(tcp.SndWnd, 65_536), cookie(76)))
	for errno, want := range map[int]string{0: "", 13: "forbidden (EACCES)", 113: "(EHOSTUNREACH)", 110: ""} {
		sn.Namespaces[0].Options = map[tcp.Cookie]look.Options{76: {Inside: true, SoftError: errno}}
		f := only(t, Run(sn, nil))
		if text := strings.Join(f.Evidence, "\n"); f.Code != "CW201" || !strings.Contains(text, want) || strings.Contains(text, "the network says") != (want != "") {
			t.Errorf("%d: %+v", errno, f)
		}
	}
}

// TestClosing_arrived: whether a FIN has arrived shows in the state and the count of the other end.
func TestClosing_arrived(t *testing.T) {
	closing := socket(tcp.FinWait1, 20*time.Second, timer(tcp.TimerRetransmit, 4, time.Second), queues(0, 1), info(tcp.RTO, 3_264_000), info(tcp.Backoff, 4), info(tcp.BytesAcked, 200))
	here := []made{between("198.51.100.7:5121", "192.0.2.1:80"), cookie(77)}
	for want, end := range map[string]tcp.Socket{
		"on the way there": socket(tcp.Established, time.Second, append(here, info(tcp.BytesReceived, 200))...),
		"on the way back":  socket(tcp.CloseWait, time.Second, append(here, info(tcp.BytesReceived, 201))...),
	} {
		now := snapshot(closing, end)
		if f := Run(now, nil).Of(&now.Namespaces[0].Sockets[0]); f == nil || f.Code != "CW204" || !strings.Contains(strings.Join(f.Evidence, "\n"), want) {
			t.Errorf("%s: %+v", want, f)
		}
	}
}

// TestLeak_moves: bytes that move between two looks are no leak, whichever way they go.
func TestLeak_moves(t *testing.T) {
	first := socket(tcp.CloseWait, time.Hour, queues(5000, 0))
	tests := []struct {
		name  string
		later []tcp.Socket
		want  int
	}{
		{"nothing moved", []tcp.Socket{first}, 1},
		{"the program reads", []tcp.Socket{socket(tcp.CloseWait, time.Hour, queues(4000, 0))}, 0},
		{"the peer acknowledges", []tcp.Socket{socket(tcp.CloseWait, time.Hour, queues(5000, 0), info(tcp.BytesAcked, 999))}, 0},
		{"gone", []tcp.Socket{}, 0},
		{"no second look", nil, 1},
	}
	for _, test := range tests {
		for i := range test.later {
			test.later[i].Cookie = first.Cookie
		}
		if v := Run(snapshot(first), test.later); len(v.Findings) != test.want {
			t.Errorf("%s: %d findings, want %d", test.name, len(v.Findings), test.want)
		}
	}
}

func TestLeak_halfClose(t *testing.T) {
	ours := socket(tcp.CloseWait, time.Hour, between("127.0.0.1:80", "127.0.0.1:5121"))
	peer := func(options ...made) tcp.Socket {
		return socket(tcp.FinWait2, time.Hour, append(options, between("127.0.0.1:5121", "127.0.0.1:80"), cookie(77))...)
	}
	tests := []struct {
		name   string
		peer   tcp.Socket
		holder int
		want   int
	}{
		{"another process waits for our answer", peer(inode(2000)), 5, 0},
		{"we are our own peer", peer(inode(2000)), 2214, 1},
		{"the peer has closed", peer(inode(0), timer(tcp.TimerTimeWait, 0, time.Second)), 0, 1},
	}
	for _, test := range tests {
		now := snapshot(ours, test.peer)
		if test.holder != 0 {
			now.Holders = look.MakeHolders(2)
			for inode, pid := range map[uint32]int{1000: 2214, 2000: test.holder} {
				now.Holders.Want(inode)
				now.Holders.Add(inode, look.Holder{PID: pid, FD: 3})
			}
		}
		if v := Run(now, nil); len(v.Findings) != test.want {
			t.Errorf("%s: %d findings, want %d", test.name, len(v.Findings), test.want)
		}
	}
}

// TestHalfClose_ignored: a peer that waits for an answer waits in vain where nobody looks at its question.
func TestHalfClose_ignored(t *testing.T) {
	const asks = 3000
	for name, test := range map[string]struct {
		unread uint32
		known  bool
		want   string
	}{
		"not read":              {84, true, "CW102"},
		"read":                  {0, true, ""},
		"read but for the end":  {1, true, ""},
		"who holds it not seen": {84, false, ""},
	} {
		now := snapshot(client(1, time.Minute, 83, test.unread), listening(0, 128), socket(tcp.FinWait2, time.Minute, inode(2000), cookie(2000), between("198.51.100.7:5121", "192.0.2.1:80")))
		held(now, 2000, look.Holder{PID: asks, FD: 3})
		busyWith(now, in(ours, look.CallAccept, "accept4", 8, listener)).CallsKnown = test.known
		v := Run(now, nil)
		if got := code(v, now, 0); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestLeak_halfCloseInTurn: who has shut down several connections and reads one after the other waits for all of them; one that does something else does not.
func TestLeak_halfCloseInTurn(t *testing.T) {
	const peer = 5
	for name, test := range map[string]struct {
		thread look.Thread
		want   int
	}{
		"reads another one":          {in(peer, look.CallRead, "recvfrom", 4, 2001), 0},
		"reads something else":       {in(peer, look.CallRead, "read", 0, 0), 1},
		"sleeps, and watches nobody": {sleeper(peer), 1},
	} {
		now := snapshot(
			socket(tcp.CloseWait, time.Hour, between("127.0.0.1:80", "127.0.0.1:5121")),
			socket(tcp.FinWait2, time.Hour, between("127.0.0.1:5121", "127.0.0.1:80"), inode(2000), cookie(77)),
			socket(tcp.FinWait2, time.Hour, between("127.0.0.1:5122", "127.0.0.1:80"), inode(2001), cookie(78)),
			socket(tcp.Established, time.Second, between("127.0.0.1:80", "127.0.0.1:5122"), inode(1001), cookie(79)),
		)
		now.Holders = look.Holders{}
		for inode, h := range map[uint32]look.Holder{1000: {PID: ours, FD: 3}, 1001: {PID: ours, FD: 4}, 2000: {PID: peer, FD: 3}, 2001: {PID: peer, FD: 4}} {
			now.Holders.Hold(inode, h)
		}
		now.Processes[peer] = &look.Process{PID: peer, Comm: "client", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{test.thread},
			Sockets: []look.Descriptor{{FD: 3, Inode: 2000}, {FD: 4, Inode: 2001}}}}
		if v := Run(now, nil); len(v.Findings) != test.want {
			t.Errorf("%s: %+v", name, v.Findings)
		}
	}
}

func TestLeak_severity(t *testing.T) {
	leaks := func(n int, age func(i int) time.Duration) *look.Snapshot {
		var sockets []tcp.Socket
		for i := range n {
			sockets = append(sockets, socket(tcp.CloseWait, age(i), inode(uint32(1000+i)), cookie(tcp.Cookie(i))))
		}
		return snapshot(sockets...)
	}
	steady := func(i int) time.Duration { return time.Duration(i+1) * time.Minute }
	burst := func(int) time.Duration { return 20 * time.Minute }
	tests := []struct {
		name string
		now  *look.Snapshot
		fds  int // of 1024
		want string
	}{
		{"a few, long ago", leaks(3, burst), 100, report.SeverityInfo},
		{"a burst that does not grow", leaks(8, burst), 100, report.SeverityInfo},
		{"many", leaks(12, burst), 100, report.SeverityWarning},
		{"a pool whose members are closed one after another", leaks(8, steady), 46, report.SeverityInfo},
		{"growing", leaks(12, steady), 100, report.SeverityWarning},
		{"near the limit", leaks(3, burst), 900, report.SeverityCritical},
		{"soon at the limit", leaks(210, steady), 800, report.SeverityCritical},
		{"a small part of what is open", leaks(60, steady), 800, report.SeverityWarning},
	}
	for _, test := range tests {
		test.now.Processes[2214].FDs, test.now.Processes[2214].FDLimit = test.fds, 1024
		f := only(t, Run(test.now, nil))
		if f.Severity != test.want {
			t.Errorf("%s: %s, want %s (growth %+v, limit %+v)", test.name, f.Severity, test.want, f.Growth, f.FDLimit)
		}
	}
	f := only(t, Run(leaks(60, steady), nil))
	if f.Growth == nil || f.Growth.PerMinute < 0.9 || f.Growth.PerMinute > 1.1 {
		t.Errorf("growth %+v, want about one a minute", f.Growth)
	}
}

func TestFinding_whole(t *testing.T) {
	now := snapshot(
		socket(tcp.CloseWait, time.Hour, inode(1), cookie(0x1a)),
		socket(tcp.CloseWait, 2*time.Hour, inode(2), cookie(0x2b), between("192.0.2.1:80", "198.51.100.9:443")),
		socket(tcp.CloseWait, 3*time.Hour, inode(3), cookie(0x3c), between("192.0.2.1:80", "198.51.100.9:444")),
		listening(0, 128),
	)
	f := only(t, Run(now, nil))
	switch {
	case f.ID != "f1" || f.Code != "CW101" || f.Cause != "leak" || f.Count != 3:
		t.Errorf("%s %s %s count %d", f.ID, f.Code, f.Cause, f.Count)
	case f.Workload == nil || f.Workload.Name != "payments.service" || len(f.Processes) != 1 || f.Processes[0].PID != 2214:
		t.Errorf("owner %+v %+v", f.Workload, f.Processes)
	case f.Role == nil || *f.Role != "server" || f.Local == nil || f.Local.Port != 80:
		t.Errorf("role %v local %v", f.Role, f.Local)
	case len(f.Peers) != 2 || f.Peers[0].Address != "198.51.100.9" || f.Peers[0].Port != nil || f.Peers[0].Count != 2:
		t.Errorf("peers %+v", f.Peers)
	case f.Ends.Kind != "never" || len(f.Sockets) != 3 || f.Sockets[0] != "0x1a":
		t.Errorf("ends %+v sockets %v", f.Ends, f.Sockets)
	case len(f.Remedies) != 1 || f.Remedies[0].Command != "systemctl restart payments.service" || !f.Remedies[0].FreesFDs:
		t.Errorf("remedies %+v", f.Remedies)
	case *f.Age.OldestSeconds != report.Seconds(3*time.Hour) || *f.Age.MedianSeconds != report.Seconds(2*time.Hour) || f.Age.Kind != "about":
		t.Errorf("age %+v", f.Age)
	}
}

func TestOwnersUnknown(t *testing.T) {
	now := snapshot(socket(tcp.CloseWait, time.Hour))
	now.Holders, now.Processes, now.HoldersComplete = look.Holders{}, nil, false
	f := only(t, Run(now, nil))
	if f.Code != "CW101" || f.Processes != nil || f.Workload != nil || len(f.Remedies) != 0 {
		t.Errorf("%s %+v %+v: without owners nobody is named", f.Code, f.Processes, f.Remedies)
	}
	now.Holders.Want(now.Namespaces[0].Sockets[0].Inode)
	now.HoldersComplete = true
	if f := only(t, Run(now, nil)); f.Code != "CW112" {
		t.Errorf("%s: nobody holds it, want CW112", f.Code)
	}
}

func TestDead(t *testing.T) {
	now := snapshot()
	now.Dead = []look.DeadFD{{PID: 2214, FD: 7, Inode: 1}, {PID: 2214, FD: 8, Inode: 2}}
	f := only(t, Run(now, nil))
	if f.Code != "CW110" || f.Count != 2 || f.Netns != nil || f.Ends.Kind != "never" || len(f.Processes) != 1 {
		t.Errorf("%+v", f)
	}
	if w := new(Diagnosis).Inquire(now); len(w.Activity) != 1 || w.Activity[0] != 2214 {
		t.Errorf("%+v, want to know what its threads are at", w)
	}
}

// TestPeerNotReading_slowly: who reads a little now and then opens the window long after, and is no peer that does not read.
func TestPeerNotReading_slowly(t *testing.T) {
	const far = "198.51.100.7:5121"
	reader := func(unread uint32, window uint64) tcp.Socket {
		return socket(tcp.Established, time.Second, inode(2000), cookie(2000), between(far, "192.0.2.1:80"), queues(unread, 0), info(tcp.RcvWnd, window))
	}
	for name, test := range map[string]struct {
		first, later tcp.Socket
		want         string
	}{
		"reads":                             {reader(9000, 0), reader(8000, 0), ""},
		"does not read":                     {reader(9000, 0), reader(9000, 0), "CW202"},
		"what it offers is not known there": {reader(9000, 1000), reader(8000, 1000), "CW202"},
	} {
		now := snapshot(test.first, socket(tcp.Established, 800*time.Millisecond, cookie(60), between("192.0.2.1:80", far), queues(0, 5000),
			info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, 60_000), timer(tcp.TimerPersist, 0, time.Second)))
		later := []tcp.Socket{test.later}
		if full(&test.first) != Undecided(now, &test.first) {
			t.Errorf("%s: not looked at again", name)
		}
		if got := code(Run(now, later), now, 1); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		busyWith(now, sleeper(ours))
		if w := new(Diagnosis).Inquire(now); (w.Patience >= patient) != full(&test.first) {
			t.Errorf("%s: patience %v", name, w.Patience)
		}
	}
}
