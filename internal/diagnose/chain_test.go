package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestChain_some: three peers do not read, and some of them are one program that is stopped: that explains the three only if it is most of them.
func TestChain_some(t *testing.T) {
	const reader = 3000
	for stopped, want := range map[int]bool{0: false, 1: false, 2: true, 3: true} {
		var sockets []tcp.Socket
		for n := range 3 {
			far := fmt.Sprintf("198.51.100.7:%d", 5200+n)
			sockets = append(sockets,
				socket(tcp.Established, 800*time.Millisecond, inode(uint32(1000+n)), cookie(tcp.Cookie(1000+n)), between("192.0.2.1:80", far), queues(0, 5000),
					info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, 60_000), timer(tcp.TimerPersist, 0, time.Second)),
				socket(tcp.Established, time.Second, inode(uint32(2000+n)), cookie(tcp.Cookie(2000+n)), between(far, "192.0.2.1:80"), queues(5000, 0)))
		}
		now := snapshot(sockets...)
		now.Holders = look.Holders{}
		now.Processes[reader] = &look.Process{PID: reader, Comm: "reader", State: 't', Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{stopping(reader)}}}
		for n := range 3 {
			who := 4000 + n
			if n < stopped {
				who = reader
			} else {
				now.Processes[who] = &look.Process{PID: who, Comm: "slow", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{sleeper(who)}}}
			}
			now.Holders.Hold(uint32(1000+n), look.Holder{PID: ours, FD: 10 + n})
			now.Holders.Hold(uint32(2000+n), look.Holder{PID: who, FD: 10 + n})
		}
		v := Run(now, nil)
		for i := range v.Findings {
			f := &v.Findings[i]
			said := strings.Join(f.Evidence, "\n")
			if explained := f.CausedBy != nil; f.Code == "CW202" && (explained != want || explained == strings.Contains(said, "the other end of 1 of them is on this host: "+[]string{"slow", "reader"}[min(stopped, 1)])) {
				t.Errorf("%d of 3: explained %v: %s", stopped, explained, said)
			}
			if f.Code == "CW111" && !strings.Contains(said, "held by a debugger or a tracer (state t)") {
				t.Errorf("%s", said)
			}
		}
		if got := len(v.Findings); got != 1+min(stopped, 1) {
			t.Errorf("%d of 3: %d findings", stopped, got)
		}
	}
}

// TestChain_idleClients: a handler in a lock waits for nobody from whom another thread of its program awaits the next request.
func TestChain_idleClients(t *testing.T) {
	const idle, theirs = "198.51.100.7:5200", 3000
	now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128), socket(tcp.Established, time.Minute, inode(60), cookie(60), between("192.0.2.1:80", idle)),
		socket(tcp.Established, time.Minute, inode(70), cookie(70), between(idle, "192.0.2.1:80")))
	now.Holders.Drop(ours)
	for fd, inode := range map[int]uint32{3: listener, 7: 1001, 9: 60} {
		now.Holders.Hold(inode, look.Holder{PID: ours, FD: fd})
	}
	now.Holders.Hold(70, look.Holder{PID: theirs, FD: 4})
	now.Processes[theirs] = &look.Process{PID: theirs, Comm: "shell", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{in(theirs, look.CallRead, "read", 0, 0)}}}
	busyWith(now, in(ours, look.CallAccept, "accept4", 3, listener), in(2, look.CallRead, "poll", 9, 60), born(parked(3), time.Minute+2*time.Second))
	f := only(t, Run(now, nil))
	if said := strings.Join(f.Evidence, "\n"); f.Code != "CW107" || strings.Contains(said, "the other end") {
		t.Errorf("%s: %s", f.Code, said)
	}
}

// TestChain_stoppedBoth: that a program does not run explains why it takes nothing, also on a connection on which its own peer takes nothing.
func TestChain_stoppedBoth(t *testing.T) {
	const far, near = "198.51.100.7:2181", "192.0.2.1:45000"
	full := []made{queues(5000, 5000), info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, 60_000), timer(tcp.TimerPersist, 0, time.Second)}
	now := snapshot(
		socket(tcp.Established, 800*time.Millisecond, append(full, inode(1000), cookie(1000), between(near, far))...),
		socket(tcp.Established, 800*time.Millisecond, append(full, inode(1001), cookie(1001), between(far, near))...),
	)
	now.Holders = look.Holders{}
	now.Holders.Hold(1000, look.Holder{PID: ours, FD: 7})
	now.Holders.Hold(1001, look.Holder{PID: 3000, FD: 9})
	busyWith(now, in(ours, look.CallWrite, "sendto", 7, 1000))
	now.Processes[3000] = &look.Process{PID: 3000, Comm: "server", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{stopping(3000)}}}
	v := Run(now, nil)
	f := v.Of(&now.Namespaces[0].Sockets[0])
	if v.Findings[0].Code != "CW111" || f == nil || f.Code != "CW202" || f.CausedBy == nil || *f.CausedBy != v.Findings[0].ID {
		t.Errorf("%+v", v.Findings)
	}
}

// TestChain_itself: workers that wait for answers of their own program, accepted by it or not yet, wait for one another.
func TestChain_itself(t *testing.T) {
	const own, asked = "192.0.2.1:80", "192.0.2.1:45000"
	for name, number := range map[string]uint32{"accepted": 70, "in the queue": 0} {
		question := backend(60, time.Minute, between(asked, own))
		answer := socket(tcp.Established, time.Minute, inode(number), cookie(70), between(own, asked), queues(83, 0), info(tcp.BytesReceived, 83))
		now := snapshot(client(1, time.Minute, 83, 1), client(2, time.Minute, 83, 84), listening(1, 128), question, answer)
		busyWith(now, in(ours, look.CallRead, "recvfrom", 10, 60))
		f := &Run(now, nil).Findings[0]
		if said := strings.Join(f.Evidence, "\n"); f.Code != "CW105" || !strings.Contains(said, "the program waits for itself, on 1 connection (of 1)") || strings.Contains(said, "the other end") {
			t.Errorf("%s: %s:\n%s", name, f.Code, said)
		}
	}
}

// TestChain_passedOn: what keeps a program from reading may be that its own peer takes nothing.
func TestChain_passedOn(t *testing.T) {
	const relay = 3000
	const far = "198.51.100.7:5121"
	stuck := []made{queues(0, 5000), info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, 60_000), timer(tcp.TimerPersist, 0, time.Second)}
	writes := in(relay, look.CallWrite, "sendto", 11, 60)
	for name, test := range map[string]struct {
		threads []look.Thread
		want    bool
	}{
		"blocked in writing":          {[]look.Thread{writes, parked(relay + 1)}, true},
		"another thread reads":        {[]look.Thread{writes, in(relay+1, look.CallRead, "recvfrom", 9, 70)}, false},
		"another waits for an answer": {[]look.Thread{writes, in(relay+1, look.CallRead, "recvfrom", 12, 80)}, false},
		"blocked in a lock":           {[]look.Thread{parked(relay), parked(relay + 1)}, false},
	} {
		now := snapshot(
			socket(tcp.Established, 800*time.Millisecond, append(stuck, inode(1000), cookie(1000), between("192.0.2.1:45000", far))...),
			socket(tcp.Established, time.Second, inode(70), cookie(70), between(far, "192.0.2.1:45000"), queues(5000, 0)),
			socket(tcp.Established, 800*time.Millisecond, append(stuck, inode(60), cookie(60), between(far, "203.0.113.9:514"))...),
			backend(80, time.Minute),
		)
		now.Holders = look.Holders{}
		now.Holders.Hold(1000, look.Holder{PID: ours, FD: 7})
		now.Holders.Hold(70, look.Holder{PID: relay, FD: 9})
		now.Holders.Hold(60, look.Holder{PID: relay, FD: 11})
		now.Processes[relay] = &look.Process{PID: relay, Comm: "relay", Activity: &look.Activity{CallsKnown: true, ThreadCount: 2, Threads: test.threads,
			Sockets: []look.Descriptor{{FD: 9, Inode: 70}, {FD: 11, Inode: 60}, {FD: 12, Inode: 80}}}}
		v := Run(now, nil)
		own, theirs := v.Of(&now.Namespaces[0].Sockets[0]), v.Of(&now.Namespaces[0].Sockets[2])
		if own == nil || theirs == nil || own == theirs {
			t.Fatalf("%s: %+v", name, v.Findings)
		}
		if got := own.CausedBy != nil && *own.CausedBy == theirs.ID; got != test.want {
			t.Errorf("%s: explained %v, want %v", name, got, test.want)
		}
	}
}

// TestChain_legLost: what keeps a relay's other leg open may be that its peer has vanished.
func TestChain_legLost(t *testing.T) {
	for _, state := range []tcp.State{tcp.FinWait1, tcp.Established} {
		now := snapshot(client(1, time.Minute, 83, 0), listening(0, 128),
			socket(state, time.Minute, inode(60), cookie(60), between("192.0.2.1:45000", "203.0.113.5:9000"), queues(0, 84), timer(tcp.TimerRetransmit, 6, time.Second),
				info(tcp.BytesSent, 83), info(tcp.BytesRetrans, 0), info(tcp.BytesAcked, 1), info(tcp.LastDataRecv, 62_000), info(tcp.LastDataSent, 61_000), info(tcp.DataSegsIn, 0), info(tcp.DataSegsOut, 1)))
		busyWith(now)
		v := Run(now, nil)
		relay, lost := v.Of(&now.Namespaces[0].Sockets[0]), v.Of(&now.Namespaces[0].Sockets[2])
		if relay == nil || lost == nil || relay.Code != "CW108" || relay.CausedBy == nil || *relay.CausedBy != lost.ID {
			t.Errorf("%s: %+v", state, v.Findings)
		}
	}
}

// TestRelayWaiting_kept: a relay that keeps the end to itself is to blame where the other side waits for more.
func TestRelayWaiting_kept(t *testing.T) {
	const server = 3000
	for name, test := range map[string]struct {
		thread look.Thread
		want   bool
	}{"waits for more": {in(server, look.CallRead, "recvfrom", 4, 70), true}, "works on it": {sleeper(server), false}} {
		now := snapshot(client(1, time.Minute, 83, 0), listening(0, 128),
			socket(tcp.Established, time.Minute, inode(60), cookie(60), between("192.0.2.1:45000", "203.0.113.5:9000"),
				info(tcp.BytesSent, 83), info(tcp.BytesRetrans, 0), info(tcp.BytesAcked, 84), info(tcp.Unacked, 0), info(tcp.BytesReceived, 0), info(tcp.LastDataRecv, 62_000), info(tcp.DataSegsIn, 0)),
			socket(tcp.Established, time.Minute, inode(70), cookie(70), between("203.0.113.5:9000", "192.0.2.1:45000")))
		held(now, 70, look.Holder{PID: server, FD: 4})
		now.Processes[server] = &look.Process{PID: server, Comm: "server", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{test.thread}, Sockets: []look.Descriptor{{FD: 4, Inode: 70}}}}
		busyWith(now, in(ours, look.CallPoll, "epoll_wait", 4, 0))
		f := now.Processes[ours]
		v := Run(now, nil)
		relay := v.Of(&now.Namespaces[0].Sockets[0])
		if relay == nil || relay.Code != "CW108" {
			t.Fatalf("%s: %+v", name, v.Findings)
		}
		last := relay.Culprits[len(relay.Culprits)-1]
		if got := last.What == "not_closing" && *last.PID == f.PID; got != test.want || got != strings.Contains(relay.NotRemedies[0].What, "the other side") {
			t.Errorf("%s: %+v", name, relay)
		}
	}
}

// TestChain_held: an event loop reads no more of one leg when it cannot get rid of what it has on the other.
func TestChain_held(t *testing.T) {
	const relay, reader = 3000, 4000
	const front = "198.51.100.7:8000"
	for name, test := range map[string]struct {
		came uint64
		want bool
	}{"at the same time": {59_500, true}, "at another time": {20_000, false}} {
		full := []made{queues(0, 5000), info(tcp.SndWnd, 0), info(tcp.Backoff, 3), info(tcp.LastDataSent, 60_000), timer(tcp.TimerPersist, 0, time.Second)}
		now := snapshot(
			socket(tcp.Established, 800*time.Millisecond, append(full, inode(1000), cookie(1000))...),
			socket(tcp.Established, time.Second, inode(70), cookie(70), between("198.51.100.7:5121", "192.0.2.1:80"), queues(5000, 0), info(tcp.LastDataRecv, test.came)),
			socket(tcp.Established, 800*time.Millisecond, append(full, inode(60), cookie(60), between(front, "203.0.113.9:51400"))...),
			socket(tcp.Established, time.Second, inode(90), cookie(90), between("203.0.113.9:51400", front), queues(5000, 0)),
			listening(0, 4), tcp.Socket{Family: tcp.IPv4, State: tcp.Listen, Inode: 998, Cookie: 998, Local: tcp.MustParseEndpoint(front), Peer: listening(0, 0).Peer},
		)
		now.Namespaces[0].Ports = [2]uint16{5000, 60999}
		now.Holders = look.Holders{}
		for inode, h := range map[uint32]look.Holder{1000: {PID: ours, FD: 7}, 70: {PID: relay, FD: 9}, 60: {PID: relay, FD: 11}, 90: {PID: reader, FD: 3}} {
			now.Holders.Hold(inode, h)
		}
		polls := look.Thread{TID: relay, First: look.Moment{State: 'S', Call: look.Call{Kind: look.CallPoll, Name: "epoll_wait", FD: 4}}}
		now.Processes[relay] = &look.Process{PID: relay, Comm: "relay", Activity: &look.Activity{CallsKnown: true, ThreadCount: 1, Threads: []look.Thread{polls},
			Sockets: []look.Descriptor{{FD: 9, Inode: 70}, {FD: 11, Inode: 60}}}}
		v := Run(now, nil)
		own, theirs := v.Of(&now.Namespaces[0].Sockets[0]), v.Of(&now.Namespaces[0].Sockets[2])
		if own == nil || theirs == nil || own == theirs || *own.Culprits[0].PID != relay || *theirs.Culprits[0].PID != reader {
			t.Fatalf("%s: %+v", name, v.Findings)
		}
		if got := own.CausedBy != nil && *own.CausedBy == theirs.ID; got != test.want {
			t.Errorf("%s: explained %v, want %v", name, got, test.want)
		}
	}
}

// TestChain_trouble: a handler that is blocked in writing waits for a peer that has a finding of its own.
func TestChain_trouble(t *testing.T) {
	now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128),
		backend(60, time.Minute, queues(0, 5000), timer(tcp.TimerRetransmit, 5, time.Second)))
	busyWith(now, in(ours, look.CallWrite, "sendto", 9, 60))
	v := Run(now, nil)
	caused := func(v *Verdicts, now *look.Snapshot) {
		t.Helper()
		handler, peer := v.Of(&now.Namespaces[0].Sockets[0]), v.Of(&now.Namespaces[0].Sockets[2])
		if handler == nil || peer == nil || handler.Code != "CW107" || peer.Code != "CW201" || handler.CausedBy == nil || *handler.CausedBy != peer.ID {
			t.Errorf("%+v", v.Findings)
		}
	}
	caused(v, now)
	again := backend(61, time.Hour)
	again.State = tcp.SynSent
	now = snapshot(client(1, time.Minute, 83, 1), listening(0, 128), backend(60, time.Minute, queues(0, 5000), timer(tcp.TimerRetransmit, 5, time.Second)), again)
	busyWith(now, in(ours, look.CallConnect, "connect", 10, 61))
	v = Run(now, nil)
	caused(v, now)
	for i := range v.Findings {
		if f := &v.Findings[i]; f.Code == "CW107" && f.Culprits[0].SinceSeconds != nil {
			t.Errorf("since %v", *f.Culprits[0].SinceSeconds)
		}
	}
}

// TestChain_queueFull: who cannot connect to a listener of this host waits for whoever should empty its queue.
func TestChain_queueFull(t *testing.T) {
	const them = 300
	for backlog, want := range map[uint32]bool{0: true, 128: false} {
		up := socket(tcp.SynSent, time.Minute, inode(60), cookie(60), between("127.0.0.1:45000", "127.0.0.1:7001"))
		there := listening(1, backlog)
		there.Inode, there.Cookie, there.Local = 70, 70, tcp.MustParseEndpoint("127.0.0.1:7001")
		waiting := client(5, time.Minute, 83, 83, inode(0), between("127.0.0.1:7001", "127.0.0.1:45001"))
		waiting.State = tcp.Established
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128), up, there, waiting)
		held(now, 70, look.Holder{PID: them, FD: 3})
		busyWith(now, in(ours, look.CallConnect, "connect", 9, 60))
		now.Processes[them] = &look.Process{PID: them, Comm: "other", Activity: &look.Activity{Threads: []look.Thread{sleeper(them)}, ThreadCount: 1, CallsKnown: true, Sockets: []look.Descriptor{{FD: 3, Inode: 70}}}}
		v := Run(now, nil)
		handler, queue := v.Of(&now.Namespaces[0].Sockets[0]), v.Of(&now.Namespaces[0].Sockets[4])
		if handler == nil || queue == nil || (handler.CausedBy != nil && *handler.CausedBy == queue.ID) != want {
			t.Errorf("backlog %d: %+v", backlog, v.Findings)
		}
	}
}
