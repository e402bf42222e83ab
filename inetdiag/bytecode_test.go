package inetdiag

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/tcp"
)

// run is inet_diag_bc_run written again for tests: what the kernel makes of a program. It refuses, as inet_diag_bc_audit does, jumps that lead
// backwards, beyond the end or between operations.
func run(t interface{ Fatalf(string, ...any) }, code []byte, s *tcp.Socket) bool {
	starts := map[int]bool{len(code): true, len(code) + opSize: true}
	for at := 0; at < len(code); at += int(code[at+1]) {
		starts[at] = true
		if code[at+1] < opSize || at+int(code[at+1]) > len(code) {
			t.Fatalf("operation at %d has length %d in %d", at, code[at+1], len(code))
		}
	}
	at := 0
	for at < len(code) {
		no := at + int(binary.NativeEndian.Uint16(code[at+2:]))
		if no <= at || !starts[no] {
			t.Fatalf("operation at %d jumps to %d of %d", at, no, len(code))
		}
		if holds(code[at], code[at+opSize:], s) {
			at += int(code[at+1])
		} else {
			at = no
		}
	}
	return at == len(code)
}

func holds(op byte, arg []byte, s *tcp.Socket) bool {
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(arg[at:]) }
	port := func() uint16 { return binary.NativeEndian.Uint16(arg[2:]) }
	switch op {
	case opSrcAtLeast:
		return s.Local.Port() >= port()
	case opSrcAtMost:
		return s.Local.Port() <= port()
	case opDstAtLeast:
		return s.Peer.Port() >= port()
	case opDstAtMost:
		return s.Peer.Port() <= port()
	case opDevice:
		return s.Interface == word(0)
	case opMark:
		return s.More().Mark&word(4) == word(0)
	case opCgroup:
		return s.More().CgroupID == binary.NativeEndian.Uint64(arg)
	case opAutoBound:
		return true
	case opSrcHost:
		return holdsHost(arg, s, s.Local)
	case opDstHost:
		return holdsHost(arg, s, s.Peer)
	}
	return false // opJump
}

func holdsHost(arg []byte, s *tcp.Socket, end tcp.Endpoint) bool {
	family, bits := tcp.Family(arg[0]), int(arg[1])
	if port := binary.NativeEndian.Uint32(arg[4:]); port != anyPort && uint16(port) != end.Port() {
		return false
	}
	addr := end.Addr().AsSlice()
	if family != 0 && family != s.Family {
		if s.Family != tcp.IPv6 || family != tcp.IPv4 || !end.Addr().Is4In6() {
			return false
		}
		addr = addr[12:]
	}
	for i := range bits {
		if (addr[i/8]^arg[8+i/8])&(0x80>>(i%8)) != 0 {
			return false
		}
	}
	return true
}

func drawAddr(t *rapid.T, label string) netip.Addr {
	// Few values, so that conditions and sockets meet.
	return rapid.SampledFrom([]netip.Addr{
		netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::"),
		netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:8000::2"),
	}).Draw(t, label)
}

func drawSocket(t *rapid.T) *tcp.Socket {
	s := &tcp.Socket{Family: tcp.IPv4}
	local, peer := drawAddr(t, "local"), drawAddr(t, "peer")
	if !local.Is4() || !peer.Is4() {
		s.Family = tcp.IPv6
		local, peer = netip.AddrFrom16(local.As16()), netip.AddrFrom16(peer.As16())
	}
	port := rapid.Uint16Range(0, 3)
	s.Local, s.Peer = tcp.EndpointFrom(local, port.Draw(t, "sport")), tcp.EndpointFrom(peer, port.Draw(t, "dport"))
	s.Interface, s.Extend().Mark = rapid.Uint32Range(0, 2).Draw(t, "dev"), rapid.Uint32Range(0, 3).Draw(t, "mark")
	s.Extend().CgroupID = rapid.Uint64Range(0, 2).Draw(t, "cgroup")
	return s
}

// DrawCondition draws a condition about what some of the sockets have, or nearly have.
func DrawCondition(t *rapid.T, depth int, sockets []tcp.Socket) tcp.Condition {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 {
		kind = 3 + kind%5
	}
	s := &sockets[rapid.IntRange(0, len(sockets)-1).Draw(t, "of")]
	side, end := tcp.LocalSide, s.Local
	if rapid.Bool().Draw(t, "peer") {
		side, end = tcp.PeerSide, s.Peer
	}
	switch kind {
	case 0, 1:
		var list []tcp.Condition
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			list = append(list, DrawCondition(t, depth-1, sockets))
		}
		if kind == 0 {
			return tcp.And(list)
		}
		return tcp.Or(list)
	case 2:
		return tcp.Not{Condition: DrawCondition(t, depth-1, sockets)}
	case 3:
		addr := end.Addr().Unmap()
		return tcp.Prefix{Side: side, Prefix: netip.PrefixFrom(addr, rapid.IntRange(0, addr.BitLen()).Draw(t, "bits"))}
	case 4:
		return tcp.Device{Index: s.Interface ^ rapid.Uint32Range(0, 1).Draw(t, "another")}
	case 5:
		return tcp.Mark{Value: s.More().Mark ^ rapid.Uint32Range(0, 1).Draw(t, "another"), Mask: rapid.Uint32Range(0, 3).Draw(t, "mask")}
	case 6:
		return tcp.Cgroup{ID: s.More().CgroupID ^ rapid.Uint64Range(0, 1).Draw(t, "another")}
	}
	near := end.Port() + uint16(rapid.IntRange(-1, 1).Draw(t, "near")) //nolint:gosec // wraps around
	return tcp.Port{Side: side, Is: tcp.Comparison(rapid.IntRange(0, 2).Draw(t, "is")), Port: near}
}

// agrees: the kernel's interpreter and Match decide alike, whatever the condition and the socket.
func agrees(t *rapid.T) {
	sockets := []tcp.Socket{*drawSocket(t), *drawSocket(t)}
	c := DrawCondition(t, 4, sockets)
	code, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sockets {
		if got, want := run(t, code, &sockets[i]), c.Match(&sockets[i]); got != want {
			t.Fatalf("bytecode % x says %v, Match %v", code, got, want)
		}
	}
}

func TestCompile_agrees(t *testing.T) { rapid.Check(t, agrees) }

func FuzzCompile(f *testing.F) { f.Fuzz(rapid.MakeFuzz(agrees)) }

func TestCompile_errors(t *testing.T) {
	if _, err := Compile(tcp.Prefix{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("invalid prefix: %v", err)
	}
	many := slices.Repeat(tcp.Or{tcp.Port{Port: 1}}, 6000)
	if _, err := Compile(many); !errors.Is(err, ErrTooLarge) {
		t.Errorf("6000 ports: %v", err)
	}
	if code, err := Compile(nil); code != nil || err != nil {
		t.Errorf("nil: % x, %v", code, err)
	}
}
