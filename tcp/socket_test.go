package tcp_test

import (
	"net/netip"
	"testing"

	"github.com/closewait/closewait/tcp"
)

func TestCookie(t *testing.T) {
	for _, c := range []tcp.Cookie{0, 1, 0x1a2f, tcp.NoCookie} {
		if got, err := tcp.ParseCookie(c.String()); err != nil || got != c {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	if _, err := tcp.ParseCookie("biscuit"); err == nil {
		t.Error("a biscuit is a cookie")
	}
}

func TestSocket_kinds(t *testing.T) {
	tests := []struct {
		socket                   tcp.Socket
		orphan, unaccepted, mini bool
	}{
		{tcp.Socket{State: tcp.CloseWait, Inode: 7}, false, false, false},
		{tcp.Socket{State: tcp.CloseWait}, false, true, false},
		{tcp.Socket{State: tcp.Established}, false, true, false},
		{tcp.Socket{State: tcp.LastAck}, true, false, false},
		{tcp.Socket{State: tcp.LastAck, Inode: 7}, false, false, false},
		{tcp.Socket{State: tcp.FinWait2, Timer: tcp.Timer{Kind: tcp.TimerTimeWait}}, true, false, true},
		{tcp.Socket{State: tcp.TimeWait, Timer: tcp.Timer{Kind: tcp.TimerTimeWait}}, false, false, true},
		{tcp.Socket{State: tcp.SynReceived}, false, false, false},
		{tcp.Socket{State: tcp.Listen, Inode: 7}, false, false, false},
	}
	for _, test := range tests {
		s := &test.socket
		if s.Orphan() != test.orphan || s.Unaccepted() != test.unaccepted || s.Mini() != test.mini {
			t.Errorf("%v inode %d: orphan %v unaccepted %v mini %v", s.State, s.Inode, s.Orphan(), s.Unaccepted(), s.Mini())
		}
	}
}

func TestTuple_bothEnds(t *testing.T) {
	four := tcp.Socket{Family: tcp.IPv4, Local: tcp.MustParseEndpoint("127.0.0.1:80"), Peer: tcp.MustParseEndpoint("127.0.0.1:5121")}
	mapped := tcp.Socket{Family: tcp.IPv6, Local: tcp.MustParseEndpoint("[::ffff:127.0.0.1]:5121"), Peer: tcp.MustParseEndpoint("[::ffff:127.0.0.1]:80")}
	if four.Tuple() != mapped.Tuple().Reverse() {
		t.Errorf("%v is not the reverse of %v", four.Tuple(), mapped.Tuple())
	}
}

func TestName(t *testing.T) {
	for text, want := range map[string]string{"cubic": "cubic", "": "", "sixteen letters!": "sixteen letters!"} {
		var n tcp.Name
		copy(n[:], text)
		if n.String() != want {
			t.Errorf("%q, want %q", n, want)
		}
	}
}

func TestCondition_match(t *testing.T) {
	mapped := &tcp.Socket{
		Family: tcp.IPv6, Local: tcp.MustParseEndpoint("[::ffff:192.0.2.1]:443"), Peer: tcp.MustParseEndpoint("[::ffff:198.51.100.7]:5121"),
		Interface: 2, Extra: &tcp.Extra{Mark: 0x11, CgroupID: 9},
	}
	prefix := func(side tcp.Side, text string) tcp.Condition {
		return tcp.Prefix{Side: side, Prefix: netip.MustParsePrefix(text)}
	}
	tests := []struct {
		condition tcp.Condition
		want      bool
	}{
		{tcp.And{}, true}, {tcp.Or{}, false}, {tcp.Not{Condition: tcp.Or{}}, true}, {tcp.AutoBound{}, true},
		{prefix(tcp.LocalSide, "192.0.2.0/24"), true}, {prefix(tcp.PeerSide, "192.0.2.0/24"), false}, {prefix(tcp.LocalSide, "0.0.0.0/0"), true},
		{prefix(tcp.LocalSide, "::/0"), true}, {prefix(tcp.LocalSide, "2001:db8::/32"), false}, {prefix(tcp.LocalSide, "::ffff:0:0/96"), true},
		{tcp.Port{Port: 443}, true}, {tcp.Port{Side: tcp.PeerSide, Is: tcp.AtLeast, Port: 5121}, true}, {tcp.Port{Is: tcp.AtMost, Port: 442}, false},
		{tcp.Device{Index: 2}, true}, {tcp.Device{}, false}, {tcp.Mark{Value: 1, Mask: 0xf}, true}, {tcp.Mark{Value: 2, Mask: 0xf}, false},
		{tcp.Cgroup{ID: 9}, true}, {tcp.And{tcp.Cgroup{ID: 9}, tcp.Device{}}, false}, {tcp.Or{tcp.Cgroup{ID: 8}, tcp.Device{Index: 2}}, true},
	}
	for _, test := range tests {
		if got := test.condition.Match(mapped); got != test.want {
			t.Errorf("%#v: %v", test.condition, got)
		}
	}
	four := &tcp.Socket{Family: tcp.IPv4, Local: tcp.MustParseEndpoint("192.0.2.1:443")}
	if prefix(tcp.LocalSide, "::/0").Match(four) {
		t.Error("an IPv6 prefix matches an IPv4 socket")
	}
}
