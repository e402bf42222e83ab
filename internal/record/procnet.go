package record

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/closewait/closewait/tcp"
)

// isRowNumber reports whether a word is the "0:" in front of a row of /proc/net/tcp.
func isRowNumber(word string) bool {
	n, ok := strings.CutSuffix(word, ":")
	return ok && digits(n)
}

// row collects the columns of /proc/net/tcp, noting when one is not what it should be.
type row struct {
	words
	bad bool
}

func (r *row) number(limit uint64) uint64 {
	n, ok := number(r.next(), limit)
	r.bad = r.bad || !ok
	return n
}

func (r *row) hex(limit uint64) uint64 {
	n, ok := hex(r.next())
	r.bad = r.bad || !ok || n > limit
	return n
}

// hexes reads two numbers with a colon between.
func (r *row) hexes() (uint64, uint64) {
	one, two, _ := strings.Cut(r.next(), ":")
	a, ok := hex(one)
	b, also := hex(two)
	r.bad = r.bad || !ok || !also
	return a, b
}

// proc reads a row of /proc/net/tcp or tcp6 after its number (get_tcp4_sock, get_tcp6_sock): local remote st tx:rx tr:when retrnsmt uid timeout inode refs pointer
// [rto ato quick/pingpong cwnd ssthresh].
func (p *parser) proc(w words) {
	p.enter(procFormat)
	r := row{words: w}
	s, d := tcp.Socket{}, Detail{StateKnown: true, AddressKnown: true, QueuesKnown: true, TimerKnown: true, UIDKnown: true, InodeKnown: true}
	s.Local, s.Peer = r.address(), r.address()
	s.State = tcp.State(r.hex(uint64(tcp.NewSynRecv)))
	send, receive := r.hexes()
	kind, when := r.hexes()
	c := counts{retransmits: uint8(r.hex(math.MaxUint8))}
	s.UID = uint32(r.number(math.MaxUint32))
	c.probes = uint8(r.number(math.MaxUint8))
	s.Inode = uint32(r.number(math.MaxUint32))
	switch {
	case r.bad || kind > math.MaxUint8 || s.Local.Addr().Is4() != s.Peer.Addr().Is4():
		p.skip("a column of /proc/net/tcp is missing or not what it should be")
		return
	case s.State == 0 || s.State == tcp.Closed:
		p.skip("a state that is not known")
		return
	case s.State == tcp.NewSynRecv:
		s.State = tcp.SynReceived
	}
	s.Family = tcp.IPv6
	if s.Local.Addr().Is4() {
		s.Family = tcp.IPv4
	}
	s.SendQueue, s.RecvQueue = uint32(send), uint32(receive)
	s.Timer.Kind = tcp.TimerKind(kind)
	if s.Timer.Kind != tcp.TimerNone {
		d.Expires = tick
		s.Timer.Expires = sooner(time.Duration(min(when, math.MaxUint32)) * tick)
	}
	c.put(&s)
	r.tail(&s, &d)
	p.section.shown.timers, p.section.shown.inodes, p.section.shown.users = true, true, true
	p.add(&s, &d, mark{})
}

// tail reads the columns that only full sockets have. Listeners have others in the same places.
func (r *row) tail(s *tcp.Socket, d *Detail) {
	r.next() // references
	r.next() // pointer, hidden or hashed by all but old kernels
	rto, ok := number(r.next(), math.MaxUint32/10_000)
	ato, also := number(r.next(), math.MaxUint32/10_000)
	r.next()
	cwnd, counted := number(r.next(), math.MaxUint32)
	threshold := r.next()
	if !ok || !also || !counted || s.State == tcp.Listen || !s.Info.Known() {
		return
	}
	const unit = uint64(tick / time.Microsecond)
	s.Info.Put(tcp.RTO, rto*unit)
	s.Info.Put(tcp.ATO, ato*unit)
	s.Info.Put(tcp.SndCwnd, cwnd)
	d.RTO = tick
	if n, ok := number(threshold, math.MaxUint32); ok {
		s.Info.Put(tcp.SndSSThresh, n)
	}
}

// address reads 0100007F:1F90: the address as 32-bit words that the kernel prints as numbers, so that each is reversed on little-endian machines, which are
// taken for granted, and the port as a number.
func (r *row) address() tcp.Endpoint {
	host, port, _ := strings.Cut(r.next(), ":")
	n, ok := hex(port)
	if !ok || n > math.MaxUint16 || len(host) != 8 && len(host) != 32 {
		r.bad = true
		return tcp.Endpoint{}
	}
	var raw [16]byte
	for i := 0; i < len(host); i += 8 {
		word, ok := hex(host[i : i+8])
		r.bad = r.bad || !ok
		binary.LittleEndian.PutUint32(raw[i/2:], uint32(word))
	}
	addr := netip.AddrFrom16(raw)
	if len(host) == 8 {
		addr = netip.AddrFrom4([4]byte(raw[:4]))
	}
	return tcp.EndpointFrom(addr, uint16(n))
}
