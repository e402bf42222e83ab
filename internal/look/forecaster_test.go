package look_test

import (
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

func keepalive(local, peer string) tcp.Socket {
	return tcp.Socket{
		Family: tcp.IPv4, State: tcp.CloseWait, Inode: 7, Local: tcp.MustParseEndpoint(local), Peer: tcp.MustParseEndpoint(peer),
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

// TestForecaster_ownerUnknown: a text without inodes leaves open whether the limits of orphans hold.
func TestForecaster_ownerUnknown(t *testing.T) {
	s := keepalive("192.0.2.1:80", "198.51.100.7:5121")
	s.State, s.Inode, s.SendQueue = tcp.LastAck, 1<<32-1, 1
	s.Timer = tcp.Timer{Kind: tcp.TimerRetransmit, Count: 3, Expires: time.Second}
	for field, value := range map[tcp.Field]uint64{
		tcp.RTO: 1_632_000, tcp.Backoff: 3, tcp.Unacked: 1, tcp.Retransmits: 3, tcp.SndWnd: 65536, tcp.TotalRTO: 3, tcp.TotalRTORecoveries: 1, tcp.TotalRTOTime: 1_224,
	} {
		s.Info.Put(field, value)
	}
	ends := func(inode uint32) forecast.Ends {
		s.Inode = inode
		shot := &look.Snapshot{Namespaces: []look.Namespace{{Sockets: []tcp.Socket{s}, Pasted: true, Sysctls: map[string]int64{"tcp_retries2": 15, "tcp_orphan_retries": 0}}}}
		return shot.Forecaster(&shot.Namespaces[0]).Ends(0)
	}
	held, orphan, open := ends(7), ends(0), ends(1<<32-1)
	if held.Kind != forecast.At || orphan.Kind != forecast.At || held.Best <= orphan.Best {
		t.Fatalf("held %+v, orphan %+v", held, orphan)
	}
	if open.Earliest != orphan.Earliest || open.Latest != held.Latest || open.Also != orphan.Best {
		t.Errorf("%+v, want from %v to %v", open, orphan.Earliest, held.Latest)
	}
}

// TestForecaster_options: what a socket says of itself counts for more than what its namespace says, and a change that is tried out for more still; except that a value
// that may be the namespace's changes with it.
func TestForecaster_options(t *testing.T) {
	s := keepalive("192.0.2.1:80", "198.51.100.7:5121")
	s.Cookie, s.SendQueue = 9, 1
	s.Timer = tcp.Timer{Kind: tcp.TimerRetransmit, Count: 3, Expires: time.Second}
	for field, value := range map[tcp.Field]uint64{
		tcp.RTO: 1_632_000, tcp.Backoff: 3, tcp.Unacked: 1, tcp.Retransmits: 3, tcp.SndWnd: 65536, tcp.TotalRTO: 3, tcp.TotalRTORecoveries: 1, tcp.TotalRTOTime: 1_224,
	} {
		s.Info.Put(field, value)
	}
	silent := keepalive("192.0.2.1:80", "198.51.100.7:5122")
	silent.Cookie, silent.Timer.Count = 10, 2
	for field, value := range map[tcp.Field]uint64{tcp.RTO: 204_000, tcp.Probes: 2, tcp.LastAckRecv: 250_000, tcp.LastDataRecv: 250_000} {
		silent.Info.Put(field, value)
	}
	own := look.Options{UserTimeout: 40 * time.Second, RTOMax: 120 * time.Second, KeepaliveTime: 100 * time.Second, KeepaliveInterval: 75 * time.Second, KeepaliveProbes: 4}
	probing := own
	probing.UserTimeout = 0
	ends := func(i int, options map[tcp.Cookie]look.Options, changes ...forecast.Change) forecast.Ends {
		shot := &look.Snapshot{Namespaces: []look.Namespace{{Sockets: []tcp.Socket{s, silent}, Options: options, Sysctls: map[string]int64{
			"tcp_retries2": 15, "tcp_keepalive_time": 7200, "tcp_keepalive_intvl": 75, "tcp_keepalive_probes": 9,
		}}}}
		return shot.Forecaster(&shot.Namespaces[0], changes...).Ends(i)
	}
	asked := map[tcp.Cookie]look.Options{9: own, 10: probing}
	change := func(text string) forecast.Change {
		c, err := forecast.ParseChange(text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tests := []struct {
		name     string
		got      forecast.Ends
		by       string
		from, to time.Duration
	}{
		{"not asked", ends(0, nil), forecast.ByRetransmission, 15 * time.Minute, 18 * time.Minute},
		{"asked", ends(0, asked), forecast.ByUserTimeout, 37 * time.Second, 40 * time.Second},
		{"a user timeout tried out", ends(0, asked, change("user_timeout=60000")), forecast.ByUserTimeout, 57 * time.Second, 60 * time.Second},
		{"its own number of probes", ends(1, asked), forecast.ByKeepalive, 150 * time.Second, 170 * time.Second},
		{"the namespace's interval tried out", ends(1, asked, change("tcp_keepalive_intvl=10")), forecast.ByKeepalive, 20 * time.Second, 40 * time.Second},
		{"the namespace's number of probes, which is not its own", ends(1, asked, change("tcp_keepalive_probes=20")), forecast.ByKeepalive, 150 * time.Second, 170 * time.Second},
	}
	if got := ends(1, nil); got.Kind != forecast.Unknown || got.By != forecast.ByKeepalive {
		t.Errorf("keepalive not asked, at intervals that are not the namespace's: %+v", got)
	}
	for _, test := range tests {
		if test.got.Kind != forecast.At || test.got.By != test.by || test.got.Best < test.from || test.got.Best > test.to {
			t.Errorf("%s: %v by %s in %v, want by %s in %v to %v", test.name, test.got.Kind, test.got.By, test.got.Best, test.by, test.from, test.to)
		}
	}
}
