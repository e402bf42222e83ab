package checkup

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// quiet is a host on which nothing is to be found.
func quiet() *look.Snapshot {
	n := int64(0)
	host := look.Namespace{Name: "host", Inode: 1, Sysctls: map[string]int64{"tcp_retries2": 15, "tcp_tw_reuse": 2, "tcp_max_orphans": 100}, Ports: [2]uint16{32768, 32867}, Overflows: &n}
	blue := look.Namespace{Name: "blue", Inode: 2, Sysctls: map[string]int64{"tcp_retries2": 15, "tcp_max_orphans": 99}}
	return &look.Snapshot{
		Namespaces: []look.Namespace{host, blue}, Memory: &look.Memory{Orphans: 79, MaxOrphans: 100, Pages: 9, Pressure: 10, Limit: 20},
		Boot: &look.Boot{Loader: "systemd-sysctl", Values: []look.BootValue{
			{Key: "net.ipv4.tcp_retries2", Running: "15", Default: "15"},
			{Key: "net.ipv4.ip_local_port_range", Running: "1024\t65535", Value: "1024\t65535", Winner: &look.BootLine{File: "/etc/sysctl.d/1.conf", Number: 2, Value: "1024 65535"}},
		}},
	}
}

func socket(state tcp.State, local, peer string) tcp.Socket {
	return tcp.Socket{State: state, Inode: 7, Local: tcp.MustParseEndpoint(local), Peer: tcp.MustParseEndpoint(peer)}
}

// crowd connects from the first ports of the range to one destination.
func crowd(s *look.Snapshot, n int, state tcp.State, to string) {
	for i := range n {
		c := socket(state, "10.0.0.1:1", to)
		c.Local = tcp.EndpointFrom(c.Local.Addr(), uint16(32768+i))
		s.Namespaces[0].Sockets = append(s.Namespaces[0].Sockets, c)
	}
}

func TestRun(t *testing.T) {
	const codes = "CW301 CW302 CW310 CW311 CW312 CW402 CW403 CW404"
	for name, tt := range map[string]struct {
		change   func(*look.Snapshot)
		found    string   // the codes
		skipped  string   // the codes
		evidence []string // parts of it
	}{
		"quiet": {},
		"slow give-up": {func(s *look.Snapshot) {
			s.Namespaces[1].Sockets = []tcp.Socket{socket(tcp.Established, "10.0.0.1:80", "10.9.9.9:5000")}
		}, "CW301", "", []string{"is 15: 924.6 s", "1 connections to other hosts in namespaces host, blue"}},
		"only connections on this host": {func(s *look.Snapshot) {
			s.Namespaces[1].Sockets = []tcp.Socket{
				socket(tcp.Established, "10.0.0.1:80", "10.0.0.2:5000"), socket(tcp.Established, "10.0.0.2:5000", "10.0.0.1:80"), socket(tcp.Established, "127.0.0.1:1", "127.0.0.1:2"),
			}
		}, "", "", nil},
		"slow give-up, but for a connection with a limit of its own": {func(s *look.Snapshot) {
			own := socket(tcp.Established, "10.0.0.1:80", "10.9.9.9:5000")
			own.Cookie = 77
			s.Namespaces[1].Sockets = []tcp.Socket{own}
			s.Namespaces[1].Options = map[tcp.Cookie]look.Options{77: {UserTimeout: time.Minute}}
		}, "", "", nil},
		"below the minimum": {func(s *look.Snapshot) { s.Namespaces[0].Sysctls["tcp_retries2"] = 5 }, "CW302 CW312", "", []string{"is 5: 12.6 s", "tcp_retries2 is 15 in blue, and 5 on the host"}},
		"a file says otherwise": {func(s *look.Snapshot) {
			s.Boot.Values[0].Winner, s.Boot.Values[0].Value = &look.BootLine{File: "/etc/sysctl.d/9.conf", Number: 3, Value: "8", By: "Ansible"}, "8"
			s.Boot.Managers = []look.Manager{{Name: "TuneD", Sign: "/etc/tuned/active_profile", Detail: "throughput"}}
		}, "CW310", "", []string{"net.ipv4.tcp_retries2 is 15; the next boot makes it 8 (/etc/sysctl.d/9.conf:3, written by Ansible)", "TuneD is on this host"}},
		"set by hand": {func(s *look.Snapshot) { s.Boot.Values[0].Running = "8" }, "CW310", "", []string{"no file says so, and the kernel begins with 15"}},
		"unread files refute it": {func(s *look.Snapshot) {
			s.Boot.Values[0].Running, s.Boot.Values[0].Unread = "8", []string{"/etc/sysctl.d/x.conf"}
		}, "", "CW310", nil},
		"overridden": {func(s *look.Snapshot) {
			s.Boot.Values[1].Others = []look.BootLine{{File: "/etc/sysctl.d/0.conf", Number: 1, Value: "2000 3000"}}
		}, "CW311", "", []string{"/etc/sysctl.d/0.conf:1 sets net.ipv4.ip_local_port_range=2000 3000, but /etc/sysctl.d/1.conf:2 (1024 65535) wins"}},
		"the distribution's file, or the same value": {func(s *look.Snapshot) {
			s.Boot.Values[1].Others = []look.BootLine{{File: "/usr/lib/sysctl.d/0.conf", Number: 1, Value: "2000 3000"}, {File: "/etc/sysctl.d/0.conf", Number: 1, Value: "1024  65535"}}
		}, "", "", nil},
		"a container": {func(s *look.Snapshot) { s.Boot.Loader = "" }, "", "CW310 CW311", nil},
		"ports used up": {func(s *look.Snapshot) { crowd(s, 80, tcp.TimeWait, "10.0.0.2:443") }, "CW402", "", []string{
			"80 of 100 ports of ip_local_port_range (32768-32867) lead from 10.0.0.1 to 10.0.0.2:443 in namespace host", "80 of them are in time_wait",
		}},
		"ports of several destinations": {func(s *look.Snapshot) {
			crowd(s, 79, tcp.TimeWait, "10.0.0.2:443")
			crowd(s, 79, tcp.TimeWait, "10.0.0.2:444")
		}, "", "", nil},
		"time-wait that is used again": {func(s *look.Snapshot) { crowd(s, 99, tcp.TimeWait, "127.0.0.1:443") }, "", "", nil},
		"orphans":                      {func(s *look.Snapshot) { s.Memory.Orphans = 80 }, "CW403", "", []string{"80 sockets are orphans, tcp_max_orphans is 100"}},
		"memory pressure":              {func(s *look.Snapshot) { s.Memory.Pages = 10 }, "CW403", "", []string{"TCP uses 10 pages"}},
		"overflows of unknown age":     {func(s *look.Snapshot) { *s.Namespaces[0].Overflows = 3 }, "", "CW404", nil},
		"nothing read": {func(s *look.Snapshot) {
			*s = look.Snapshot{Namespaces: []look.Namespace{{Name: "host", Pasted: true, Sysctls: map[string]int64{"tcp_retries2": 5}}}}
		}, "", codes, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := quiet(), &report.Report{}
			if tt.change != nil {
				tt.change(s)
			}
			Run(s, r, nil)
			var found, skipped, evidence []string
			for _, f := range r.Findings {
				found, evidence = append(found, f.Code), append(evidence, f.Evidence...)
			}
			for _, c := range r.Checks {
				if c.Status == report.CheckSkipped && strings.Contains(codes, c.Code) {
					skipped = append(skipped, c.Code)
				}
			}
			slices.Sort(found)
			if strings.Join(found, " ") != tt.found || strings.Join(skipped, " ") != tt.skipped {
				t.Errorf("found %v, skipped %v; want %q and %q: %q", found, skipped, tt.found, tt.skipped, evidence)
			}
			for _, part := range tt.evidence {
				if !strings.Contains(strings.Join(evidence, "\n"), part) {
					t.Errorf("no %q in %q", part, evidence)
				}
			}
		})
	}
}

// TestRun_every_code: each code has one check, in order, whatever was found; a finding's check says so.
func TestRun_every_code(t *testing.T) {
	r := &report.Report{Findings: []report.Finding{
		{ID: "f1", Code: "CW105", Severity: report.SeverityCritical}, {ID: "f2", Code: "CW101", Severity: report.SeverityInfo},
	}}
	r.Incomplete = []report.Incomplete{{Code: "CW501", Message: "hidden"}}
	s := quiet()
	s.Memory.Orphans = 100
	Run(s, r, []string{"CW101", "CW102", "CW104", "CW105"})
	status := map[string]string{}
	var codes []string
	for _, c := range r.Checks {
		codes = append(codes, c.Code)
		status[c.Code] = c.Status
		if c.Status == report.CheckSkipped && c.Reason == "" {
			t.Errorf("%s does not say why it was skipped", c.Code)
		}
	}
	if !slices.Equal(codes, report.Codes()) {
		t.Errorf("checks of %v", codes)
	}
	for code, want := range map[string]string{
		"CW105": "finding", "CW101": "finding", "CW102": "skipped", "CW104": "ok", "CW107": "skipped", "CW403": "finding", "CW501": "finding", "CW502": "ok", "CW503": "skipped",
	} {
		if status[code] != want {
			t.Errorf("%s: %s, want %s", code, status[code], want)
		}
	}
	order := ""
	for _, f := range r.Findings {
		order += f.ID + " "
	}
	if order != "f1 f3 f2 " {
		t.Errorf("findings in the order %s, want the warning between", order)
	}
}
