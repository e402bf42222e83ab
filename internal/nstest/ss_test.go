package nstest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/tcp"
	"github.com/google/go-cmp/cmp"
)

const ssText = `State      Recv-Q Send-Q      Local Address:Port        Peer Address:Port Process
LISTEN     0      3            127.0.0.1%lo:56455            0.0.0.0:*     ino:8655 sk:2 cgroup:/ <->
	 bbr cwnd:10
LISTEN     0      5                       *:51303                  *:*     uid:1000 ino:8651 sk:7 cgroup:/a/b.service v6only:0 <->
	 bbr cwnd:10
LISTEN     0      5                    [::]:37565               [::]:*     ino:8654 sk:6 cgroup:unreachable:1f v6only:1 <->
	 skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0) cubic cwnd:10
FIN-WAIT-2 0      0               127.0.0.1:36576          127.0.0.1:51303 timer:(timewait,59sec,0) ino:0 sk:4
	                                   
CLOSE-WAIT 1      0      [::ffff:127.0.0.1]:51303 [::ffff:127.0.0.1]:36576 timer:(on,9.004sec,13) ino:8653 sk:1a2f cgroup:/ --> ts sack cubic wscale:10,10 rto:204 backoff:3 rtt:0.008/0.004 send 327680000000bps lastsnd:12 pacing_rate 936460800000bps/12bps app_limited busy:8ms rwnd_limited:8ms(100.0%) unacked:1 retrans:1/13 notsent:7 bbr:(bw:1bps,mrtt:0.01)
SYN-SENT   0      1      [fe80::1]%eth0:51303 [fe80::2]:36576 timer:(on,,0) ino:1 sk:5 fwmark:0x1f <->
`

func TestParseSS(t *testing.T) {
	got, err := ParseSS(strings.NewReader(ssText))
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort
	want := []SSSocket{
		{
			Family: tcp.IPv4, State: tcp.Listen, SendQueue: 3, Local: at("127.0.0.1:56455"), Peer: at("0.0.0.0:0"), Device: "lo",
			Inode: 8655, Cookie: 2, Cgroup: "/", Info: map[string]string{"congestion": "bbr", "cwnd": "10"},
		},
		{
			Family: tcp.IPv6, State: tcp.Listen, SendQueue: 5, Local: at("[::]:51303"), Peer: at("[::]:0"), UID: 1000,
			Inode: 8651, Cookie: 7, Cgroup: "/a/b.service", Info: map[string]string{"congestion": "bbr", "cwnd": "10", "v6only": "0"},
		},
		{
			Family: tcp.IPv6, State: tcp.Listen, SendQueue: 5, Local: at("[::]:37565"), Peer: at("[::]:0"),
			Inode: 8654, Cookie: 6, Cgroup: "unreachable:1f", Info: map[string]string{
				"congestion": "cubic", "cwnd": "10", "v6only": "1", "skmem": "r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0",
			},
		},
		{
			Family: tcp.IPv4, State: tcp.FinWait2, Local: at("127.0.0.1:36576"), Peer: at("127.0.0.1:51303"), Cookie: 4,
			Timer: SSTimer{tcp.TimerTimeWait, "59sec", 59 * time.Second, 59999 * time.Millisecond, 0}, Info: map[string]string{},
		},
		{
			Family: tcp.IPv6, State: tcp.CloseWait, RecvQueue: 1, Local: at("[::ffff:127.0.0.1]:51303"), Peer: at("[::ffff:127.0.0.1]:36576"),
			Timer: SSTimer{tcp.TimerRetransmit, "9.004sec", 9004 * time.Millisecond, 9004 * time.Millisecond, 13},
			Inode: 8653, Cookie: 0x1a2f, Cgroup: "/", Shutdown: tcp.ShutdownReceive, Info: map[string]string{
				"ts": "", "sack": "", "congestion": "cubic", "wscale": "10,10", "rto": "204", "backoff": "3", "rtt": "0.008/0.004",
				"send": "327680000000bps", "lastsnd": "12", "pacing_rate": "936460800000bps/12bps", "app_limited": "", "busy": "8ms",
				"rwnd_limited": "8ms(100.0%)", "unacked": "1", "retrans": "1/13", "notsent": "7", "bbr": "(bw:1bps,mrtt:0.01)",
			},
		},
		{
			Family: tcp.IPv6, State: tcp.SynSent, SendQueue: 1, Local: at("[fe80::1]:51303"), Peer: at("[fe80::2]:36576"), Device: "eth0",
			Timer: SSTimer{Kind: tcp.TimerRetransmit}, Inode: 1, Cookie: 5, Info: map[string]string{"fwmark": "0x1f"},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseSS_refuses(t *testing.T) {
	const good = "ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(on,200ms,0) ino:1 sk:1 cubic rto:204"
	for _, change := range [][2]string{
		{"ESTAB", "UNDEF"},
		{"ESTAB ", ""},
		{"ESTAB 0", "ESTAB x"},
		{"0 0", "0 4294967296"},
		{"127.0.0.1:1", "127.0.0.1"},
		{"127.0.0.1:1", "[127.0.0.1]:1"},
		{"127.0.0.1:1", "127.0.0.1:65536"},
		{"127.0.0.1:1", "[::1]:1"},
		{"127.0.0.1:2 ", ""},
		{"127.0.0.1:2", "127.0.0.1%lo:2"},
		{"on,", "soon,"},
		{"200ms", "200us"},
		{"200ms", "20ms"},
		{",0)", ")"},
		{",0)", ",256)"},
		{"ino:1", "ino:-1"},
		{"sk:1", "sk:xyz"},
		{"sk:1", "sk:1 skmem:r0"},
		{"cubic", "cubic reno"},
		{"cubic", "ts ts"},
		{"rto:204", "rto:204 rto:204"},
		{"rto:204", "rto:"},
		{"rto:204", "RTO:204"},
		{"rto:204", "cwnd:1 send"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if got, err := ParseSS(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
	if _, err := ParseSS(strings.NewReader(good)); err != nil {
		t.Error(err)
	}
}

func TestParseSSTime(t *testing.T) {
	for text, want := range map[string][2]string{
		"":           {"0s", "0s"},
		"004ms":      {"4ms", "4ms"},
		"5sec":       {"5s", "5s"},
		"9.123sec":   {"9.123s", "9.123s"},
		"10sec":      {"10s", "10.999s"},
		"1min":       {"1m0s", "1m0.999s"},
		"1min50sec":  {"1m50s", "1m50.999s"},
		"119min":     {"1h59m0s", "1h59m59.999s"},
		"71582min":   {"1193h2m0s", "1193h2m59.999s"},
		"9min59sec":  {"9m59s", "9m59.999s"},
		"10min":      {"10m0s", "10m59.999s"},
		"1min120sec": {"3m0s", "3m0.999s"},
	} {
		low, high, err := parseSSTime(text)
		if got := [2]string{low.String(), high.String()}; err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestSSSocket_Uint(t *testing.T) {
	s := SSSocket{Info: map[string]string{"busy": "8ms", "unacked": "3", "rtt": "1/2"}}
	for key, want := range map[string]uint64{"busy": 8, "unacked": 3, "lost": 0} {
		if got, err := s.Uint(key); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", key, got, err, want)
		}
	}
	if _, err := s.Uint("rtt"); err == nil {
		t.Error("two numbers taken for one")
	}
}

func FuzzParseSS(f *testing.F) {
	for _, line := range strings.SplitAfter(ssText, "\n") {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sockets, err := ParseSS(strings.NewReader(text))
		if err != nil && sockets != nil {
			t.Error("sockets and an error")
		}
	})
}
