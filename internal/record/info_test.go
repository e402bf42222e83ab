package record_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/closewait/closewait/tcp"
)

// values are fields of tcp_info; unknown stands for those that must not be known.
type values map[tcp.Field]uint64

const unknown = 1 << 63

func (want values) check(t *testing.T, s *tcp.Socket) {
	t.Helper()
	for f, value := range want {
		if n, ok := s.Info.Uint(f); ok != (value != unknown) || ok && n != value {
			t.Errorf("%v %d (known: %v), want %d", f, n, ok, value)
		}
	}
}

// TestParse_info reads tcp_info of many versions of ss. The lines are those of its source at v3.4, v4.2, v4.15, v5.4 and today's (tcp_stats_print), two of each
// where the shorter one shows what its missing fields mean.
func TestParse_info(t *testing.T) {
	const row = "ESTAB      0      0      10.0.0.1:22      10.0.0.2:50000 timer:(on,200ms,2)\n"
	for name, c := range map[string]struct {
		lines []string
		want  values // of the first socket
	}{
		"3.4": {
			[]string{"\t ts sack cubic wscale:7,7 rto:204 rtt:0.5/0.25 ato:40 cwnd:10 send 233.6Mbps rcv_rtt:3.75 rcv_space:29200"},
			values{
				tcp.RTO: 204_000, tcp.RTT: 500, tcp.RTTVar: 250, tcp.ATO: 40_000, tcp.SndCwnd: 10, tcp.RcvRTT: 3750, tcp.RcvSpace: 29200, tcp.Retransmits: 2,
				tcp.Unacked: unknown, tcp.Backoff: unknown, tcp.NotSentBytes: unknown, tcp.SndWnd: unknown, tcp.BytesSent: unknown,
			},
		},
		"4.2": {
			[]string{
				"\t ts sack cubic wscale:7,7 rto:408 backoff:1 rtt:0.5/0.25 mss:1448 cwnd:1 ssthresh:7 bytes_acked:1 segs_out:9 send 23.2Mbps lastsnd:5 lastrcv:6 lastack:7 unacked:1 retrans:1/3 lost:1 rcv_space:29200",
				"\t cubic rto:3004 rtt:1/2 mss:536 cwnd:2",
			},
			values{
				tcp.RTO: 408_000, tcp.Backoff: 1, tcp.SndSSThresh: 7, tcp.BytesAcked: 1, tcp.BytesReceived: 0, tcp.SegsIn: 0, tcp.Unacked: 1,
				tcp.Retrans: 1, tcp.TotalRetrans: 3, tcp.Lost: 1, tcp.Sacked: 0, tcp.Reordering: 3, tcp.LastDataSent: 5, tcp.LastDataRecv: 6, tcp.LastAckRecv: 7,
				tcp.NotSentBytes: unknown, tcp.DataSegsIn: unknown, tcp.BytesSent: unknown, tcp.BusyTime: unknown, tcp.SndWnd: unknown, tcp.PMTU: unknown,
			},
		},
		"4.15": {
			[]string{
				"\t bbr wscale:7,7 rto:204 rtt:31.25/0.5 mss:1448 pmtu:1500 rcvmss:536 advmss:1448 cwnd:10 bytes_acked:120 segs_out:4 data_segs_out:2 bbr:(bw:1.2Mbps,mrtt:31.1) send 3.7Mbps lastsnd:5 " +
					"pacing_rate 4.4Mbps delivery_rate 1.2Mbps busy:64ms rwnd_limited:8ms(12.5%) rcv_space:29200 rcv_ssthresh:29200 minrtt:31.1",
				"\t cubic rto:204 rtt:1/2 mss:536 cwnd:2",
			},
			values{
				tcp.RTT: 31_250, tcp.MinRTT: 31_100, tcp.BusyTime: 64_000, tcp.RwndLimited: 8_000, tcp.SndbufLimited: 0, tcp.NotSentBytes: 0, tcp.LastDataRecv: 0,
				tcp.Unacked: 0, tcp.Backoff: 0, tcp.RcvMSS: 536, tcp.PacingRate: unknown, tcp.DeliveryRate: unknown, tcp.Delivered: unknown,
				tcp.BytesSent: unknown, tcp.SndWnd: unknown, tcp.CAState: unknown,
			},
		},
		"7.1": {
			[]string{
				"\t ts usec_ts sack ecn ecnseen fastopen dctcp wscale:10,10 rto:200.5 rtt:1e+06/0.015 mss:32768 dctcp:(ce_state:0,alpha:1,ab_ecn:2,ab_tot:3) send 84562580645bps " +
					"pacing_rate 241667296016bps/80bps delivery_rate 800bps delivered:1 app_limited notsent:9 minrtt:0.031 rcv_wnd:65536 rehash:1 tcp-ulp-tls version: 1.3 cipher: aes-gcm-128 rxconf: sw txconf: sw zc_ro_tx",
				"\t cubic rto:204 rtt:1/2 mss:536 cwnd:2",
			},
			values{
				tcp.RTO: 200_500, tcp.RTT: 1_000_000_000, tcp.RTTVar: 15, tcp.PacingRate: 241667296016 / 8, tcp.DeliveryRate: 100, tcp.MinRTT: 31, tcp.NotSentBytes: 9,
				tcp.SndWnd: 0, tcp.RcvWnd: 65536, tcp.Rehash: 1, tcp.Unacked: 0, tcp.RcvOOOPack: 0, tcp.SndCwnd: unknown, tcp.TotalRTOTime: unknown,
			},
		},
		"rto_3s": {[]string{"\t cubic rtt:1/2 mss:536 cwnd:2"}, values{tcp.RTO: 3_000_000, tcp.RTT: 1000}},
		"window_of_the_other_tells": {
			[]string{"\t cubic rto:204 mss:536 cwnd:2 minrtt:1", "\t cubic rto:204 mss:536 cwnd:2 minrtt:1 snd_wnd:4"},
			values{tcp.SndWnd: 0, tcp.Unacked: 0, tcp.RcvWnd: unknown},
		},
		"window_may_be_cut_off": {
			[]string{"\t cubic rto:204 mss:536 cwnd:2 minrtt:1.01234567890", "\t cubic rto:204 mss:536 cwnd:2 minrtt:1 snd_wnd:4"},
			values{tcp.SndWnd: unknown, tcp.Unacked: 0},
		},
		"window_of_padded_line": {
			[]string{"\t cubic rto:204 mss:536 cwnd:2 minrtt:1.01234567890     ", "\t cubic rto:204 mss:536 cwnd:2 minrtt:1 snd_wnd:4"},
			values{tcp.SndWnd: 0},
		},
		"too_large": {[]string{"\t cubic rto:204 backoff:256 mss:4294967296 cwnd:2 bytes_acked:4294967296"}, values{tcp.Backoff: unknown, tcp.SndMSS: unknown, tcp.BytesAcked: 1 << 32}},
		"damaged":   {[]string{"\t cubic rto:204 unacked:x mss:536 cwnd:2 minrtt:1 snd_wnd:4"}, values{tcp.RTO: 204_000, tcp.Unacked: unknown, tcp.Lost: unknown, tcp.SndWnd: 4}},
	} {
		t.Run(strings.ReplaceAll(name, ".", "_"), func(t *testing.T) {
			for i, line := range c.lines {
				c.lines[i] = row + line + "\n"
			}
			snapshot, source := parse(t, strings.Join(c.lines, ""))
			if source.Skipped.Lines > 0 {
				t.Errorf("%+v", source.Skipped)
			}
			c.want.check(t, &snapshot.Namespaces[0].Sockets[0])
			// The same in one line each, as with -O.
			for i, line := range c.lines {
				c.lines[i] = strings.Replace(line, "\n\t", "", 1)
			}
			snapshot, _ = parse(t, strings.Join(c.lines, ""))
			c.want.check(t, &snapshot.Namespaces[0].Sockets[0])
		})
	}
}

func TestParse_infoOfProc(t *testing.T) {
	snapshot, source := parse(t, "   3: 0100007F:1F90 0200000A:A0D8 08 000003E8:00000003 01:00002B4C 0000000D    33        1 2347887 2 0 12000 4 28 1 7\n")
	values{
		tcp.Retransmits: 13, tcp.Probes: 1, tcp.RTO: 120_000_000, tcp.ATO: 40_000, tcp.SndCwnd: 1, tcp.SndSSThresh: 7, tcp.Backoff: unknown, tcp.RTT: unknown,
	}.check(t, &snapshot.Namespaces[0].Sockets[0])
	if d := source.Details[0]; d.RTO.String() != "10ms" || d.Expires.String() != "10ms" {
		t.Errorf("%+v", d)
	}
}

func TestParse_details(t *testing.T) {
	snapshot, source := parse(t, "ESTAB 0 0 [fe80::1]%eth0:22 [fe80::2]:1 uid:5 ino:12 sk:1a fwmark:0x1f cgroup:unreachable:2a v6only:1 ---  tos:0x10 tclass:0 class_id:0x2\n"+
		"\t skmem:(r1,rb2,t3,tb4,f5,w6,o7,bl8,d9) ts reno rto:204 tcp-ulp-mptcp flags:Mmec token:0000(id:0)/1a2b(id:0)\n"+
		"\tinet-sockopt: (recverr is_icsk mc_all)\n"+
		"ESTAB 0 0 127.0.0.1%if7:22 127.0.0.1:1 cgroup:/a.slice/b.service\n")
	s, other := snapshot.Namespaces[0].Sockets[0], snapshot.Namespaces[0].Sockets[1]
	want := s
	want.Extra = new(s.More())
	want.UID, want.Inode, want.Cookie, want.Mark, want.CgroupID, want.V6Only, want.Shutdown = 5, 12, 0x1a, 0x1f, 0x2a, true, 3
	want.TOS, want.TClass, want.ClassID = 0x10, 0, 2
	want.Memory = tcp.Memory{ReceiveAllocated: 1, ReceiveLimit: 2, SendAllocated: 3, SendLimit: 4, ForwardAllocated: 5, SendQueued: 6, OptionMemory: 7, Backlog: 8, Drops: 9}
	if !cmp.Equal(s, want, cmpopts.EquateComparable(tcp.Endpoint{})) {
		t.Errorf("%+v", s)
	}
	if all := tcp.HasMark | tcp.HasCgroup | tcp.HasV6Only | tcp.HasShutdown | tcp.HasTOS | tcp.HasTClass | tcp.HasClassID | tcp.HasMemory | tcp.HasCongestion | tcp.HasULP | tcp.HasMPTCP; s.Sent != all {
		t.Errorf("sent %b, want %b", s.Sent, all)
	}
	if s.More().Congestion.String() != "reno" || s.More().ULP.String() != "mptcp" || source.Details[0].Device != "eth0" || source.Details[1].Cgroup != "/a.slice/b.service" || other.Interface != 7 {
		t.Errorf("%v %v %+v %d", s.More().Congestion, s.More().ULP, source.Details, other.Interface)
	}
}

// TestParse_grepped takes details to their own socket only.
func TestParse_grepped(t *testing.T) {
	snapshot, source := parse(t, "CLOSE-WAIT 0 0 10.0.0.1:22 10.0.0.2:1\n\t cubic rto:204 cwnd:1\n\t cubic rto:999 cwnd:2\n\t cubic rto:998 cwnd:3\n")
	values{tcp.RTO: 204_000, tcp.SndCwnd: 1}.check(t, &snapshot.Namespaces[0].Sockets[0])
	if source.Skipped.Lines != 1 || source.Ignored != 1 {
		t.Errorf("%+v", source)
	}
}
