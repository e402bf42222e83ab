package tcp_test

import (
	"bytes"
	"net/netip"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/tcp"
)

// TestEndpoint holds an Endpoint against the netip.AddrPort that it stands for.
func TestEndpoint(t *testing.T) {
	if size := unsafe.Sizeof(tcp.Endpoint{}); size != 20 {
		t.Errorf("%d bytes", size)
	}
	draw := func(t *rapid.T, name string) netip.AddrPort {
		addr := rapid.SampledFrom([]netip.Addr{
			{}, netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1"),
			netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::192.0.2.1"), netip.MustParseAddr("fe80::1"),
		}).Draw(t, name)
		return netip.AddrPortFrom(addr, rapid.Uint16().Draw(t, name+" port"))
	}
	rapid.Check(t, func(t *rapid.T) {
		want, other := draw(t, "one"), draw(t, "other")
		e := tcp.EndpointOf(want)
		if e.AddrPort() != want || e.Addr() != want.Addr() || e.Port() != want.Port() || e.IsValid() != want.IsValid() || e.String() != want.String() || string(e.AppendTo(nil)) != string(want.AppendTo(nil)) {
			t.Fatalf("%v, want %v", e, want)
		}
		if (e == tcp.EndpointOf(other)) != (want == other) {
			t.Fatalf("%v == %v: %v", want, other, want != other)
		}
		if got := e.Unmap().AddrPort(); got != netip.AddrPortFrom(want.Addr().Unmap(), want.Port()) {
			t.Fatalf("%v unmapped: %v", want, got)
		}
		if want.IsValid() && e.As16() != want.Addr().As16() {
			t.Fatalf("%v as 16 bytes: %v", want, e.As16())
		}
		if octets, ok := e.As4(); ok != want.Addr().Unmap().Is4() || ok && octets != want.Addr().Unmap().As4() {
			t.Fatalf("%v as 4 bytes: %v %v", want, octets, ok)
		}
		b, err := e.MarshalBinary()
		then, _ := want.MarshalBinary()
		var back tcp.Endpoint
		if err != nil || !bytes.Equal(b, then) || back.UnmarshalBinary(b) != nil || back != e {
			t.Fatalf("%v as %x, %v, and back %v; want %x", e, b, err, back, then)
		}
	})
	if e := tcp.MustParseEndpoint("[fe80::1%eth0]:80"); e.String() != "[fe80::1]:80" {
		t.Errorf("with its zone: %v", e)
	}
	var e tcp.Endpoint
	if err := e.UnmarshalBinary([]byte{1, 2, 3}); err == nil {
		t.Errorf("three bytes are read as %v", e)
	}
}
