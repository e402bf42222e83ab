package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

func TestSocketJSON(t *testing.T) {
	row := rowsOf(1)[0]
	row.Socket.Peer = tcp.MustParseEndpoint("[::ffff:203.0.113.9]:5121")
	row.Socket.Timer = tcp.Timer{Kind: tcp.TimerRetransmit, Count: 13, Expires: 48250 * time.Millisecond}
	row.Ends = forecast.Ends{
		Kind: forecast.At, Best: 281 * time.Second, Earliest: 280800 * time.Millisecond, Latest: 281200 * time.Millisecond, Also: 300 * time.Second,
		By: "retransmission", Error: "EPIPE", Limit: forecast.Limit{Name: "tcp_retries2", Value: 15, Time: 924600 * time.Millisecond}, Reason: "it is sent again",
	}
	b, err := json.MarshalIndent(socketJSON(&row), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "socket.json", append(b, '\n'))
}

// TestSocketJSON_unknown: what is not known is null, never a zero.
func TestSocketJSON_unknown(t *testing.T) {
	s := &tcp.Socket{Family: tcp.IPv4, State: tcp.Listen, Local: tcp.MustParseEndpoint("0.0.0.0:80"), Peer: tcp.MustParseEndpoint("0.0.0.0:0")}
	b, err := json.MarshalIndent(socketJSON(&look.Row{Socket: s}), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "socket_unknown.json", append(b, '\n'))
	for holders, want := range map[string][]look.Holder{"null": nil, "[]": {}} {
		b, _ := json.Marshal(socketJSON(&look.Row{Socket: s, Holders: want}).Holders)
		if string(b) != holders {
			t.Errorf("%s, want %s", b, holders)
		}
	}
}

// TestAppendSocket_is_what_encoding_json_makes keeps the fast way and the definition together.
func TestAppendSocket_is_what_encoding_json_makes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, number := rapid.OneOf(rapid.Just(""), rapid.String()), rapid.Int64Range(-1, 1<<50)
		length := func() time.Duration { return time.Duration(number.Draw(t, "ns")) }
		r := rowsOf(3)[rapid.IntRange(0, 2).Draw(t, "row")]
		r.Socket.Info = tcp.MakeInfo(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "info"))
		r.Socket.State = tcp.State(rapid.IntRange(0, 14).Draw(t, "state"))
		r.Socket.Inode = rapid.Uint32().Draw(t, "inode")
		r.Socket.Peer = rapid.SampledFrom([]tcp.Endpoint{{}, tcp.MustParseEndpoint("[::ffff:1.2.3.4]:5"), tcp.MustParseEndpoint("[fe80::1]:5"), r.Socket.Peer}).Draw(t, "peer")
		r.Socket.Timer = tcp.Timer{Kind: tcp.TimerKind(rapid.IntRange(0, 9).Draw(t, "timer")), Expires: length()}
		r.Age = look.Age{Time: length(), Kind: look.AgeKind(rapid.IntRange(0, 3).Draw(t, "age"))}
		r.Ends = forecast.Ends{
			Kind: forecast.Kind(rapid.IntRange(0, 2).Draw(t, "kind")), Best: length(), Earliest: length(), Latest: length(), Also: length(), By: name.Draw(t, "by"),
			Error: name.Draw(t, "error"), Reason: name.Draw(t, "reason"), Limit: forecast.Limit{Name: name.Draw(t, "limit"), Value: number.Draw(t, "value"), Time: length()},
		}
		r.Holders = rapid.SampledFrom([][]look.Holder{nil, {}, {{PID: 1, FD: 2}}, {{PID: 2214, FD: 2}, {PID: 2214, FD: 3}}}).Draw(t, "holders")
		r.Processes = rapid.SampledFrom([][]*look.Process{nil, {{PID: 1}}, {{PID: 2214, Comm: name.Draw(t, "comm"), Workload: look.Workload{Name: name.Draw(t, "workload"), Pod: name.Draw(t, "pod")}}}}).Draw(t, "processes")
		r.Netns = rapid.SampledFrom([]*look.Namespace{nil, r.Netns, {Inode: 7, Name: name.Draw(t, "netns")}}).Draw(t, "namespace")
		var want bytes.Buffer
		if err := encoder(&want).Encode(socketJSON(&r)); err != nil {
			t.Fatal(err)
		}
		got := "{" + string(appendSocket(nil, &r)) + "}\n"
		if diff := cmp.Diff(want.String(), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestArrange: however the kernel ordered the sockets, the list is the same.
func TestArrange(t *testing.T) {
	a, b := rowsOf(50), rowsOf(50)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	arrange(a)
	arrange(b)
	for i := range a {
		if a[i].Socket.Cookie != b[i].Socket.Cookie {
			t.Fatalf("row %d differs", i)
		}
	}
	if a[len(a)-1].Severity != "" || a[0].Severity != report.SeverityCritical {
		t.Error("the most urgent are not first")
	}
}

func BenchmarkSocketList(b *testing.B) {
	answer := &Answer{Report: sickReport(), Rows: rowsOf(20000)}
	b.ReportAllocs()
	for b.Loop() {
		if err := writeSocketList(io.Discard, answer); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(answer.Rows)), "ns/row")
}

func BenchmarkArrange(b *testing.B) {
	rows := rowsOf(20000)
	b.ReportAllocs()
	for b.Loop() {
		arrange(rows)
	}
}
