package look_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

func keepalive(local, peer string) tcp.Socket {
	return tcp.Socket{
		Family: tcp.IPv4, State: tcp.CloseWait, Inode: 7, Local: netip.MustParseAddrPort(local), Peer: netip.MustParseAddrPort(peer),
		Timer: tcp.Timer{Kind: tcp.TimerKeepalive, Expires: 9 * time.Second},
	}
}

// TestForecaster_peerForgot: on the loopback it can be seen that the other end is gone, so the next probe is answered by a reset.
func TestForecaster_peerForgot(t *testing.T) {
	ours, other := keepalive("127.0.0.1:80", "127.0.0.1:5121"), keepalive("127.0.0.1:5121", "127.0.0.1:80")
	other.State, other.Timer = tcp.FinWait2, tcp.Timer{}
	far := keepalive("192.0.2.1:80", "198.51.100.7:5121")
	tests := []struct {
		name    string
		sockets []tcp.Socket
		pasted  bool
		want    forecast.Kind
	}{
		{"the other end is there", []tcp.Socket{ours, other}, false, forecast.Unknown},
		{"it is gone", []tcp.Socket{ours}, false, forecast.At},
		{"it is on another host", []tcp.Socket{far}, false, forecast.Unknown},
		{"a text may not show it", []tcp.Socket{ours}, true, forecast.Unknown},
	}
	for _, test := range tests {
		s := &look.Snapshot{Namespaces: []look.Namespace{{Sockets: test.sockets, Pasted: test.pasted, Sysctls: map[string]int64{}}}}
		ends := s.Forecaster(&s.Namespaces[0]).Ends(0)
		if ends.Kind != test.want || test.want == forecast.At && (ends.Error != "EPIPE" || ends.Earliest < 8900*time.Millisecond) {
			t.Errorf("%s: %+v", test.name, ends)
		}
	}
}

func TestForecaster_blur(t *testing.T) {
	s := keepalive("192.0.2.1:80", "198.51.100.7:5121")
	s.Timer = tcp.Timer{Kind: tcp.TimerTimeWait, Expires: 40 * time.Second}
	s.State, s.Inode = tcp.TimeWait, 0
	exact := &look.Snapshot{Namespaces: []look.Namespace{{Sockets: []tcp.Socket{s}}}}
	cut := &look.Snapshot{Namespaces: []look.Namespace{{Sockets: []tcp.Socket{s}, Blur: []time.Duration{time.Second}}}}
	a, b := exact.Forecaster(&exact.Namespaces[0]).Ends(0), cut.Forecaster(&cut.Namespaces[0]).Ends(0)
	if b.Earliest != a.Earliest || b.Latest != a.Latest+time.Second {
		t.Errorf("exact %v-%v, cut off %v-%v", a.Earliest, a.Latest, b.Earliest, b.Latest)
	}
}
