package filter_test

import (
	"errors"
	"testing"

	"github.com/closewait/closewait/internal/filter"
)

// accepted are filters with their canonical form; an empty one stands for "as it is".
var accepted = []struct{ text, canonical string }{
	{"", ""},
	{"  \t\n", ""},
	// The examples of the manual page of ss.
	{"state established ( dport = :ssh or sport = :ssh )", "state established and ( dport = :22 or sport = :22 )"},
	{"state fin-wait-1 ( sport = :http or sport = :https ) dst 193.233.7/24",
		"state fin-wait-1 and ( sport = :80 or sport = :443 ) and dst = 193.233.7.0/24"},
	{"fwmark = 0x01/0x03", "fwmark = 0x1/0x3"},
	// States.
	{"state close-wait", "state close-wait"},
	{"state CLOSE_WAIT", "state close-wait"},
	{"state ESTAB", "state established"},
	{"state syn-recv", "state syn-received"},
	{"state syn-rcv", "state syn-received"},
	{"state listening", "state listen"},
	{"state fin-wait1", "state fin-wait-1"},
	{"state all", "state all"},
	{"state connected", "state connected"},
	{"state synchronized", "state synchronized"},
	{"state bucket", "state bucket"},
	{"state big", "state big"},
	{"state close-wait state last-ack", "state close-wait,last-ack"},
	{"state close-wait,last-ack", "state close-wait,last-ack"},
	{"state close-wait, last-ack", "state close-wait,last-ack"},
	{"exclude time-wait", "exclude time-wait"},
	{"excl time-wait exclude listen", "exclude time-wait,listen"},
	{"exclude all", "exclude all"},
	{"state connected exclude time-wait exclude established", "exclude established,time-wait,closed,listen,bound"},
	{"exclude established state established", "state all"},
	{"state established dport = :ssh or sport = :ssh", "state established and ( dport = :22 or sport = :22 )"},
	{"state established and dport = :ssh or sport = :ssh", "( state established and dport = :22 ) or sport = :22"},
	{"not state listen", "not state listen"},
	{"not state listen state close-wait", "not state listen and state close-wait"},
	{"state close-wait or state last-ack", "state close-wait or state last-ack"},
	{"dport = :443 state close-wait state last-ack", "dport = :443 and state close-wait,last-ack"},
	{"( state close-wait dport = :1 or dport = :2 ) stuck", "state close-wait and ( dport = :1 or dport = :2 ) and stuck"},
	// Ports.
	{"sport eq 22", "sport = :22"},
	{"sport 22", "sport = :22"},
	{"sport=:22", "sport = :22"},
	{"(sport=:22)", "sport = :22"},
	{"sport == 22", "sport = :22"},
	{"dport != :80", "dport != :80"},
	{"dport neq 80", "dport != :80"},
	{"dport ne 80", "dport != :80"},
	{"sport gt :1024", "sport > :1024"},
	{"sport geq :1024 and sport leq 2000", "sport >= :1024 and sport <= :2000"},
	{"sport ge :1024 sport lt 2000", "sport >= :1024 and sport < :2000"},
	{"sport = :1000-2000", "sport = :1000-2000"},
	{"sport != 1000-2000", "sport != :1000-2000"},
	{"sport = :ftp-data", "sport = :20"},
	{"sport = *:443", "sport = :443"},
	{"sport = :*", "state all"},
	{"sport = inet:443", "src = 0.0.0.0/0:443"},
	{"dport > inet6::80", "dst = [::/0] and dport > :80"},
	{"sport = :0x50", "sport = :80"},
	{"sport = :010", "sport = :10"},
	// Addresses.
	{"src 10.0.0.1", "src = 10.0.0.1"},
	{"dst 10.0.0.0/8", "dst = 10.0.0.0/8"},
	{"dst 10.1.2.3/8", "dst = 10.0.0.0/8"},
	{"dst 10/8:443", "dst = 10.0.0.0/8:443"},
	{"dst 10.0.0.0/255.128.0.0", "dst = 10.0.0.0/9"},
	{"src 10.0.0.1:443", "src = 10.0.0.1:443"},
	{"src 10.0.0.1:*", "src = 10.0.0.1"},
	{"dst [::1]:443", "dst = [::1]:443"},
	{"dst [2001:db8::]/32", "dst = [2001:db8::/32]"},
	{"dst [2001:db8::/32]:https", "dst = [2001:db8::/32]:443"},
	{"dst 2001:db8::/32", "dst = [2001:db8::/32]"},
	{"dst 2001:db8::1", "dst = [2001:db8::1]"},
	{"dst ::1:50000", "dst = [::1]:50000"},
	{"dst [::ffff:10.0.0.1]/120", "dst = [::ffff:10.0.0.0/120]"},
	{"dst 1:2:3:4:5:6:7:8:9", "dst = [1:2:3:4:5:6:7:8]:9"},
	{"src *:80", "sport = :80"},
	{"src *", "state all"},
	{"src != *", "not state all"},
	{"dst :443", "dport = :443"},
	{"dst != :443", "dport != :443"},
	{"src = 10.0.0.1", "src = 10.0.0.1"},
	{"src != 10.0.0.1:80-90", "src != 10.0.0.1:80-90"},
	{"src inet:10.0.0.1", "src = 10.0.0.1"},
	{"src inet:*", "src = 0.0.0.0/0"},
	{"src inet6:[::1]:22", "src = [::1]:22"},
	{"src 0.0.0.0/0", "src = 0.0.0.0/0"},
	// Devices, marks, cgroups.
	{"dev = eth0", "dev = 2"},
	{"dev 7", "dev = 7"},
	{"dev != eth0", "dev != 2"},
	{"fwmark != 5", "fwmark != 0x5"},
	{"cgroup = /system.slice/x.service", "cgroup = 4711"},
	{"cgroup /system.slice/a=b&c", "cgroup = 4712"},
	{"cgroup != 99", "cgroup != 99"},
	{"autobound and (stuck or orphan)", "autobound and ( stuck or orphan )"},
	// Operators.
	{"stuck & orphan && unaccepted", "stuck and orphan and unaccepted"},
	{"stuck | orphan || unaccepted", "stuck or orphan or unaccepted"},
	{"stuck OR NOT orphan", "stuck or not orphan"},
	{"!stuck", "not stuck"},
	{"! ! stuck", "not not stuck"},
	{"!(stuck|orphan)", "not ( stuck or orphan )"},
	{"stuck or orphan and unaccepted", "stuck or ( orphan and unaccepted )"},
	{"stuck and (orphan and (unaccepted or mapped))", "stuck and orphan and ( unaccepted or mapped )"},
	// Ours.
	{"age > 5m", "age > 5m"},
	{"age gt 90", "age > 1m30s"},
	{"age >= 1.5h", "age >= 1h30m"},
	{"age < 2d12h", "age < 2d12h"},
	{"idle > 1w", "idle > 7d"},
	{"rto > 1s500ms", "rto > 1s500ms"},
	{"rtt > 100us", "rtt > 100us"},
	{"rtt > 0.25", "rtt > 250ms"},
	{"rtt > 0", "rtt > 0s"},
	{"recvq > 0", "recvq > 0"},
	{"sendq > 1M", "sendq > 1M"},
	{"sendq > 1.5MiB", "sendq > 1536K"},
	{"sendq > 64kB", "sendq > 64K"},
	{"sendq > 1000B", "sendq > 1000"},
	{"timer retransmit", "timer = retransmit"},
	{"timer = on", "timer = retransmit"},
	{"timer != time-wait", "timer != timewait"},
	{"retrans >= 3 probes = 2 backoff < 4 unacked != 0", "retrans >= 3 and probes = 2 and backoff < 4 and unacked != 0"},
	{"ends < 10m", "ends < 10m"},
	{"ends never", "ends = never"},
	{"ends != unknown", "ends != unknown"},
	{"pid 123", "pid = 123"},
	{"pid != 123", "pid != 123"},
	{"comm ngin*", "comm = ngin*"},
	{`comm "Web Content"`, `comm = "Web Content"`},
	{`comm Web\ Content`, `comm = "Web Content"`},
	{`comm 'a"b'`, `comm = "a\"b"`},
	{`comm "and"`, `comm = "and"`},
	{`unit dev-disk-by\x2duuid.swap`, `unit = "dev-disk-by\\x2duuid.swap"`},
	{"workload payments* unit nginx.service", "workload = payments* and unit = nginx.service"},
	{"container web-* pod shop/cart-*", "container = web-* and pod = shop/cart-*"},
	{"netns host", "netns = host"},
	{"netns net:[4026531840]", "netns = 4026531840"},
	{"netns net:[net:[", `netns = net:[net:[`},
	{"uid 1000", "uid = 1000"},
	{"inode != 0", "inode != 0"},
	{"cookie 0x1A", "cookie = 0x1a"},
	{"family inet6", "family = ipv6"},
	{"ipv4 or -6", "family = ipv4 or family = ipv6"},
	{"cause peer-vanished", "cause = peer_vanished"},
	{"code cw1*", "code = CW1*"},
	{"severity >= warning", "severity >= warning"},
	{"severity CRITICAL", "severity = critical"},
}

// options resolve a few names.
var options = filter.Options{
	Device: func(name string) (uint32, error) {
		if name == "eth0" {
			return 2, nil
		}
		return 0, errors.New("no such device")
	},
	Cgroup: func(path string) (uint64, error) {
		switch path {
		case "/system.slice/x.service":
			return 4711, nil
		case "/system.slice/a=b&c":
			return 4712, nil
		}
		return 0, errors.New("no such directory")
	},
	Causes: []string{"leak", "peer_vanished", "not_reading"},
	Codes:  []string{"CW101", "CW102", "CW201"},
}

func TestParse_accepted(t *testing.T) {
	for _, c := range accepted {
		f, err := options.Parse(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if f.String() != c.canonical {
			t.Errorf("%q is %q, want %q", c.text, f, c.canonical)
		}
		again, err := options.Parse(c.canonical)
		if err != nil || !filter.Same(f, again) {
			t.Errorf("%q is not read back as it was written: %v", c.canonical, err)
		}
	}
}

func TestParseArgs_joinsWords(t *testing.T) {
	f, err := filter.ParseArgs([]string{"state", "close-wait", "( dport = :443 or", "sport = :8080 )"})
	if err != nil || f.String() != "state close-wait and ( dport = :443 or sport = :8080 )" {
		t.Fatal(f, err)
	}
	_, err = filter.ParseArgs([]string{"state", "close-wait", "sprot", "=", ":22"})
	syntax, ok := errors.AsType[*filter.SyntaxError](err)
	if !ok || syntax.Offset != 17 || syntax.Length != 5 || syntax.Text != "state close-wait sprot = :22" {
		t.Fatalf("%#v", err)
	}
}
