package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/golden"
)

var rejected = []string{
	"sprot = :22", "stat close-wait", "foo", "close-wait", "close-wait,last-ack", "10.0.0.1", "10.0.0.0/8", "[::1]:443", ":443", "port = 443",
	"'stuck'", `""`,
	"state", "state foo", "state clos-wait", "state close-wait,foo", "state close-wait,", "state = listen", "state or stuck", "exclude",
	"sport", "sport =", "sport = and stuck", "sport = :70000", "sport = :", "sport = :htpt", "sport = :80,443", "sport = :2000-1000", "sport >= :1-2",
	"sport = 10.0.0.1:80", "sport = -1", "sport => 80", "sport =< 80", "sport <> 80", "80 = sport", "5m < age", "1M <= sendq", "= 5", "stuck = 5", "age ><5",
	"dst", "dst >= 10.0.0.1", "dst example.com", "dst localhost:80", "dst 10.0.0", "dst 10.0.0.0.0", "dst 10.0.0.0/33", "dst 10.0.0.0/x",
	"dst 10.0.0.0/255.0.255.0", "dst [::1", "dst [::1]/129", "dst 2001:db8::1:443", "dst 1:2:3:4:5:6:7:8:9:10", "dst fe80::1%eth0", "dst unix:/tmp/x",
	"dst inet:[::1]", "dst inet6:10.0.0.1", "dst 10.0.0.1:99999", "dst 10.0.0.300",
	"dev = eth7", "dev > 1", "fwmark = x", "fwmark = 0x100/0xff", "fwmark = 1/", "cgroup = /nowhere", "autobound or stuck", "not autobound",
	"stuck ( autobound and orphan or mapped )", "autobound = 1",
	"age", "age 5m", "age >", "age > five", "age > 5 m", "sendq > 1 M and stuck", "age > 5mm", "age > -5m", "age > 1h30", "age > 99999999999w", "age > 1..5s",
	"recvq > 1X", "sendq > lots", "sendq > 99999999999999999T", "retrans >= three", "retrans 3", "retrans >= 99999999999999999999",
	"timer = retrans", "timer = foo", "timer > none", "ends 10m", "ends > never", "ends < soon", "pid nginx", "pid > 5", "pid 99999999999", "comm", "comm > x", "comm or",
	"comm ''", "uid root", "cookie xyz", "family ipx", "cause peer_vanishd", "cause !", "code 101", "code CW9*", "severity bad", "stuck > 3", "ipv4 = 1",
	"(", ")", "()", "( stuck", "stuck )", "stuck and", "stuck or", "not", "and stuck", "or", "stuck and and orphan", "stuck and ) orphan", "( stuck or )",
	"stuck , orphan", "comm \"nginx", "stuck; orphan", "5", "sport = 80 443",
	"stuck and stuck and stuck and stuck and stuck and stuck and sprot = :22 and stuck and stuck and stuck and stuck and stuck",
	strings.Repeat("(", 101) + "stuck", strings.Repeat("not ", 101) + "stuck", "comm \"a\tb\" sprot",
}

func TestParse_rejected(t *testing.T) {
	var got strings.Builder
	for _, text := range rejected {
		_, err := options.Parse(text)
		if _, ok := errors.AsType[*filter.SyntaxError](err); !ok {
			t.Errorf("%q: got %v, want a syntax error", text, err)
			continue
		}
		got.WriteString(err.Error() + "\n\n")
	}
	golden.Compare(t, "rejected.golden", got.String())
}

func TestParse_withoutOptions(t *testing.T) {
	for text, want := range map[string]string{
		"dev = eth0":    `the interface name "eth0" cannot be resolved here`,
		"cgroup = /a/b": `the cgroup path "/a/b" cannot be resolved here`,
	} {
		_, err := filter.Parse(text)
		if syntax, ok := errors.AsType[*filter.SyntaxError](err); !ok || syntax.Message != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := filter.Parse("cause no_such_thing code CW999"); err != nil {
		t.Error(err)
	}
}

func TestSyntaxError_unwrap(t *testing.T) {
	gone := errors.New("gone")
	o := filter.Options{Device: func(string) (uint32, error) { return 0, gone }}
	if _, err := o.Parse("dev = eth0"); !errors.Is(err, gone) {
		t.Errorf("%v does not carry the reason", err)
	}
}
