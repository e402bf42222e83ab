package cli

import (
	"io"
	"net/netip"
	"testing"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/tcp"
)

// BenchmarkStream brings sockets that have been decoded into a pipe: age, forecast, and the cells of a row.
func BenchmarkStream(b *testing.B) {
	everything, err := filter.Options{}.Parse("")
	if err != nil {
		b.Fatal(err)
	}
	sockets := make([]tcp.Socket, 64)
	for i := range sockets {
		s := &sockets[i]
		s.Family, s.State, s.Cookie, s.Inode, s.RecvQueue = tcp.IPv4, tcp.CloseWait, tcp.Cookie(0x12345+i), uint32(8812345+i), 1
		s.Local, s.Peer = tcp.MustParseEndpoint("127.0.0.1:7001"), tcp.EndpointFrom(netip.MustParseAddr("127.0.0.1"), uint16(32000+37*i))
		s.Info = tcp.MakeInfo(make([]byte, tcp.InfoSize))
		since := uint64(8000 + i/4)
		for f, value := range map[tcp.Field]uint64{
			tcp.RTO: 204_000, tcp.RTT: uint64(14 + i), tcp.SndWnd: 65_536, tcp.LastDataSent: since, tcp.LastDataRecv: since, tcp.LastAckRecv: since,
		} {
			s.Info.Put(f, value)
		}
	}
	rows, passing := render.NewSocketTSV(io.Discard, false), &host.Passing{Snapshot: &look.Snapshot{}, Namespace: &look.Namespace{Inode: 1, Name: "host"}}
	each := eachMatch(everything, new(gate).guard(rows.Row))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		passing.Socket = &sockets[i%len(sockets)]
		if err := each(passing); err != nil {
			b.Fatal(err)
		}
	}
}
