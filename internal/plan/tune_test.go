package plan_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/tcp"
)

func want(t *testing.T, name, value string) plan.Wanted {
	t.Helper()
	s, ok := setting.Find(name)
	if !ok {
		t.Fatalf("no setting %q", name)
	}
	shown, err := s.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Wanted{Setting: s, Value: shown}
}

// defaults is a namespace of a kernel nobody has changed.
func defaults(inode uint64, name string) look.Settings {
	s := look.Settings{Inode: inode, Name: name, PID: 1, Path: "/proc/1/ns/net", Cookie: inode, Values: map[string]string{}}
	for _, known := range setting.All() {
		s.Values[known.Key()] = fmt.Sprint(max(known.Default, 0))
		if known.Unit == setting.Ports {
			s.Values[known.Key()] = "32768\t60999"
		}
	}
	return s
}

// ending is a socket with its end today and after the change.
func ending(state tcp.State, today, then forecast.Ends) look.Row {
	timer := tcp.Timer{Kind: tcp.TimerRetransmit}
	if today.Kind == forecast.Never {
		timer.Kind = tcp.TimerNone
	}
	return look.Row{Socket: &tcp.Socket{State: state, Timer: timer}, Ends: today, EndsIf: &then}
}

func at(d time.Duration) forecast.Ends {
	return forecast.Ends{Kind: forecast.At, Best: d, By: "retransmission"}
}

// TestTuning_screens shows plans as people read them.
func TestTuning_screens(t *testing.T) {
	never := forecast.Ends{Kind: forecast.Never}
	pod := defaults(3, "")
	pod.PID, pod.Pod = 4711, "shop/payments-0"
	sick := []look.Row{
		ending(tcp.Established, at(14*time.Minute), at(30*time.Second)), ending(tcp.CloseWait, at(9*time.Minute), at(80*time.Second)),
		ending(tcp.CloseWait, never, never), ending(tcp.CloseWait, never, never), ending(tcp.Established, never, never),
	}
	other := defaults(2, "blue")
	tuned := defaults(4, "")
	tuned.Values["net.ipv4.tcp_retries2"] = "8"
	for name, tuning := range map[string]plan.Tuning{
		"lower": {
			Wanted: []plan.Wanted{want(t, "tcp_retries2", "8")}, Targets: []look.Settings{defaults(1, "host")}, Others: []look.Settings{other, pod},
			Rows: sick, Judged: true,
		},
		"below": {
			Wanted: []plan.Wanted{want(t, "tcp_retries2", "3"), want(t, "tcp_fin_timeout", "10")}, Targets: []look.Settings{defaults(1, "host"), other}, Others: []look.Settings{tuned},
			Rows: sick[2:], Judged: true,
		},
		"already": {Wanted: []plan.Wanted{want(t, "tcp_retries2", "15")}, Targets: []look.Settings{defaults(1, "host")}},
		"persist": {
			Wanted: []plan.Wanted{want(t, "somaxconn", "8192"), want(t, "nf_conntrack_tcp_timeout_close_wait", "30")}, Targets: []look.Settings{defaults(1, "host")},
			Persist: &plan.Persist{
				Path: "/etc/sysctl.d/90-closewait.conf", Before: new("x"), After: "y", Loader: "systemd-sysctl", Better: "99-zz-closewait.conf", Unread: []string{"/etc/sysctl.d/98-secret.conf"},
				Lost: []plan.Lost{
					{Key: "net.core.somaxconn", Line: look.BootLine{File: "/etc/sysctl.d/99-sysctl.conf", Number: 14, Value: "512", By: "Ansible"}, Loaders: []string{"systemd-sysctl"}},
					{Key: "net.core.somaxconn", Line: look.BootLine{File: "/etc/sysctl.conf", Number: 3, Value: "512"}, Loaders: []string{"sysctl --system"}},
				},
			},
			Managers: []look.Manager{{Name: "TuneD", Sign: "/etc/tuned/active_profile", Detail: "throughput-performance"}, {Name: "Puppet", Sign: "/opt/puppetlabs/puppet"}},
		},
		"container": {
			Wanted: []plan.Wanted{want(t, "tcp_keepalive_time", "600")}, Targets: []look.Settings{pod},
			Persist: &plan.Persist{Path: "/etc/sysctl.d/90-closewait.conf", After: "y"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			draft := tuning.Draft()
			c := report.Change{ChangeHead: report.ChangeHead{ID: "91d4"}, Steps: draft.Steps, Groups: draft.Groups}
			plan.Guard{}.Judge(draft, &c.ChangeHead, 0)
			var b bytes.Buffer
			for _, width := range []int{100, 50} {
				if err := render.Plan(&b, &c, plan.Insist(c.Refused), render.Style{Width: width}); err != nil {
					t.Fatal(err)
				}
			}
			golden.Compare(t, "tune/"+name+".golden", b.Bytes())
		})
	}
}

// TestTuning_risks says when the RFC's minimum is in the way.
func TestTuning_risks(t *testing.T) {
	for _, c := range []struct {
		settings string
		today    string // tcp_retries2 now
		below    bool
	}{
		{"tcp_retries2=8", "15", false},
		{"tcp_retries2=7", "15", true},
		{"tcp_retries2=3", "2", true},                         // also when it is raised
		{"tcp_retries2=3", "3", false},                        // nothing changes
		{"tcp_rto_max_ms=1000", "15", true},                   // 13.8 s
		{"tcp_rto_max_ms=30000", "15", false},                 // 291 s
		{"tcp_rto_max_ms=1000 tcp_retries2=200", "15", false}, // 197.8 s
		{"tcp_fin_timeout=1", "3", false},                     // not what the minimum is about
	} {
		target := defaults(1, "host")
		target.Values["net.ipv4.tcp_retries2"] = c.today
		tuning := plan.Tuning{Targets: []look.Settings{target}}
		for text := range strings.FieldsSeq(c.settings) {
			name, value, _ := strings.Cut(text, "=")
			tuning.Wanted = append(tuning.Wanted, want(t, name, value))
		}
		head := report.ChangeHead{}
		plan.Guard{}.Judge(tuning.Draft(), &head, 0)
		if got := slices.Contains(head.Risks, report.RiskBelowRFCMinimum); got != c.below || got != (len(head.Refused) == 1) {
			t.Errorf("%s from %s: risks %q, refused %v; want below-rfc-minimum %v", c.settings, c.today, head.Risks, head.Refused, c.below)
		}
	}
}

// TestTuning_steps: one for each namespace that has the setting, and what may not be written is refused for good.
func TestTuning_steps(t *testing.T) {
	lacking := defaults(2, "blue")
	delete(lacking.Values, "net.ipv4.tcp_max_orphans")
	tuning := plan.Tuning{Wanted: []plan.Wanted{want(t, "tcp_max_orphans", "1000"), want(t, "ip_local_port_range", "1024 65535")}, Targets: []look.Settings{defaults(1, "host"), lacking}}
	draft := tuning.Draft()
	var steps []string
	for _, s := range draft.Steps {
		steps = append(steps, fmt.Sprintf("%s in %d: %s → %s %s", s.Target, s.Netns.Inode, s.Before, s.After, *s.Detail.Sysctl))
	}
	wantSteps := []string{
		`net.ipv4.tcp_max_orphans in 1: 0 → 1000 {/proc/1/ns/net 0x1}`,
		`net.ipv4.ip_local_port_range in 1: 32768 60999 → 1024 65535 {/proc/1/ns/net 0x1}`,
		`net.ipv4.ip_local_port_range in 2: 32768 60999 → 1024 65535 {/proc/1/ns/net 0x2}`,
	}
	if !slices.Equal(steps, wantSteps) || !draft.Differs() {
		t.Errorf("steps\n%s", strings.Join(steps, "\n"))
	}
	tuning.Targets[1].Denied = []string{"net.ipv4.ip_local_port_range"}
	head := report.ChangeHead{}
	plan.Guard{}.Judge(tuning.Draft(), &head, 0)
	if len(head.Refused) != 1 || head.Refused[0].AcceptWith != "" || !strings.Contains(head.Refused[0].Why, "namespace blue") {
		t.Errorf("refused %v", head.Refused)
	}
}

// TestTuning_everySetting: each has something to say about who feels it.
func TestTuning_everySetting(t *testing.T) {
	for _, s := range setting.All() {
		value := s.Max
		if s.Unit == setting.Ports {
			continue
		}
		tuning := plan.Tuning{Wanted: []plan.Wanted{want(t, s.Name, fmt.Sprint(value))}, Targets: []look.Settings{defaults(1, "host")}}
		lines := tuning.Draft().Groups[0].Lines
		if !slices.ContainsFunc(lines, func(l report.Line) bool { return l.Label == "touches" && strings.Contains(l.Text, s.Touches) }) {
			t.Errorf("%s: %v", s.Name, lines)
		}
		for _, l := range lines {
			if strings.Contains(l.Text, "-") && strings.Contains(l.Text, " -") {
				t.Errorf("%s: a negative time in %q", s.Name, l.Text)
			}
		}
	}
}

// TestTuning_riskAnywhere: a value that is lower in one of the namespaces is a risk, whichever that is.
func TestTuning_riskAnywhere(t *testing.T) {
	same, higher := defaults(1, "host"), defaults(2, "blue")
	same.Values["net.ipv4.tcp_retries2"], higher.Values["net.ipv4.tcp_retries2"] = "9", "15"
	for _, test := range []struct {
		targets []look.Settings
		risky   bool
	}{{[]look.Settings{same, higher}, true}, {[]look.Settings{higher, same}, true}, {[]look.Settings{same}, false}} {
		tuning := plan.Tuning{Wanted: []plan.Wanted{want(t, "tcp_retries2", "9")}, Targets: test.targets}
		lines := tuning.Draft().Groups[0].Lines
		if got := slices.ContainsFunc(lines, func(l report.Line) bool { return l.Label == "risk" }); got != test.risky {
			t.Errorf("%d namespaces: %v", len(test.targets), lines)
		}
	}
}

// TestTuning_effects: where namespaces had different values, each is told.
func TestTuning_effects(t *testing.T) {
	other, third := defaults(2, "blue"), defaults(3, "red")
	other.Values["net.ipv4.tcp_fin_timeout"] = "20"
	third.Values["net.ipv4.tcp_fin_timeout"] = "30"
	tuning := plan.Tuning{Wanted: []plan.Wanted{want(t, "tcp_fin_timeout", "30")}, Targets: []look.Settings{defaults(1, "host"), other, third}}
	lines := tuning.Draft().Groups[0].Lines
	if len(lines) == 0 || lines[0].Text != "a closed connection waits about 30 s for the peer's FIN, was 60 s or 20 s" {
		t.Errorf("%v", lines)
	}
}
