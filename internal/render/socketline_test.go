package render

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// TestAppendSocketLine: the quick way writes what the columns write, whatever the socket.
func TestAppendSocketLine(t *testing.T) {
	same := func(t interface{ Errorf(string, ...any) }, r *look.Row) {
		if got, want := string(newSocketLine().append(nil, r)), string(appendRow(nil, r, socketColumns)); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	for _, r := range mixedRows() {
		same(t, &r)
	}
	rapid.Check(t, func(t *rapid.T) { same(t, drawRow(t)) })
}

func drawRow(t *rapid.T) *look.Row {
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "us")) * time.Microsecond
	})
	addr := rapid.SampledFrom([]netip.AddrPort{
		{}, netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("[2001:db8::1]:65535"), netip.MustParseAddrPort("[::ffff:10.0.0.3]:1"),
		netip.MustParseAddrPort("0.0.0.0:0"), netip.MustParseAddrPort("[fe80::1]:22"),
	})
	s := &tcp.Socket{
		State: tcp.State(rapid.IntRange(0, 15).Draw(t, "state")), Local: tcp.EndpointOf(addr.Draw(t, "local")), Peer: tcp.EndpointOf(addr.Draw(t, "peer")),
		Timer:  tcp.Timer{Kind: tcp.TimerKind(rapid.IntRange(0, 7).Draw(t, "timer")), Count: rapid.Uint8().Draw(t, "count"), Expires: duration.Draw(t, "expires")},
		Cookie: tcp.Cookie(rapid.Uint64().Draw(t, "cookie")), Inode: rapid.Uint32().Draw(t, "inode"), UID: rapid.Uint32().Draw(t, "uid"),
		RecvQueue: rapid.Uint32().Draw(t, "recvq"), SendQueue: rapid.Uint32().Draw(t, "sendq"),
	}
	for range rapid.IntRange(0, 12).Draw(t, "fields") {
		s.Info.Put(tcp.Field(rapid.IntRange(0, int(tcp.ReceivedCEBytes)).Draw(t, "field")), rapid.Uint64().Draw(t, "value"))
	}
	r := &look.Row{
		Socket: s, Age: look.Age{Time: duration.Draw(t, "age"), Kind: look.AgeKind(rapid.IntRange(0, 3).Draw(t, "age kind"))},
		Ends: forecast.Ends{Kind: forecast.Kind(rapid.IntRange(0, 2).Draw(t, "ends")), Best: duration.Draw(t, "best")},
		Code: rapid.SampledFrom([]string{"", "CW101", "-"}).Draw(t, "code"), Cause: rapid.SampledFrom([]string{"", "leak", "a\tb"}).Draw(t, "cause"),
	}
	if rapid.Bool().Draw(t, "netns") {
		r.Netns = &look.Namespace{Inode: 4026531840, Name: rapid.SampledFrom([]string{"", "host", "\x1b[31m"}).Draw(t, "name")}
	}
	for range rapid.IntRange(0, 3).Draw(t, "holders") {
		r.Holders = append(r.Holders, look.Holder{PID: rapid.IntRange(1, 1<<22).Draw(t, "pid"), FD: rapid.IntRange(0, 1<<20).Draw(t, "fd")})
		r.Processes = append(r.Processes, &look.Process{Comm: rapid.String().Draw(t, "comm")})
	}
	if r.Holders == nil && rapid.Bool().Draw(t, "sought") {
		r.Holders = []look.Holder{}
	}
	return r
}

func BenchmarkSocketTSV(b *testing.B) {
	rows := someRows(20000)
	b.ReportAllocs()
	for b.Loop() {
		t := NewSocketTSV(discard{}, false)
		for i := range rows {
			if err := t.Row(&rows[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
