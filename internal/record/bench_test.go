package record_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/record"
)

const benchSockets = 10_000

func bench(b *testing.B, line string) {
	b.Helper()
	var text strings.Builder
	for i := range benchSockets {
		fmt.Fprintf(&text, line, i/256, i%256)
	}
	lines := strings.Count(text.String(), "\n")
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, source, err := record.Parse(strings.NewReader(text.String()), time.Time{}, record.Limits{}); err != nil || source.Sockets != benchSockets {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkParse_ss(b *testing.B) {
	bench(b, "ESTAB      0      0          127.0.0.1:8080     10.0.%d.%d:36522 timer:(keepalive,119min,0) ino:2333868 sk:825c8 cgroup:/ <->\n"+
		"\t ts sack bbr wscale:10,10 rto:204 rtt:0.031/0.015 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:10 segs_in:2 bbr:(bw:0bps,mrtt:0.031) send 84562580645bps lastsnd:112 lastrcv:112 lastack:112 "+
		"pacing_rate 241667296016bps delivered:1 app_limited rcv_space:65483 rcv_ssthresh:65483 minrtt:0.031 snd_wnd:65536\n")
}

func BenchmarkParse_netstat(b *testing.B) {
	bench(b, "tcp        3      0 127.0.0.1:8080          10.0.%d.%d:41176         CLOSE_WAIT  1534/python3         keepalive (7199.70/0/0)\n")
}

func BenchmarkParse_proc(b *testing.B) {
	bench(b, "   3: 0100007F:1F90 %02X%02X000A:A0D8 08 000003E8:00000003 01:00002B4C 0000000D    33        0 2347887 2 000000000917973a 12000 4 28 1 7\n")
}
