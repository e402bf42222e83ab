package inetdiag_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

func TestMain(m *testing.M) { nstest.Main(m) }

var everything = inetdiag.WithInfo | inetdiag.WithCongestion | inetdiag.WithTOS | inetdiag.WithTClass | inetdiag.WithMemory

func open(t testing.TB) *inetdiag.Conn {
	t.Helper()
	c, err := inetdiag.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func dump(t testing.TB, c *inetdiag.Conn, q inetdiag.Query) []tcp.Socket {
	t.Helper()
	sockets, stats, err := c.Sockets(t.Context(), q, nil)
	if err != nil || stats.Malformed != 0 || stats.UnknownAttributes != 0 {
		t.Fatalf("dump: %+v, %v", stats, err)
	}
	return sockets
}

// TestKernel_scenes makes every state on the real kernel and holds the dump against what the scene promises and against ss.
func TestKernel_scenes(t *testing.T) {
	for _, scene := range nstest.Scenes() {
		for _, fam := range nstest.Families() {
			t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
				nstest.Require(t)
				nstest.New(t).Do(func() {
					made := scene.Build(t, fam)
					agreeWithScene(t, made)
					agreeWithSS(t)
					lookEachUp(t)
				})
			})
		}
	}
}

func agreeWithScene(t *testing.T, made nstest.Made) {
	t.Helper()
	sockets := dump(t, open(t), inetdiag.Query{Extensions: everything})
	for _, want := range made.All() {
		i := slices.IndexFunc(sockets, func(s tcp.Socket) bool {
			return s.Local.AddrPort() == want.Local && s.Peer.AddrPort() == want.Peer && s.Family == want.Family && (s.State == tcp.Listen) == (want.State == tcp.Listen)
		})
		if !want.Listed {
			if i >= 0 && sockets[i].Inode == want.Inode {
				t.Errorf("dump shows %v, which is in no table", want)
			}
			continue
		}
		if i < 0 {
			t.Errorf("dump misses %v", want)
			continue
		}
		got := &sockets[i]
		state := want.State
		if state == tcp.Closed {
			state = tcp.Bound
		}
		if got.State != state || got.Timer.Kind != want.Timer || got.RecvQueue != want.RecvQueue || got.SendQueue != want.SendQueue || got.Inode != want.Inode {
			t.Errorf("got %v timer %v recv-q %d send-q %d ino %d, want %v", got.State, got.Timer, got.RecvQueue, got.SendQueue, got.Inode, want)
		}
	}
}

// agreeWithSS compares each field that ss prints. A timer may fire more than once meanwhile, but ever more seldom.
func agreeWithSS(t *testing.T) {
	t.Helper()
	c := open(t)
	var differences []string
	for range 10 {
		if differences = differencesFromSS(t, c); len(differences) == 0 {
			return
		}
	}
	t.Errorf("against ss -tanoie:\n\t%s", strings.Join(differences, "\n\t"))
}

func differencesFromSS(t *testing.T, c *inetdiag.Conn) []string {
	t.Helper()
	var sockets []tcp.Socket
	var cookies []tcp.Cookie
	ss := nstest.Around(func() []nstest.SSSocket { return nstest.SS(t, "-tanoieH") }, func() {
		sockets = slices.DeleteFunc(dump(t, c, inetdiag.Query{Extensions: everything}), func(s tcp.Socket) bool {
			return s.State == tcp.Bound // ss 6.1 does not ask for them
		})
	})
	for i := range sockets {
		cookies = append(cookies, sockets[i].Cookie)
	}
	return ss.Differences(cookies, func(i int, ss *nstest.SSSocket) map[string]string { return compareOne(&sockets[i], ss) })
}

func compareOne(s *tcp.Socket, ss *nstest.SSSocket) map[string]string {
	differences := map[string]string{}
	check := func(what string, equal bool, ours, theirs any) {
		if !equal {
			differences[what] = fmt.Sprintf("%v %v > %v: %s %v, ss %v", s.State, s.Local, s.Peer, what, ours, theirs)
		}
	}
	check("state", s.State == ss.State, s.State, ss.State)
	check("recv-q", s.RecvQueue == ss.RecvQueue, s.RecvQueue, ss.RecvQueue)
	check("send-q", s.SendQueue == ss.SendQueue, s.SendQueue, ss.SendQueue)
	check("local", sameEnd(s.Local.AddrPort(), ss.Local), s.Local, ss.Local)
	check("peer", sameEnd(s.Peer.AddrPort(), ss.Peer), s.Peer, ss.Peer)
	check("uid", s.UID == ss.UID, s.UID, ss.UID)
	check("inode", s.Inode == ss.Inode, s.Inode, ss.Inode)
	check("shutdown", s.Shutdown == ss.Shutdown, s.Shutdown, ss.Shutdown)
	check("timer", s.Timer.Kind == ss.Timer.Kind && s.Timer.Count == ss.Timer.Count, s.Timer, ss.Timer)
	check("timer expires", s.Timer.Expires >= ss.Timer.Min && s.Timer.Expires <= ss.Timer.Max, s.Timer.Expires, ss.Timer.Text)
	for key, field := range map[string]tcp.Field{
		"unacked": tcp.Unacked, "backoff": tcp.Backoff, "bytes_acked": tcp.BytesAcked, "bytes_received": tcp.BytesReceived, "bytes_sent": tcp.BytesSent,
		"segs_out": tcp.SegsOut, "segs_in": tcp.SegsIn, "data_segs_out": tcp.DataSegsOut, "data_segs_in": tcp.DataSegsIn, "mss": tcp.SndMSS, "pmtu": tcp.PMTU,
		"rcvmss": tcp.RcvMSS, "advmss": tcp.AdvMSS, "cwnd": tcp.SndCwnd, "notsent": tcp.NotSentBytes, "bytes_retrans": tcp.BytesRetrans, "snd_wnd": tcp.SndWnd,
	} {
		if ss.Info[key] == "" {
			continue // ss leaves out what is 0
		}
		theirs, err := ss.Uint(key)
		ours, _ := s.Info.Uint(field)
		check(key, err == nil && ours == theirs, ours, ss.Info[key])
	}
	if ss.Info["rto"] != "" {
		rto, _ := s.Info.Duration(tcp.RTO)
		check("rto", fmt.Sprint(float64(rto.Microseconds())/1000) == ss.Info["rto"], rto, ss.Info["rto"])
	}
	return differences
}

func sameEnd(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && (a.Addr() == b.Addr() || a.Addr().IsUnspecified() && (!b.Addr().IsValid() || b.Addr().IsUnspecified()))
}

// lookEachUp finds every socket again by its identity, and does not find it under another cookie.
func lookEachUp(t *testing.T) {
	t.Helper()
	c := open(t)
	for _, s := range dump(t, c, inetdiag.Query{}) {
		if s.State == tcp.Bound {
			continue // in no table a lookup reads
		}
		var found tcp.Socket
		if err := c.Get(t.Context(), &s, inetdiag.WithInfo, &found); err != nil {
			t.Errorf("get %v %v > %v: %v", s.State, s.Local, s.Peer, err)
			continue
		}
		if found.Cookie != s.Cookie || found.State != s.State {
			t.Errorf("get %v %v: found %v %v", s.State, s.Cookie, found.State, found.Cookie)
		}
		other := s
		other.Cookie++
		if err := c.Get(t.Context(), &other, 0, &found); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get with another cookie: %v, want fs.ErrNotExist", err)
		}
	}
}

// TestKernel_bothFamilies: one walk for both families shows what one for each shows.
func TestKernel_bothFamilies(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		for _, fam := range nstest.Families() {
			nstest.Build(t, "close_wait_unread", fam)
			nstest.Build(t, "time_wait", fam)
		}
		c := open(t)
		cookies := func(q inetdiag.Query) (list []tcp.Cookie) {
			for _, s := range dump(t, c, q) {
				list = append(list, s.Cookie)
			}
			return list
		}
		both := cookies(inetdiag.Query{})
		each := append(cookies(inetdiag.Query{Family: tcp.IPv4}), cookies(inetdiag.Query{Family: tcp.IPv6})...)
		slices.Sort(both)
		slices.Sort(each)
		if !slices.Equal(both, each) || len(both) < 6 {
			t.Errorf("both families %v, one by one %v", both, each)
		}
	})
}

// TestKernel_conditions lets the kernel and Match decide about the same sockets.
func TestKernel_conditions(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		var ports []uint16
		for _, fam := range nstest.Families() {
			for _, name := range []string{"close_wait", "listen", "time_wait", "close_wait_unaccepted"} {
				ports = append(ports, nstest.Build(t, name, fam).Subject.Local.Port())
			}
		}
		c := open(t)
		all := dump(t, c, inetdiag.Query{})
		prefix := func(text string) tcp.Prefix { return tcp.Prefix{Prefix: netip.MustParsePrefix(text)} }
		conditions := []tcp.Condition{
			prefix("127.0.0.0/8"), prefix("0.0.0.0/0"), prefix("::/0"), prefix("::1/128"), prefix("10.0.0.0/8"), prefix("127.0.0.1/32"),
			tcp.Prefix{Side: tcp.PeerSide, Prefix: netip.MustParsePrefix("127.0.0.0/9")},
			tcp.Device{Index: 1}, tcp.Device{}, tcp.Cgroup{ID: all[0].CgroupID}, tcp.Mark{}, tcp.Mark{Value: 1, Mask: 1},
			tcp.Not{Condition: prefix("127.0.0.0/8")},
			tcp.Or{tcp.And{prefix("127.0.0.0/8"), tcp.Port{Is: tcp.AtLeast, Port: 40000}}, tcp.Not{Condition: tcp.Port{Side: tcp.PeerSide, Is: tcp.AtMost, Port: 50000}}},
		}
		for _, port := range ports {
			conditions = append(conditions, tcp.Port{Port: port}, tcp.Port{Side: tcp.PeerSide, Port: port},
				tcp.Not{Condition: tcp.Or{tcp.Port{Is: tcp.AtLeast, Port: port}, tcp.Port{Side: tcp.PeerSide, Is: tcp.AtMost, Port: port}}})
		}
		for _, condition := range conditions {
			decideAlike(t, c, all, condition)
		}
		drawn := rapid.Custom(func(rt *rapid.T) tcp.Condition { return inetdiag.DrawCondition(rt, 3, all) })
		for range 20 { // each dump visits the whole table, however few sockets are in it
			decideAlike(t, c, all, drawn.Example(rand.Int())) //nolint:gosec // a failure names the condition
		}
	})
}

// decideAlike lets the kernel and Match decide about the same sockets.
func decideAlike(t *testing.T, c *inetdiag.Conn, all []tcp.Socket, condition tcp.Condition) {
	t.Helper()
	want := map[tcp.Cookie]bool{}
	for i := range all {
		if condition.Match(&all[i]) {
			want[all[i].Cookie] = true
		}
	}
	got := dump(t, c, inetdiag.Query{Condition: condition})
	for i := range got {
		if !want[got[i].Cookie] {
			t.Errorf("%#v: only the kernel takes %v %v > %v", condition, got[i].State, got[i].Local, got[i].Peer)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%#v: the kernel takes %d of %d sockets, Match %d", condition, len(got), len(all), len(want))
	}
}

func TestKernel_destroy(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		made := nstest.Build(t, "close_wait_unread", nstest.IPv6)
		events, err := inetdiag.OpenEvents()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { events.Close() })
		c := open(t)
		find := func() *tcp.Socket {
			for _, s := range dump(t, c, inetdiag.Query{States: tcp.SetOf(tcp.CloseWait)}) {
				if s.Local.AddrPort() == made.Subject.Local {
					return &s
				}
			}
			return nil
		}
		s := find()
		wrong := *s
		wrong.Cookie++
		if err := c.Destroy(t.Context(), &wrong); !errors.Is(err, fs.ErrNotExist) || find() == nil {
			t.Errorf("destroy with another cookie: %v; socket there: %v", err, find() != nil)
		}
		if err := c.Destroy(t.Context(), s); err != nil || find() != nil {
			t.Errorf("destroy: %v; socket there: %v", err, find() != nil)
		}
		if err := c.Destroy(t.Context(), s); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("destroy again: %v, want fs.ErrNotExist", err)
		}
		orphan := nstest.Build(t, "time_wait", nstest.IPv4)
		for _, tw := range dump(t, c, inetdiag.Query{States: tcp.SetOf(tcp.TimeWait)}) {
			if err := c.Destroy(t.Context(), &tw); errors.Is(err, errors.ErrUnsupported) != nstest.Before(t, 6, 0) || err != nil && !nstest.Before(t, 6, 0) {
				t.Errorf("destroy %v: %v", orphan.Subject, err)
			}
		}
		var freed tcp.Socket
		if err := events.Receive(t.Context(), &freed); err != nil || freed.State != tcp.Closed || freed.Inode != 0 {
			t.Errorf("event %v ino %d, %v; want a closed socket", freed.State, freed.Inode, err)
		}
	})
}

// TestKernel_each: looked up and destroyed by the dozen, each socket has the same fate as alone, and no other is touched.
func TestKernel_each(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		nstest.ManyCloseWait(t, 100)
		c := open(t)
		all := dump(t, c, inetdiag.Query{States: tcp.SetOf(tcp.CloseWait)})
		there := func(sockets []*tcp.Socket) (n int) {
			if err := c.GetEach(t.Context(), sockets, inetdiag.WithInfo, func(i int, found *tcp.Socket, err error) {
				switch {
				case err == nil && found.Cookie == sockets[i].Cookie && found.State == tcp.CloseWait && found.Info.Known():
					n++
				case !errors.Is(err, fs.ErrNotExist):
					t.Errorf("socket %d: %+v, %v", i, found, err)
				}
			}); err != nil {
				t.Error(err)
			}
			return n
		}
		var named, spared []*tcp.Socket
		for i := range all {
			s := all[i]
			if i%3 == 0 {
				s.Cookie++ // another connection's
			}
			if named = append(named, &s); i%3 == 0 {
				spared = append(spared, &all[i])
			}
		}
		if n := there(named); n != len(all)-len(spared) {
			t.Errorf("%d of %d are found, %d have another cookie", n, len(all), len(spared))
		}
		destroyed := 0
		if err := c.DestroyEach(t.Context(), named, func(i int, err error) {
			if err == nil {
				destroyed++
			} else if i%3 != 0 || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("socket %d: %v", i, err)
			}
		}); err != nil || destroyed != len(all)-len(spared) {
			t.Errorf("%d destroyed, %v", destroyed, err)
		}
		if named, spared := there(named), there(spared); named != 0 || spared != 34 {
			t.Errorf("of those named %d are left, of the others %d", named, spared)
		}
	})
}

// TestKernel_allocations: the number of allocations of a dump does not depend on the number of sockets.
func TestKernel_allocations(t *testing.T) {
	nstest.Require(t)
	count := func(n int) (allocations float64, sockets int) {
		nstest.New(t).Do(func() {
			nstest.ManyCloseWait(t, n)
			c := open(t)
			dump := func() {
				stats, err := c.Dump(t.Context(), inetdiag.Query{Extensions: inetdiag.WithInfo}, func(*tcp.Socket) error { return nil })
				if err != nil {
					t.Fatal(err)
				}
				sockets = stats.Sockets
			}
			allocations = testing.AllocsPerRun(5, dump)
			for range 4 { // those of the rest of the program are counted as well
				allocations = min(allocations, testing.AllocsPerRun(5, dump))
			}
		})
		return allocations, sockets
	}
	few, _ := count(10)
	many, sockets := count(3000)
	if many != few || sockets < 3000 {
		t.Errorf("%v allocations for 10 sockets, %v for %d", few, many, sockets)
	}
}

func BenchmarkDump(b *testing.B) {
	nstest.Require(b)
	nstest.New(b).Do(func() {
		nstest.ManyCloseWait(b, 8000)
		c := open(b)
		sockets := 0
		b.ReportAllocs()
		for b.Loop() {
			stats, err := c.Dump(b.Context(), inetdiag.Query{Extensions: inetdiag.WithInfo}, func(*tcp.Socket) error { return nil })
			if err != nil {
				b.Fatal(err)
			}
			sockets = stats.Sockets
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*max(sockets, 1)), "ns/socket")
	})
}

// TestRecord takes the seeds of the fuzz targets from the kernel when asked to.
func TestRecord(t *testing.T) {
	if !golden.Update() {
		t.Skip("records only with -update")
	}
	nstest.Require(t)
	for _, fam := range nstest.Families() {
		nstest.New(t).Do(func() {
			for _, scene := range nstest.Scenes() {
				scene.Build(t, fam)
			}
			c := open(t)
			if err := inetdiag.Record(c, cmp.Or(fam.String(), "any"), everything); err != nil {
				t.Fatal(err)
			}
		})
	}
}
