package render

import (
	"bytes"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// someRows makes sockets as a busy host has them.
func someRows(n int) []look.Row {
	host := &look.Namespace{Inode: 4026531840, Name: "host", PID: 1}
	java := &look.Process{PID: 2214, Comm: "java", Workload: look.Workload{Name: "payments-api", Kind: look.KindUnit}}
	rows := make([]look.Row, n)
	for i := range rows {
		s := &tcp.Socket{
			Family: tcp.IPv6, State: tcp.CloseWait, Cookie: tcp.Cookie(0x1a2f + i), Inode: uint32(90000 + i), UID: 1000, RecvQueue: 1,
			Local: tcp.MustParseEndpoint("[::ffff:10.0.0.3]:8080"), Peer: tcp.EndpointFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), uint16(40000+i%20000)),
		}
		s.Info.Put(tcp.RTO, 204000)
		s.Info.Put(tcp.LastAckRecv, 7740000)
		s.Info.Put(tcp.RTT, 340)
		s.Info.Put(tcp.SndWnd, 64256)
		rows[i] = look.Row{
			Socket: s, Netns: host, Holders: []look.Holder{{PID: 2214, FD: 7 + i}}, Processes: []*look.Process{java},
			Age: look.Age{Time: 7740 * time.Second, Kind: look.AgeAbout}, Ends: forecast.Ends{Kind: forecast.Never}, Cause: "leak", Code: "CW101", Severity: "critical",
		}
	}
	return rows
}

// mixedRows has a row of each kind that tables treat in its own way.
func mixedRows() []look.Row {
	rows := someRows(5)
	listen := rows[1].Socket
	listen.State, listen.Local, listen.Peer = tcp.Listen, tcp.MustParseEndpoint("0.0.0.0:80"), tcp.MustParseEndpoint("0.0.0.0:0")
	rows[1].Age, rows[1].Cause, rows[1].Code, rows[1].Severity = look.Age{}, "", "", ""
	last := rows[2].Socket
	last.State, last.Inode, last.Timer = tcp.LastAck, 0, tcp.Timer{Kind: tcp.TimerRetransmit, Count: 13, Expires: 48 * time.Second}
	rows[2].Holders, rows[2].Processes = []look.Holder{}, nil
	rows[2].Ends = forecast.Ends{Kind: forecast.At, Best: 281 * time.Second, Earliest: 280800 * time.Millisecond, Latest: 281200 * time.Millisecond}
	rows[3].Holders, rows[3].Processes, rows[3].Socket.Info = nil, nil, tcp.Info{}
	rows[3].Ends = forecast.Ends{Kind: forecast.At, Best: 6700 * time.Millisecond, Also: 13300 * time.Millisecond}
	rows[3].Netns = &look.Namespace{Inode: 4026532100}
	rows[4].Holders = []look.Holder{{PID: 2214, FD: 7}, {PID: 2299, FD: 7}}
	rows[4].Processes = []*look.Process{rows[4].Processes[0], {PID: 2299, Comm: "a\tb\n\x1b[31m"}}
	return rows
}

func TestTSV_golden(t *testing.T) {
	var b bytes.Buffer
	if err := TSV(&b, mixedRows(), SocketColumns(), true); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "sockets_tsv.golden", b.Bytes())
	for line := range strings.Lines(b.String()) {
		if n := strings.Count(line, "\t"); n != len(SocketColumns())-1 {
			t.Errorf("%d tabs: %q", n, line)
		}
		for _, field := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
			if field == "" {
				t.Errorf("empty field in %q", line)
			}
		}
	}
}

func TestTable_golden(t *testing.T) {
	for name, style := range map[string]Style{
		"40": {Width: 40}, "60": {Width: 60}, "80": {Width: 80}, "120": {Width: 120}, "120_color": {Width: 120, Color: true}, "wide": {}, "ascii": {Width: 120, ASCII: true},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Table(&b, mixedRows(), SocketColumns(), true, style); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "sockets_"+name+".golden", b.Bytes())
		})
	}
}

func TestNames(t *testing.T) {
	var b bytes.Buffer
	if err := TSV(&b, someRows(2), NameColumns(), false); err != nil || b.String() != "0x1a2f\n0x1a30\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestTSV_allocates_a_constant_number_of_times(t *testing.T) {
	few, lots := someRows(10), someRows(5000)
	count := func(rows []look.Row) float64 {
		return testing.AllocsPerRun(5, func() { _ = TSV(io.Discard, rows, socketColumns, false) })
	}
	if a, b := count(few), count(lots); a != b || b > 2 {
		t.Errorf("%v allocations for 10 rows, %v for 5000", a, b)
	}
}

func BenchmarkTSV(b *testing.B) {
	rows := someRows(20000)
	b.ReportAllocs()
	for b.Loop() {
		if err := TSV(io.Discard, rows, socketColumns, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}

func BenchmarkTable(b *testing.B) {
	rows := someRows(20000)
	b.ReportAllocs()
	for b.Loop() {
		if err := Table(io.Discard, rows, socketColumns, true, Style{Width: 120}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
