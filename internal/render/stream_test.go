package render

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// BenchmarkSocketTSV_streamed writes rows that a dump hands over one by one: all of tcp_info, no owners, and the socket still in the cache.
func BenchmarkSocketTSV_streamed(b *testing.B) {
	row := someRows(1)[0]
	row.Holders, row.Processes, row.Code, row.Cause = nil, nil, "", ""
	for f := range tcp.Fields() {
		if !row.Socket.Info.Has(f) {
			row.Socket.Info.Put(f, 0)
		}
	}
	row.Socket.Info.Put(tcp.LastDataRecv, 1_801_244)
	row.Socket.Info.Put(tcp.LastDataSent, 1_801_243)
	row.Age = look.Age{Time: 1_801_244 * time.Millisecond, Kind: look.AgeAbout}
	t := NewSocketTSV(discard{}, false)
	b.ReportAllocs()
	for b.Loop() {
		if err := t.Row(&row); err != nil {
			b.Fatal(err)
		}
	}
}
