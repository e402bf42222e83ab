package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

const (
	here  = "192.0.2.1:80"
	there = "198.51.100.7:5121"
)

// waiting is the client's end of the connection that client makes, as its own host sees it: it has sent so many bytes, shut its side down and keeps the descriptor.
func waiting(sent uint64, options ...made) tcp.Socket {
	options = append([]made{between(there, here), inode(50), info(tcp.BytesSent, sent), info(tcp.BytesRetrans, 0), info(tcp.BytesAcked, sent+2), info(tcp.BytesReceived, 0)}, options...)
	return socket(tcp.FinWait2, time.Minute, options...)
}

// joined judges two hosts together, the first of which is named web and the second db.
func joined(web, db *look.Snapshot) (*Joint, *Verdicts) {
	for _, s := range []*look.Snapshot{web, db} {
		for i := range s.Namespaces {
			if s.Namespaces[i].ReadAt.IsZero() {
				s.Namespaces[i].ReadAt = taken
			}
		}
	}
	j := Join([]Host{{Name: "web", Now: web}, {Name: "db", Now: db}}, func(int, int) bool { return true })
	return j, j.Run()
}

func codes(v *Verdicts) string {
	var list []string
	for i := range v.Findings {
		list = append(list, *v.Findings[i].Host+" "+v.Findings[i].Code)
	}
	return strings.Join(list, ", ")
}

// TestJoint: what the other host shows of a connection decides as it would on one host.
func TestJoint(t *testing.T) {
	mini := func(s *tcp.Socket) { s.Inode, s.Info = 0, tcp.Info{} }
	tests := []struct {
		name   string
		end    tcp.Socket
		others []tcp.Socket
		change func(*look.Snapshot)
		want   string
	}{
		{"a client that waits for its answer", waiting(83), nil, nil, ""},
		{"one that does not look for it", waiting(83), nil, func(s *look.Snapshot) { busyWith(s, sleeper(ours)) }, "web CW101"},
		{"one that has closed", waiting(83, mini), nil, nil, "web CW101"},
		{"an earlier connection from that port", waiting(4000), nil, nil, "web CW101, db CW205"},
		{"other addresses", waiting(83, between("203.0.113.9:5121", here)), nil, nil, "web CW101, db CW205"},
		{"a connection inside the other host", waiting(83), []tcp.Socket{client(1, time.Minute, 83, 1)}, nil, "web CW101, db CW101"},
		{"two that it may be", waiting(83), []tcp.Socket{waiting(83, inode(51), cookie(51))}, nil, "web CW101, db CW205, db CW205"},
	}
	for _, test := range tests {
		web, db := snapshot(client(1, time.Minute, 83, 0), listening(0, 128)), snapshot(test.end)
		for i, s := range test.others {
			db.Namespaces = append(db.Namespaces, look.Namespace{Inode: uint64(i + 1), Sockets: []tcp.Socket{s}})
			db.Holders.Hold(s.Inode, look.Holder{PID: ours, FD: 70 + i})
		}
		if test.change != nil {
			busyWith(db)
			test.change(db)
		}
		j, v := joined(web, db)
		if got := codes(v); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		host, ns, index, ok := j.Other(0, 0, 0)
		paired := test.want == "" || test.want == "web CW101"
		if ok != paired || ok && (host != 1 || ns != 0 || index != 0) {
			t.Errorf("%s: paired %v with %d %d %d", test.name, ok, host, ns, index)
		}
	}
	apart := Join([]Host{{Name: "web", Now: snapshot(client(1, time.Minute, 83, 0), listening(0, 128))}, {Name: "db", Now: snapshot(waiting(83))}}, func(int, int) bool { return false })
	if got := codes(apart.Run()); got != "web CW101, db CW205" {
		t.Errorf("addresses that mean different things: %s", got)
	}
}

// TestJoint_apart: a client that waited for its answer some time before may have closed since. One that still waits later has waited all the while.
func TestJoint_apart(t *testing.T) {
	for later, want := range map[time.Duration]string{0: "", 4 * time.Second: "", -4 * time.Second: "", 5 * time.Minute: "", -5 * time.Minute: "web CW101 info"} {
		web, db := snapshot(listening(0, 128)), snapshot()
		for i := range 20 {
			end := between(there, here)
			at := func(s *tcp.Socket) { s.Peer = tcp.EndpointFrom(s.Peer.Addr(), uint16(5200+i)) }
			web.Namespaces[0].Sockets = append(web.Namespaces[0].Sockets, client(i, time.Hour, 83, 0, at))
			db.Namespaces[0].Sockets = append(db.Namespaces[0].Sockets, waiting(83, end, inode(uint32(2000+i)), cookie(tcp.Cookie(2000+i)), func(s *tcp.Socket) { s.Local = tcp.EndpointFrom(s.Local.Addr(), uint16(5200+i)) }))
			web.Holders.Hold(uint32(1000+i), look.Holder{PID: ours, FD: 10 + i})
			db.Holders.Hold(uint32(2000+i), look.Holder{PID: ours, FD: 10 + i})
		}
		web.Namespaces[0].ReadAt, db.Namespaces[0].ReadAt = taken, taken.Add(later)
		_, v := joined(web, db)
		got := codes(v)
		if len(v.Findings) > 0 {
			got += " " + v.Findings[0].Severity
			if said := strings.Join(v.Findings[0].Evidence, "; "); !strings.Contains(said, "waited for data, seen 5m 00s before this look") {
				t.Errorf("evidence: %s", said)
			}
		}
		if got != want {
			t.Errorf("seen %v later: %q, want %q", later, got, want)
		}
	}
	web, db := snapshot(client(1, time.Minute, 83, 0), listening(0, 128)), snapshot(waiting(83))
	v := Join([]Host{{Name: "web", Now: web}, {Name: "db", Now: db}}, func(int, int) bool { return true }).Run()
	if got := codes(v); got != "web CW101" || v.Findings[0].Severity != "info" {
		t.Errorf("not known when: %s", got)
	}
}

// TestJoint_cause: why a server on one host waits is found on another, and told there.
func TestJoint_cause(t *testing.T) {
	question := backend(60, time.Minute)
	web := snapshot(client(1, time.Minute, 83, 1), queued(2), listening(1, 128), question)
	busyWith(web, in(ours, look.CallRead, "recvfrom", 10, 60))
	db := snapshot(backend(999, time.Minute, between("203.0.113.5:5432", "192.0.2.1:45000")))
	busyWith(db, stopping(ours))
	_, v := joined(web, db)
	if got := codes(v); got != "db CW111, web CW105" {
		t.Fatal(got)
	}
	if help := v.Findings[1].Remedies; len(help) == 0 || help[0].Command != "closewait show f1" {
		t.Errorf("%+v", help)
	}
	if by := v.Findings[1].CausedBy; by == nil || *by != "f1" || v.Findings[0].Severity != "critical" {
		t.Errorf("caused by %v", by)
	}
	working := snapshot(db.Namespaces[0].Sockets...)
	busyWith(working, sleeper(ours))
	_, v = joined(web, working)
	if help := v.Findings[0].Remedies; len(help) == 0 || help[0].Command != "closewait show peer 203.0.113.5:5432" {
		t.Errorf("%+v", help)
	}
	if got, said := codes(v), strings.Join(v.Findings[0].Evidence, "\n"); got != "web CW105" || !strings.Contains(said, "the other end is on db: java (pid 2214), with 1 thread in clock_nanosleep") {
		t.Errorf("%s: %s", got, said)
	}
}

// TestJoint_age: answered keepalive probes make a socket look young, but what is left of the other end on its host tells how long ago that closed, by both hosts' clocks.
func TestJoint_age(t *testing.T) {
	leaked := func(s *tcp.Socket) { s.Timer = tcp.Timer{Kind: tcp.TimerKeepalive, Expires: time.Second} }
	end := waiting(83, func(s *tcp.Socket) {
		s.Inode, s.Info, s.Timer = 0, tcp.Info{}, tcp.Timer{Kind: tcp.TimerTimeWait, Expires: 20 * time.Second}
	})
	for later, want := range map[time.Duration]string{0: "web CW101", -time.Minute: "web CW101", 20 * time.Second: "web CW101", 38 * time.Second: ""} {
		web, db := snapshot(client(1, time.Second, 83, 0, leaked), listening(0, 128)), snapshot(end)
		web.Namespaces[0].ReadAt, db.Namespaces[0].ReadAt = taken, taken.Add(later)
		if _, v := joined(web, db); codes(v) != want {
			t.Errorf("read %v later: %s", later, codes(v))
		}
	}
}

// TestFollow_back: where each end waits for the other, the trail ends there, and does not lead back to who is to be explained.
func TestFollow_back(t *testing.T) {
	web := snapshot(client(1, time.Minute, 83, 1), queued(2), listening(1, 128), backend(60, time.Minute))
	busyWith(web, in(ours, look.CallRead, "recvfrom", 10, 60))
	db := snapshot(backend(70, time.Minute, between("203.0.113.5:5432", "192.0.2.1:45000")))
	busyWith(db, in(ours, look.CallRead, "read", 7, 70))
	_, v := joined(web, db)
	last := v.Findings[0].Evidence[len(v.Findings[0].Evidence)-1]
	if codes(v) != "web CW105" || last != "the other end is on db: java (pid 2214), with 1 thread in read on descriptor 7 to 192.0.2.1:45000" {
		t.Errorf("%s: %s", codes(v), last)
	}
}

// TestFollow_again: a trail that leads back to a program by way of another connection tells nothing more of it.
func TestFollow_again(t *testing.T) {
	const theirs = 3000
	far := func(n int) string { return fmt.Sprintf("192.0.2.1:%d", 45000+n) }
	conn := func(n int, ours bool, options ...made) tcp.Socket {
		local, peer, number := "192.0.2.1:80", far(n), uint32(1000+n)
		if !ours {
			local, peer, number = peer, local, uint32(2000+n)
		}
		return socket(tcp.Established, time.Minute, append([]made{inode(number), cookie(tcp.Cookie(number)), between(local, peer)}, options...)...)
	}
	unread := []made{queues(83, 0), info(tcp.BytesReceived, 83), info(tcp.DataSegsOut, 0)}
	now := snapshot(conn(1, true), conn(1, false), conn(2, true, unread...), conn(2, false), listening(0, 128))
	for n := range 2 {
		held(now, uint32(2001+n), look.Holder{PID: theirs, FD: 10 + n})
	}
	busyWith(now, in(ours, look.CallRead, "read", 7, 1001))
	now.Processes[theirs] = &look.Process{PID: theirs, Comm: "cli", Activity: &look.Activity{ThreadCount: 2, CallsKnown: true, Threads: []look.Thread{sleeper(theirs), in(3001, look.CallRead, "read", 11, 2002)},
		Sockets: []look.Descriptor{{FD: 10, Inode: 2001}, {FD: 11, Inode: 2002}}}}
	said := strings.Join(only(t, Run(now, nil)).Evidence, "\n")
	if strings.Count(said, "cli (pid 3000)") != 1 || strings.Count(said, "java (pid 2214)") > 1 {
		t.Errorf("%s", said)
	}
}
