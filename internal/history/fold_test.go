package history_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/history"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

var noon = time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)

// host is a look at a process with sockets in CLOSE_WAIT, each by its cookie with the time since the FIN, and as many established ones.
func host(at time.Time, started uint64, closed map[tcp.Cookie]time.Duration, established ...tcp.Cookie) *look.Snapshot {
	ns := look.Namespace{Inode: 4026531840, Name: "host", ReadAt: at, Sockets: []tcp.Socket{
		{Family: tcp.IPv4, State: tcp.Listen, Cookie: 1, Inode: 1, Local: tcp.MustParseEndpoint("0.0.0.0:80"), Peer: tcp.MustParseEndpoint("0.0.0.0:0")},
	}}
	add := func(cookie tcp.Cookie, state tcp.State, quiet time.Duration) {
		s := tcp.Socket{
			Family: tcp.IPv4, State: state, Cookie: cookie, Inode: uint32(cookie), Local: tcp.MustParseEndpoint("10.0.0.3:80"),
			Peer: tcp.EndpointFrom(netip.MustParseAddr("203.0.113.9"), uint16(cookie)),
		}
		for _, f := range []tcp.Field{tcp.LastAckRecv, tcp.LastDataRecv, tcp.LastDataSent} {
			s.Info.Put(f, uint64(quiet/time.Millisecond))
		}
		s.Info.Put(tcp.DataSegsOut, 0)
		ns.Sockets = append(ns.Sockets, s)
	}
	for cookie := tcp.Cookie(1); cookie < 1000; cookie++ { // in order: looks are compared
		if quiet, ok := closed[cookie]; ok {
			add(cookie, tcp.CloseWait, quiet)
		}
	}
	for _, cookie := range established {
		add(cookie, tcp.Established, time.Second)
	}
	s := &look.Snapshot{TakenAt: at, Namespaces: []look.Namespace{ns}, HoldersComplete: true, Processes: map[int]*look.Process{7: {PID: 7, Comm: "leaky", FDs: 10, FDLimit: 1024, StartTicks: started}}}
	for i := range ns.Sockets {
		s.Holders.Want(ns.Sockets[i].Inode)
		s.Holders.Add(ns.Sockets[i].Inode, look.Holder{PID: 7, FD: i})
	}
	return s
}

func closed(first, last tcp.Cookie, quiet time.Duration) map[tcp.Cookie]time.Duration {
	m := map[tcp.Cookie]time.Duration{}
	for c := first; c <= last; c++ {
		m[c] = quiet
	}
	return m
}

func ageOf(t *testing.T, s *look.Snapshot, cookie tcp.Cookie) look.Age {
	t.Helper()
	ns := &s.Namespaces[0]
	for i := range ns.Sockets {
		if ns.Sockets[i].Cookie == cookie {
			return diagnose.AgeOf(ns, i)
		}
	}
	t.Fatalf("no socket %v", cookie)
	return look.Age{}
}

func TestFold_ages(t *testing.T) {
	const own = 90 * time.Second
	now := host(noon, 1, map[tcp.Cookie]time.Duration{10: own, 11: own, 12: own, 13: time.Second, 14: own})
	earlier := []*look.Snapshot{
		host(noon.Add(-90400*time.Millisecond), 1, map[tcp.Cookie]time.Duration{12: 0, 13: 0}, 10),
		host(noon.Add(-600*time.Second), 1, map[tcp.Cookie]time.Duration{12: 0, 13: 0}, 10),
		host(noon.Add(-89600*time.Millisecond), 1, map[tcp.Cookie]time.Duration{10: 0, 12: 0, 13: 0}, 11),
		host(noon, 1, nil), host(noon.Add(time.Hour), 1, nil), // not earlier
	}
	before := host(noon, 1, map[tcp.Cookie]time.Duration{10: own, 11: own, 12: own, 13: time.Second, 14: own})
	folded := history.Fold(now, earlier)
	for cookie, want := range map[tcp.Cookie]look.Age{
		10: {Time: own, Kind: look.AgeExact},                 // established 90.4 s ago, closed by its peer 89.6 s ago
		11: {Time: own, Kind: look.AgeAbout},                 // its own facts speak of before the look that shows it established
		12: {Time: 600 * time.Second, Kind: look.AgeAtLeast}, // was so in all looks
		13: {Time: 600 * time.Second, Kind: look.AgeAtLeast}, // its peer was heard since, but not for the first time
		14: {Time: own, Kind: look.AgeAbout},                 // in no look before
		1:  {Time: 600 * time.Second, Kind: look.AgeAtLeast}, // the listener
	} {
		if got := ageOf(t, folded, cookie); got != want {
			t.Errorf("%d: %+v, want %+v", cookie, got, want)
		}
	}
	if diff := cmp.Diff(before, now, cmpopts.EquateComparable(tcp.Endpoint{}), cmp.Comparer(func(a, b look.Holders) bool { return a.Held() == b.Held() })); diff != "" {
		t.Errorf("the look was changed:\n%s", diff)
	}
}

// TestFold_growth: the number that leaks is counted, and what was closed in between is not part of it.
func TestFold_growth(t *testing.T) {
	then := host(noon.Add(-10*time.Minute), 1, closed(10, 29, time.Minute))
	for _, test := range []struct {
		name      string
		now       *look.Snapshot
		perMinute float64
		kind      string
	}{
		{"20 more in 10 minutes", host(noon, 1, closed(10, 49, 11*time.Minute)), 2, "exact"},
		{"others in the place of the first", host(noon, 1, closed(30, 49, 5*time.Minute)), 0, "exact"},
		{"fewer", host(noon, 1, closed(10, 19, 11*time.Minute)), -1, "exact"},
		{"another process", host(noon, 2, closed(30, 49, 5*time.Minute)), 2, "exact"},
	} {
		f := finding(t, history.Fold(test.now, []*look.Snapshot{then}))
		if f != fmt.Sprint(test.perMinute, test.kind) {
			t.Errorf("%s: %s, want %v %s", test.name, f, test.perMinute, test.kind)
		}
	}
	blind := host(noon.Add(-10*time.Minute), 1, closed(10, 29, time.Minute))
	blind.HoldersComplete = false
	if f := finding(t, history.Fold(host(noon, 1, closed(10, 49, 11*time.Minute)), []*look.Snapshot{blind})); f == "2exact" {
		t.Errorf("counted although holders were hidden: %s", f)
	}
}

func finding(t *testing.T, s *look.Snapshot) string {
	t.Helper()
	for _, f := range diagnose.Run(s, nil).Findings {
		if f.Code == "CW101" {
			if f.Growth == nil {
				return "unknown"
			}
			return fmt.Sprint(f.Growth.PerMinute, f.Growth.Kind)
		}
	}
	t.Fatal("no leak")
	return ""
}
