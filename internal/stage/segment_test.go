package stage_test

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/closewait/closewait/internal/stage"
)

// packets are a SYN over IPv4 and data with a FIN over IPv6, from loopback.
var packets = []struct {
	hex  string
	want stage.Segment
}{
	{
		"4500003c1c4640004006204e7f0000017f000001d4311f90000000640000000aa002ffd7fe300000020405b40402080a0000000000000000010303070000000000000000",
		stage.Segment{From: netip.MustParseAddrPort("127.0.0.1:54321"), To: netip.MustParseAddrPort("127.0.0.1:8080"), Seq: 100, Ack: 10, Window: 0xffd7, SYN: true},
	},
	{
		"6000000000170640000000000000000000000000000000010000000000000000000000000000000100500051000000010000000250190200" + "00000000616263",
		stage.Segment{From: netip.MustParseAddrPort("[::1]:80"), To: netip.MustParseAddrPort("[::1]:81"), Seq: 1, Ack: 2, Window: 0x200, Len: 3, FIN: true, ACK: true, PSH: true},
	},
}

func TestDecodeSegment(t *testing.T) {
	for _, p := range packets {
		raw, err := hex.DecodeString(p.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := stage.DecodeSegment(raw)
		if !ok || got != p.want {
			t.Errorf("%v %+v\nwant %+v", ok, got, p.want)
		}
		for n := range raw {
			if s, ok := stage.DecodeSegment(raw[:n]); ok && s != p.want {
				t.Errorf("cut to %d bytes: %+v", n, s)
			}
		}
	}
	if got := packets[1].want.Flags(); got != "FP." {
		t.Errorf("flags %q", got)
	}
}

func FuzzDecodeSegment(f *testing.F) {
	for _, p := range packets {
		raw, _ := hex.DecodeString(p.hex)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, ok := stage.DecodeSegment(raw); ok && (s.Len < 0 || s.Len > 1<<16 || !s.From.IsValid()) {
			t.Errorf("%+v", s)
		}
	})
}
