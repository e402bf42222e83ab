package filter_test

import (
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

var host = &look.Namespace{Inode: 4026531840, Name: "host"}

// leaking is a CLOSE_WAIT socket of a unit, found stuck.
func leaking() *look.Row {
	s := &tcp.Socket{
		Family: tcp.IPv6, State: tcp.CloseWait, Inode: 48213, UID: 1000, Cookie: 0x1a2f, RecvQueue: 1, SendQueue: 1 << 20, Interface: 2,
		Local: tcp.MustParseEndpoint("[::ffff:10.0.0.3]:8080"), Peer: tcp.MustParseEndpoint("[::ffff:10.20.4.17]:443"),
		Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 3}, Sent: tcp.HasMark | tcp.HasCgroup, Extra: &tcp.Extra{Mark: 0x105, CgroupID: 4711},
	}
	s.Info.Put(tcp.Retransmits, 9)
	s.Info.Put(tcp.Probes, 2)
	s.Info.Put(tcp.Backoff, 4)
	s.Info.Put(tcp.RTO, 1_600_000)
	s.Info.Put(tcp.Unacked, 2)
	s.Info.Put(tcp.LastDataSent, 7_200_000)
	s.Info.Put(tcp.LastDataRecv, 600_000)
	s.Info.Put(tcp.LastAckRecv, 900_000)
	s.Info.Put(tcp.RTT, 150_000)
	return &look.Row{
		Socket: s, Netns: host,
		Holders: []look.Holder{{PID: 2214, FD: 9}, {PID: 2300, FD: 9}},
		Processes: []*look.Process{
			{PID: 2214, Comm: "java", Workload: look.Workload{Name: "payments-api", Kind: look.KindUnit, Unit: "payments-api.service"}},
			{PID: 2300, Comm: "gnome-keyring-d", Workload: look.Workload{
				Name: "cart", Kind: look.KindContainer, ContainerID: "3f2a9c1bdeadbeef", Pod: "shop/cart-1"}},
		},
		Age:   look.Age{Time: 10 * time.Minute, Kind: look.AgeAtLeast},
		Ends:  forecast.Ends{Kind: forecast.At, Best: 5 * time.Minute, Earliest: 4 * time.Minute, Latest: 20 * time.Minute},
		Cause: "not_reading", Code: "CW102", Severity: "warning",
	}
}

// listening is a listener that nothing is known of but what a plain dump says.
func listening() *look.Row {
	s := &tcp.Socket{
		Family: tcp.IPv4, State: tcp.Listen, Inode: 77, RecvQueue: 3, SendQueue: 4096,
		Local: tcp.MustParseEndpoint("0.0.0.0:22"), Peer: tcp.MustParseEndpoint("0.0.0.0:0"),
	}
	s.Info.Put(tcp.RTT, 0)
	return &look.Row{Socket: s, Ends: forecast.Ends{Kind: forecast.Never}}
}

// connecting waits for the answer to its SYN; the kernel's clocks of its data have not begun.
func connecting() *look.Row {
	s := &tcp.Socket{
		Family: tcp.IPv4, State: tcp.SynSent, Inode: 78, Cookie: 0x1a30, SendQueue: 1, Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 2},
		Local: tcp.MustParseEndpoint("10.0.0.3:50000"), Peer: tcp.MustParseEndpoint("10.9.0.9:80"),
	}
	for _, f := range []tcp.Field{tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv} {
		s.Info.Put(f, 71_932_376)
	}
	s.Info.Put(tcp.RTT, 0)
	return &look.Row{Socket: s, Netns: host, Holders: []look.Holder{}}
}

// timeWaiting is a mini socket.
func timeWaiting() *look.Row {
	return &look.Row{
		Socket: &tcp.Socket{
			Family: tcp.IPv6, State: tcp.TimeWait, Timer: tcp.Timer{Kind: tcp.TimerTimeWait, Expires: 40 * time.Second},
			Local: tcp.MustParseEndpoint("[2001:db8::1]:55000"), Peer: tcp.MustParseEndpoint("[2001:db8::2]:5432"),
		},
		Netns: &look.Namespace{Inode: 4026532999}, Holders: []look.Holder{},
		Age: look.Age{Time: 20 * time.Second, Kind: look.AgeAbout},
	}
}

func TestMatch(t *testing.T) {
	rows := map[string]*look.Row{"leaking": leaking(), "listening": listening(), "timeWaiting": timeWaiting(), "connecting": connecting()}
	for name, texts := range map[string]struct{ matches, misses []string }{
		"connecting": {
			matches: []string{"state syn-sent", "retrans = 2", "timer = retransmit"},
			misses:  []string{"idle > 1h", "not idle > 1h", "rtt < 1s", "not rtt < 1s"},
		},
		"leaking": {
			matches: []string{
				"", "state close-wait", "state connected", "exclude listen", "sport = :8080", "sport = :8000-8080", "sport != :22", "dport >= :https",
				"src 10.0.0.3", "src 10.0.0.0/24:8080", "dst 10.20/16", "src [::ffff:0:0]/96", "src inet:*", "src inet6:*", "dst != 10.0.0.0/24",
				"ipv6", "mapped", "dev = 2", "fwmark = 0x5/0xff", "fwmark != 5", "cgroup = 4711", "autobound",
				"age > 5m", "age >= 10m", "not age < 10m", "idle = 10m", "ends < 10m", "ends != never", "ends != unknown", "recvq > 0", "sendq = 1M",
				"timer = on", "retrans = 3", "probes = 2", "backoff = 4", "rto = 1600ms", "rtt > 100ms", "unacked = 2",
				"pid 2214", "pid 2300", "pid != 1", "comm jav?", "comm gnome-keyring-daemon", "comm != nginx", "workload payments*",
				"unit payments-api", "unit payments-api.service", "container 3f2a", "container cart", "container 3f*", "pod shop/cart-*", "pod cart-1",
				"netns host", "netns 4026531840", "netns net:[4026531840]", "netns != blue", "uid 1000", "inode 48213", "cookie 0x1a2f",
				"stuck", "cause not-reading", "cause not_*", "code cw1*", "severity warning", "severity >= info", "not severity > warning",
			},
			misses: []string{
				"state last-ack", "sport = :8000-8079", "dport < :443", "src 10.0.0.4", "src [2001:db8::]/32", "ipv4", "dev = 0", "fwmark = 5", "cgroup != 4711",
				"age > 20m", "not age > 20m", "age < 5m", "age = 10m", "not age = 10m", "idle > 10m", "ends > 5m", "ends = never",
				"retrans = 9", "pid 9", "comm nginx", "comm != java", "container 3f2", "pod other/cart-1", "netns 5", "uid 0", "cookie 0x1a",
				"cause leak", "severity critical", "orphan", "unaccepted",
			},
		},
		"listening": {
			matches: []string{
				"state listen", "sport = :ssh", "dport = :0", "ipv4", "not mapped", "dst 0.0.0.0", "recvq = 3", "sendq = 4K", "timer none", "uid 0", "ends never", "ends > 1h",
				"not ends < 1h", "not stuck", "cause != leak", "severity < warning", "severity != info", "rtt > 1s or state listen", "not (rtt > 1s and sport = :80)",
			},
			misses: []string{
				"rtt > 1s", "not rtt > 1s", "rtt >= 0", "rtt = 0", "retrans = 0", "unacked = 0", "idle >= 0", "backoff = 0", "age > 0", "not age > 0",
				"pid 1", "pid != 1", "not pid 1", "comm x", "comm != x", "workload x", "netns host", "netns != host", "fwmark = 0", "fwmark != 1", "cgroup != 1",
				"cookie 0", "cookie != 1", "stuck", "severity > info", "rtt > 1s and state listen", "not (rtt > 1s or state close-wait)",
			},
		},
		"timeWaiting": {
			matches: []string{
				"state bucket", "state time-wait", "timer timewait", "src [2001:db8::/32]:55000", "dst [2001:db8::2]", "dport = :postgresql", "family ipv6",
				"inode 0", "age > 10s", "age = 20s", "pid != 5", "comm != x", "not unit x", "ends unknown", "netns != host", "netns 4026532999",
			},
			misses: []string{
				"uid 0", "uid != 0", "not uid 0", "retrans = 0", "not retrans > 0", "orphan", "unaccepted", "ends < 1m", "not ends < 1m", "ends != never", "src 0.0.0.0/0",
				"pid 5", "netns host", "netns *",
			},
		},
	} {
		for want, list := range map[bool][]string{true: texts.matches, false: texts.misses} {
			for _, text := range list {
				f, err := filter.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				if f.Match(rows[name]) != want {
					t.Errorf("%s: %q matches: %v", name, text, !want)
				}
			}
		}
	}
}

func TestMatch_partlyKnownHolders(t *testing.T) {
	row := leaking()
	row.Processes = row.Processes[:1]
	for text, want := range map[string]bool{
		"comm java": true, "comm nginx": false, "comm != nginx": false, "comm != java": false, "unit payments-api": true, "not unit x": false, "pid 2300": true,
	} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if f.Match(row) != want {
			t.Errorf("%q matches: %v", text, !want)
		}
	}
}
