package probe

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/closewait/closewait/tcp"
)

// shownSize is the size of struct shown in bpf/sockets.c.
const shownSize = 144

// The parts of struct tcp_info that a record has.
const (
	partConnection = 1 << iota
	partTimer
	partTimeouts
)

// decodeShown reads one record; tick is the length of a jiffy. The whole socket is overwritten, and so is the buffer its Info is in.
func decodeShown(b *[shownSize]byte, tick time.Duration, s *tcp.Socket, info *tcp.InfoBuffer) {
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	s.Cookie = tcp.Cookie(binary.NativeEndian.Uint64(b[0:]))
	var local, peer netip.Addr
	if s.Family = tcp.Family(b[44]); s.Family == tcp.IPv6 {
		local, peer = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	} else {
		local, peer = netip.AddrFrom4([4]byte(b[8:12])), netip.AddrFrom4([4]byte(b[24:28]))
	}
	s.Local = tcp.EndpointFrom(local, binary.NativeEndian.Uint16(b[40:]))
	s.Peer = tcp.EndpointFrom(peer, binary.BigEndian.Uint16(b[42:]))
	s.State = tcp.State(b[45])
	s.Timer = tcp.Timer{Kind: tcp.TimerKind(b[46]), Count: b[47]}
	if s.Timer.Kind != tcp.TimerNone {
		s.Timer.Expires = time.Duration(max(0, int32(word(52)))) * tick //nolint:gosec // a difference
	}
	s.Interface, s.RecvQueue, s.SendQueue, s.UID, s.Inode = word(48), word(56), word(60), word(64), word(68)
	info.Load(tcp.Info{})
	if parts := b[72]; parts&partConnection != 0 {
		decodeInfo(b, parts, tick, info)
	}
	s.Info = info.Info()
}

// decodeInfo makes known what a record has of struct tcp_info.
func decodeInfo(b *[shownSize]byte, parts byte, tick time.Duration, info *tcp.InfoBuffer) {
	word := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(b[at:])) }
	since := func(at int) uint64 { return uint64(uint32(word(at) * uint64(tick) / uint64(time.Millisecond))) } //nolint:gosec // cut to 32 bits as the kernel does
	info.Put(tcp.CAState, uint64(b[73]))
	info.Put(tcp.Retransmits, uint64(b[74]))
	info.Put(tcp.Probes, uint64(b[75]))
	info.Put(tcp.Backoff, uint64(b[76]))
	info.Put(tcp.RTO, word(80)*uint64(tick/time.Microsecond))
	info.Put(tcp.RTT, word(84))
	info.Put(tcp.Unacked, word(88))
	info.Put(tcp.NotSentBytes, word(92))
	info.Put(tcp.SndWnd, word(96))
	info.Put(tcp.LastDataSent, since(100))
	info.Put(tcp.LastDataRecv, since(104))
	info.Put(tcp.LastAckRecv, since(108))
	info.Put(tcp.DataSegsOut, word(112))
	if parts&partTimer != 0 {
		info.Put(tcp.RTTVar, word(116))
		info.Put(tcp.SndMSS, word(120))
		info.Put(tcp.SndSSThresh, word(124))
		info.Put(tcp.RcvWnd, word(128))
		info.Put(tcp.TotalRetrans, word(132))
	}
	if parts&partTimeouts != 0 {
		info.Put(tcp.TotalRTOTime, word(136))
		info.Put(tcp.TotalRTO, uint64(binary.NativeEndian.Uint16(b[140:])))
		info.Put(tcp.TotalRTORecoveries, uint64(binary.NativeEndian.Uint16(b[142:])))
	}
}
