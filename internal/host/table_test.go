package host_test

import (
	"slices"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// listed is what is compared of a socket that is handed on. What moves meanwhile is compared in probe.
type listed struct {
	state   tcp.State
	timer   tcp.TimerKind
	inode   uint32
	age     look.AgeKind
	ends    forecast.Kind
	by, why string
}

// TestLook_hastened: a table that a BPF program reads gives the same list as one that is dumped: mini sockets, half-open connections and bound sockets, too.
func TestLook_hastened(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		needsHolders(t)
		if nstest.Before(t, 6, 2) {
			t.Skip("kernels before 6.2 do not take the program")
		}
		made := map[tcp.State]bool{}
		for i, name := range []string{"established_unacked", "established_keepalive", "syn_received", "close_wait", "close_wait_zero_window", "fin_wait_2_mini", "time_wait", "last_ack_orphan", "listen", "bound"} {
			made[nstest.Build(t, name, nstest.Families()[i%2]).Subject.State] = true
		}
		delete(made, tcp.Closed) // sock_diag has a name of its own for what is bound
		made[tcp.Bound] = !nstest.Before(t, 6, 8)
		list := func(look func(host.Request) error) map[tcp.Cookie]listed {
			found := map[tcp.Cookie]listed{}
			r := host.Request{Netns: []string{netnsPath()}, Plain: true, Each: func(p *host.Passing) error {
				ends := p.Snapshot.Forecaster(p.Namespace).Passing(p.Socket, p.Options, p.PeerForgot)
				found[p.Socket.Cookie] = listed{p.Socket.State, p.Socket.Timer.Kind, p.Socket.Inode, diagnose.Age(p.Socket).Kind, ends.Kind, ends.By, ends.Reason}
				return nil
			}}
			if err := look(r); err != nil {
				t.Fatal(err)
			}
			return found
		}
		var quick, slow map[tcp.Cookie]listed
		for range 20 { // a socket may move between the two looks
			quick = list(func(r host.Request) error {
				_, used, err := host.Hastened(t.Context(), host.New(time.Now), r)
				if !used {
					t.Fatal("no program read the table")
				}
				return err
			})
			slow = list(func(r host.Request) error {
				r.NoBPF = true
				_, used, err := host.Hastened(t.Context(), host.New(time.Now), r)
				if used {
					t.Fatal("a program was used that must not be")
				}
				return err
			})
			if sameTables(quick, slow) {
				break
			}
		}
		if !sameTables(quick, slow) {
			t.Errorf("%+v\ndumped: %+v", quick, slow)
		}
		for _, s := range slow {
			delete(made, s.state)
		}
		for state, expected := range made {
			if expected {
				t.Errorf("not in the table: %v", state)
			}
		}
	})
}

func sameTables(a, b map[tcp.Cookie]listed) bool {
	for cookie, s := range a {
		if other, ok := b[cookie]; !ok || other != s {
			return false
		}
	}
	return len(a) == len(b)
}

// TestSooner: the program pays for large tables that are most of what the host has.
func TestSooner(t *testing.T) {
	for _, c := range []struct {
		size, allocated int64
		want            bool
	}{{0, 0, false}, {2_000, 2_000, false}, {20_000, 20_000, false}, {40_000, 41_000, true}, {200_000, 200_000, true}, {20_000, 200_000, false}, {160_000, 210_000, true}, {1_000_000, 900_000, true}} {
		if got := host.Sooner(int(c.size), procfs.Count{N: c.allocated, Reported: true}); got != c.want {
			t.Errorf("%d sockets of %d: %t", c.size, c.allocated, got)
		}
	}
	if host.Sooner(1_000_000, procfs.Count{}) {
		t.Error("it is not known how many sockets the host has")
	}
}

// TestAgree: a socket of which anything is told that sock_diag does not say is found out.
func TestAgree(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		made := nstest.Build(t, "close_wait", nstest.Families()[0]).Subject
		conn, err := inetdiag.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var told tcp.Socket
		if _, err := conn.Dump(t.Context(), inetdiag.Query{States: tcp.SetOf(tcp.CloseWait), Extensions: inetdiag.WithInfo}, func(s *tcp.Socket) error {
			told = s.Clone()
			return nil
		}); err != nil || told.Inode != made.Inode {
			t.Fatalf("%v, %+v", err, told)
		}
		if !host.Agree(t.Context(), conn, []tcp.Socket{told}) {
			t.Error("sock_diag does not agree with itself")
		}
		wrong := map[string]func(*tcp.Socket){
			"state":      func(s *tcp.Socket) { s.State = tcp.Established },
			"timer":      func(s *tcp.Socket) { s.Timer = tcp.Timer{Kind: tcp.TimerKeepalive, Expires: time.Second} },
			"inode":      func(s *tcp.Socket) { s.Inode++ },
			"user":       func(s *tcp.Socket) { s.UID++ },
			"queue":      func(s *tcp.Socket) { s.RecvQueue++ },
			"send queue": func(s *tcp.Socket) { s.SendQueue++ },
			"device":     func(s *tcp.Socket) { s.Interface++ },
			"cookie":     func(s *tcp.Socket) { s.Cookie++ },
			"field":      func(s *tcp.Socket) { s.Info.Put(tcp.SndWnd, 1) },
			"later":      func(s *tcp.Socket) { s.Info.Put(tcp.LastAckRecv, 3_600_000) },
			"earlier":    func(s *tcp.Socket) { s.Info.Put(tcp.LastAckRecv, 1<<32-3_600_000) },
		}
		for what, change := range wrong {
			s := told
			change(&s)
			if host.Agree(t.Context(), conn, []tcp.Socket{s}) {
				t.Errorf("%s: not found out", what)
			}
		}
		if host.Agree(t.Context(), conn, slices.Repeat([]tcp.Socket{{State: tcp.Listen}}, 3)) {
			t.Error("nothing could be asked, and that was enough")
		}
	})
}
