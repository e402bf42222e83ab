package filter_test

import (
	"net/netip"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// randomRow draws a row such as a look can produce: listeners have no peer, mini sockets have neither inode nor tcp_info, and so on.
func randomRow() *rapid.Generator[*look.Row] {
	return rapid.Custom(func(t *rapid.T) *look.Row {
		s := randomSocket(t)
		row := &look.Row{
			Socket: s,
			Netns: rapid.SampledFrom([]*look.Namespace{nil, {Inode: 4026531840, Name: "host"}, {Inode: 4026532999, Name: "blue"}, {Inode: 7}}).
				Draw(t, "netns"),
			Age:  look.Age{Time: randomTime(t), Kind: rapid.SampledFrom([]look.AgeKind{0, 1, 2, 3}).Draw(t, "age kind")},
			Ends: forecast.Ends{Kind: rapid.SampledFrom([]forecast.Kind{0, 1, 2}).Draw(t, "ends kind"), Best: randomTime(t)},
		}
		if rapid.Bool().Draw(t, "stuck") {
			row.Cause, row.Code, row.Severity = "leak", "CW101", rapid.SampledFrom([]string{"info", "warning", "critical"}).Draw(t, "severity")
		}
		randomHolders(t, row)
		return row
	})
}

func randomTime(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 5 * time.Minute, 3 * time.Hour, 50 * time.Hour}).Draw(t, "time")
}

func randomSocket(t *rapid.T) *tcp.Socket {
	s := &tcp.Socket{
		Family:    rapid.SampledFrom([]tcp.Family{tcp.IPv4, tcp.IPv6}).Draw(t, "family"),
		State:     rapid.SampledFrom([]tcp.State{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13}).Draw(t, "state"),
		Interface: rapid.Uint32Range(0, 3).Draw(t, "interface"),
		Cookie:    tcp.Cookie(rapid.Uint64Range(0, 30).Draw(t, "cookie")),
		Inode:     rapid.Uint32Range(0, 3).Draw(t, "inode"),
		UID:       rapid.SampledFrom([]uint32{0, 33, 1000}).Draw(t, "uid"),
		RecvQueue: rapid.SampledFrom([]uint32{0, 1, 4096, 1 << 21}).Draw(t, "recvq"),
		SendQueue: rapid.SampledFrom([]uint32{0, 1, 4096, 1 << 21}).Draw(t, "sendq"),
		Timer:     tcp.Timer{Kind: rapid.SampledFrom([]tcp.TimerKind{0, 1, 2, 4, 5}).Draw(t, "timer"), Count: rapid.Byte().Draw(t, "count")},
	}
	mapped := s.Family == tcp.IPv6 && rapid.Bool().Draw(t, "mapped")
	s.Local, s.Peer = tcp.EndpointOf(randomEnd(t, s.Family, mapped)), tcp.EndpointOf(randomEnd(t, s.Family, mapped))
	if s.State == tcp.Listen || s.State == tcp.Closed || s.State == tcp.Bound {
		s.Peer = tcp.EndpointFrom(netip.IPv6Unspecified(), 0)
		if s.Family == tcp.IPv4 {
			s.Peer = tcp.EndpointFrom(netip.IPv4Unspecified(), 0)
		}
	}
	if rapid.Bool().Draw(t, "has mark") {
		s.Sent |= tcp.HasMark
		s.Extend().Mark = rapid.Uint32Range(0, 5).Draw(t, "mark")
	}
	if rapid.Bool().Draw(t, "has cgroup") {
		s.Sent |= tcp.HasCgroup
		s.Extend().CgroupID = rapid.Uint64Range(0, 3).Draw(t, "cgroup")
	}
	if rapid.Bool().Draw(t, "info") {
		for _, f := range []tcp.Field{tcp.Retransmits, tcp.Probes, tcp.Backoff, tcp.RTO, tcp.Unacked, tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv, tcp.RTT} {
			s.Info.Put(f, rapid.SampledFrom([]uint64{0, 1, 3, 200, 200_000}).Draw(t, f.String()))
		}
	}
	if s.State == tcp.TimeWait || s.State == tcp.FinWait2 && rapid.Bool().Draw(t, "mini") {
		s.Timer, s.Inode, s.UID, s.Info = tcp.Timer{Kind: tcp.TimerTimeWait}, 0, 0, tcp.Info{}
	}
	return s
}

func randomEnd(t *rapid.T, family tcp.Family, mapped bool) netip.AddrPort {
	texts := []string{"10.0.0.1", "10.1.2.3", "127.0.0.1", "0.0.0.0", "203.0.113.9"}
	if family == tcp.IPv6 && !mapped {
		texts = []string{"::1", "::", "2001:db8::1", "2001:db8:1::", "fe80::1"}
	}
	addr := netip.MustParseAddr(rapid.SampledFrom(texts).Draw(t, "address"))
	if mapped {
		addr = netip.AddrFrom16(addr.As16())
	}
	return netip.AddrPortFrom(addr, rapid.SampledFrom([]uint16{0, 22, 80, 443, 1024, 8080, 65535}).Draw(t, "port"))
}

func randomHolders(t *rapid.T, row *look.Row) {
	switch rapid.IntRange(0, 3).Draw(t, "holders") {
	case 1:
		row.Holders = []look.Holder{}
	case 2:
		row.Holders = []look.Holder{{PID: 1, FD: 3}}
	case 3:
		row.Holders = []look.Holder{{PID: 123, FD: 3}, {PID: 124, FD: 3}}
		row.Processes = []*look.Process{{PID: 123, Comm: "nginx", Workload: look.Workload{Name: "nginx", Unit: "nginx.service", Kind: look.KindUnit}}}
		if rapid.Bool().Draw(t, "second") {
			row.Processes = append(row.Processes, &look.Process{PID: 124, Comm: "java",
				Workload: look.Workload{Name: "cart", Kind: look.KindPod, Pod: "shop/cart-1", ContainerID: "3f2a9c1bdeadbeef"}})
		}
	}
}
