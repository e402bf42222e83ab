package probe_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/tcp"
)

func openSockets(t testing.TB) *probe.Sockets {
	t.Helper()
	s, err := probe.OpenSockets()
	if errors.Is(err, fs.ErrPermission) && (os.Geteuid() != 0 || !inFirstUserNamespace()) {
		t.Skipf("needs CAP_BPF: %v", err)
	}
	if errors.Is(err, errors.ErrUnsupported) && nstest.Before(t, 6, 2) { // bpf_rdonly_cast
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// byIterator and byDump read the table of the calling thread's namespace in both ways, by cookie.
func byIterator(t testing.TB, s *probe.Sockets) map[tcp.Cookie]tcp.Socket {
	t.Helper()
	in, err := s.In()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	found := map[tcp.Cookie]tcp.Socket{}
	if err := s.Each(t.Context(), in, func(s *tcp.Socket) error {
		found[s.Cookie] = s.Clone()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func byDump(t testing.TB) map[tcp.Cookie]tcp.Socket {
	t.Helper()
	conn, err := inetdiag.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	found := map[tcp.Cookie]tcp.Socket{}
	if _, err := conn.Dump(t.Context(), inetdiag.Query{Extensions: inetdiag.WithInfo}, func(s *tcp.Socket) error {
		if s.State != tcp.Bound { // which the iterator does not list
			found[s.Cookie] = s.Clone()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	always  = []tcp.Field{tcp.CAState, tcp.Retransmits, tcp.Probes, tcp.Backoff, tcp.RTO, tcp.RTT, tcp.Unacked, tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv, tcp.NotSentBytes, tcp.DataSegsOut, tcp.SndWnd}
	running = []tcp.Field{tcp.RTTVar, tcp.SndMSS, tcp.SndSSThresh, tcp.RcvWnd, tcp.TotalRetrans, tcp.TotalRTO, tcp.TotalRTORecoveries, tcp.TotalRTOTime}
	moving  = []tcp.Field{tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv, tcp.TotalRTOTime}
)

// between says what of a socket is not as two dumps have it, one before and one after: "" where all is.
func between(before, s, after *tcp.Socket) string {
	same := func(a, b *tcp.Socket) bool {
		return a.Family == b.Family && a.State == b.State && a.Timer.Kind == b.Timer.Kind && a.Timer.Count == b.Timer.Count && a.Local == b.Local && a.Peer == b.Peer &&
			a.Interface == b.Interface && a.Inode == b.Inode && a.UID == b.UID && a.RecvQueue == b.RecvQueue && a.SendQueue == b.SendQueue
	}
	if !same(before, s) || !same(s, after) {
		return fmt.Sprintf("%+v\n%+v\n%+v", before, s, after)
	}
	if before.Timer.Expires < s.Timer.Expires || s.Timer.Expires < after.Timer.Expires {
		return fmt.Sprintf("expires in %v, %v, %v", before.Timer.Expires, s.Timer.Expires, after.Timer.Expires)
	}
	var known []tcp.Field
	switch {
	case s.State == tcp.Listen, !before.Info.Known():
	case s.Timer.Kind == tcp.TimerNone:
		known = always
	default:
		known = slices.Concat(always, running)
	}
	for f := range tcp.Fields() {
		was, told := before.Info.Uint(f)
		is, _ := s.Info.Uint(f)
		then, _ := after.Info.Uint(f)
		switch {
		case s.Info.Has(f) != (told && slices.Contains(known, f)):
			return fmt.Sprintf("%v is known: %t", f, s.Info.Has(f))
		case !s.Info.Has(f):
		case slices.Contains(moving, f):
			if int32(is-was) < 0 || int32(then-is) < 0 {
				return fmt.Sprintf("%v: %d, %d, %d", f, was, is, then)
			}
		case is != was || is != then:
			return fmt.Sprintf("%v: %d, %d, %d", f, was, is, then)
		}
	}
	return ""
}

// TestSockets holds the iterator against sock_diag, field by field, for sockets in all states.
func TestSockets(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		sockets := openSockets(t)
		families := nstest.Families()
		for i, name := range []string{ // the families in turn
			"established", "established_unacked", "established_keepalive", "established_unaccepted", "syn_sent", "fin_wait_1_orphan",
			"fin_wait_2", "fin_wait_2_mini", "fin_wait_2_orphan", "close_wait_unread", "close_wait_zero_window_vanished", "close_wait_keepalive",
			"last_ack_orphan", "closing", "listen_waiting", "bound",
		} {
			nstest.Build(t, name, families[i%len(families)])
		}
		for _, name := range []string{"syn_received", "time_wait"} {
			for _, fam := range families {
				nstest.Build(t, name, fam)
			}
		}
		nstest.StartHolder(t, 300) // more than one reading gives
		agreed := map[tcp.Cookie]bool{}
		var states tcp.StateSet
		var timers [256]bool
		var differences []string
		for range 30 { // a socket that moves between two looks agrees another time
			before, now, after := byDump(t), byIterator(t, sockets), byDump(t)
			differences = nil
			for cookie, first := range before {
				second, told := now[cookie]
				third, stays := after[cookie]
				switch {
				case agreed[cookie] || !stays:
					continue
				case !told:
					differences = append(differences, fmt.Sprintf("not told: %+v", first))
					continue
				}
				if d := between(&first, &second, &third); d != "" {
					differences = append(differences, d)
					continue
				}
				agreed[cookie], timers[second.Timer.Kind] = true, true
				states |= tcp.SetOf(second.State)
			}
			for cookie, second := range now {
				_, a := before[cookie]
				if _, b := after[cookie]; !a && b {
					differences = append(differences, fmt.Sprintf("told alone: %+v", second))
				}
			}
			if len(differences) == 0 {
				break
			}
		}
		for _, d := range differences {
			t.Error(d)
		}
		want := tcp.SetOf(tcp.Established, tcp.SynSent, tcp.SynReceived, tcp.FinWait1, tcp.FinWait2, tcp.TimeWait, tcp.CloseWait, tcp.LastAck, tcp.Listen, tcp.Closing)
		if states != want || len(agreed) < 300 {
			t.Errorf("%d sockets in states %b, want %b", len(agreed), states, want)
		}
		for _, kind := range []tcp.TimerKind{tcp.TimerNone, tcp.TimerRetransmit, tcp.TimerKeepalive, tcp.TimerTimeWait, tcp.TimerPersist} {
			if !timers[kind] {
				t.Errorf("no socket with the timer %v", kind)
			}
		}
	})
}

// TestSockets_ends: an error of the visitor ends the reading at once and comes back as it is.
func TestSockets_ends(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		sockets := openSockets(t)
		nstest.StartHolder(t, 20)
		in, err := sockets.In()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		enough, visited := errors.New("enough"), 0
		err = sockets.Each(t.Context(), in, func(*tcp.Socket) error {
			visited++
			return enough
		})
		if err != enough || visited != 1 {
			t.Errorf("%v after %d sockets", err, visited)
		}
	})
}

func BenchmarkSockets(b *testing.B) {
	nstest.Require(b)
	nstest.New(b).Do(func() {
		sockets := openSockets(b)
		nstest.ManyCloseWait(b, 5000)
		none := func(*tcp.Socket) error { return nil }
		b.Run("iterator", func(b *testing.B) {
			for b.Loop() {
				in, err := sockets.In()
				if err == nil {
					err = errors.Join(sockets.Each(b.Context(), in, none), in.Close())
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("sock_diag", func(b *testing.B) {
			conn, err := inetdiag.Open()
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			for b.Loop() {
				if _, err := conn.Dump(b.Context(), inetdiag.Query{Extensions: inetdiag.WithInfo}, none); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkOpenSockets(b *testing.B) {
	openSockets(b) // or skip
	for b.Loop() {
		s, err := probe.OpenSockets()
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
