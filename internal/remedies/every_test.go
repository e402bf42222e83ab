package remedies

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// nasty is a name that somebody chose to have a pasted command do something else.
const nasty = "x'; rm -rf /\n#"

func owners() map[string]look.Workload {
	id := strings.Repeat("0a", 32)
	return map[string]look.Workload{
		"unit":       {Name: "payments.service", Kind: look.KindUnit, Unit: "payments.service", Cgroup: "/system.slice/payments.service"},
		"user unit":  {Name: "sync.service", Kind: look.KindUnit, Unit: "sync.service", Cgroup: "/user.slice/user-1000.slice/user@1000.service/app.slice/sync.service"},
		"scope":      {Name: "session-3.scope", Kind: look.KindUnit, Unit: "session-3.scope", Cgroup: "/user.slice/user-0.slice/session-3.scope"},
		"nasty unit": {Name: nasty + ".service", Kind: look.KindUnit, Unit: nasty + ".service", Cgroup: "/system.slice/" + nasty},
		"docker":     {Name: "web", Kind: look.KindContainer, Runtime: "docker", ContainerID: id, Cgroup: "/docker/" + id},
		"podman":     {Kind: look.KindContainer, Runtime: "podman", ContainerID: id, Cgroup: "/machine.slice/libpod-" + id + ".scope"},
		"containerd": {Name: id[:12], Kind: look.KindContainer, Runtime: "containerd", ContainerID: id, Cgroup: "/k8s.io/" + id},
		"container":  {Name: nasty, Kind: look.KindContainer, ContainerID: id, Cgroup: "/" + id},
		"pod":        {Name: "shop/cart-0", Kind: look.KindPod, Pod: "shop/cart-0", ContainerID: id, Runtime: "containerd", Cgroup: "/kubepods/x"},
		"pod's uid":  {Name: "d3b0", Kind: look.KindPod, Pod: "d3b07384-d113-4ec6-9b3b-1f0e3b2f4a5c", ContainerID: id, Cgroup: "/kubepods/y"},
		"process":    {Name: "orders", Cgroup: "/"},
	}
}

// executables are a program of each runtime.
func executables() map[Runtime]look.Process {
	all := map[Runtime]look.Process{"": {Exe: "/opt/daemon"}, Go: {Exe: "/usr/bin/exporter", Go: true}}
	for name, r := range programs {
		if _, have := all[r]; !have {
			all[r] = look.Process{Exe: "/usr/bin/" + name}
		}
	}
	return all
}

var deeds = []string{
	"", "blocked_in_read", "blocked_in_write", "blocked_in_connect", "blocked_in_lock", "sleeping", "busy_cpu", "uninterruptible", "stopped", "frozen",
	"not_accepting", "not_closing", "inherited", "other_leg", "peer", "local_drop", "fd_limit",
}

// every calls visit with cases of each code, owner and runtime, with all kinds of culprits, roles and ends among them, once they were given advice.
func every(t *testing.T, visit func(name string, c *Case)) {
	t.Helper()
	netns := "blue"
	places := []*report.Netns{nil, {Inode: 1, Name: new("host")}, {Inode: 2, Name: &netns}, {Inode: 3, PID: new(77)}}
	const rounds = 3 // each with other culprits, roles and ends
	n := 0
	for owner, w := range owners() {
		for r, p := range executables() {
			for _, code := range report.Codes() {
				if code >= "CW5" {
					continue
				}
				for range rounds {
					n++
					one, two := p, p
					one.PID, two.PID, one.Workload, two.Workload = 62, 63, w, w
					deed := deeds[n%len(deeds)]
					f := finding(code, deed, n)
					f.Netns = places[n%len(places)]
					processes := map[int]*look.Process{62: &one, 63: &two}
					Advise(f, processes)
					visit(fmt.Sprintf("%s %s of a %s (%s, %s)", code, f.Ends.Kind, owner, r, deed), newCase(f, processes))
				}
			}
		}
	}
	if n < 10_000 {
		t.Errorf("only %d cases", n)
	}
}

// finding makes a finding of a code; n varies what it may have and may lack.
func finding(code, deed string, n int) *report.Finding {
	f := &report.Finding{
		Code: code, Role: []*string{nil, new("server"), new("client"), new("listener"), new("relay"), new("closing")}[n%6],
		Ends:      report.Ends{Kind: []string{"never", "at", "unknown"}[n%3]},
		Processes: []report.Process{{PID: 62}, {PID: 63}}[:1+n%2],
		Peers:     []report.Peer{{Address: "::ffff:10.1.2.3", Port: new(uint16(443)), Count: 4}, {Address: nasty, Count: 1}}[:n%3],
	}
	if f.Ends.Kind == "at" {
		f.Ends.Limit = &report.Limit{Name: "tcp_retries2", Value: int64(n % 20)}
	}
	if n%4 > 0 {
		f.Local = &report.Endpoint{Address: "::", Port: 8080}
	}
	if n%5 > 2 {
		f.FDLimit = &report.FDLimit{Used: 900, Limit: 1024}
	}
	if n%7 > 3 {
		f.CausedBy = new("f1")
	}
	if deed != "" {
		f.Culprits = []report.Culprit{{PID: new(62), TID: new(70), What: deed, Peer: &report.Endpoint{Address: "2001:db8::1", Port: 5432}}}
	}
	return f
}

// TestEvery_prohibitions: what does harm, or hides what is wrong, is proposed to nobody.
func TestEvery_prohibitions(t *testing.T) {
	destroys := regexp.MustCompile(`ss -K|--kill|--how=destroy|closewait close`)
	setting := regexp.MustCompile(`sysctl -w|/proc/sys|closewait tune|setfattr`)
	signal := regexp.MustCompile(`^(sudo )?kill( -\w+)? |pkill|killall`)
	harmful := regexp.MustCompile(`\bkill -(9|KILL)|SIGKILL|\bgdb\b|reboot|tcp_tw|conntrack|drop_caches`)
	first := regexp.MustCompile(`\bkill( -\w+)?( \d+)* 1\b`)
	kept := map[string]bool{"CW101": true, "CW102": true, "CW103": true, "CW104": true, "CW106": true, "CW107": true, "CW108": true, "CW109": true, "CW110": true, "CW111": true, "CW112": true, "CW113": true, "CW404": true}
	every(t, func(name string, c *Case) {
		for _, r := range c.Remedies {
			says := func(format string, args ...any) {
				t.Errorf("%s: %q: %s", name, r.Command, fmt.Sprintf(format, args...))
			}
			switch {
			case kept[c.Code] && destroys.MatchString(r.Command):
				says("destroying frees neither a place in the queue nor a descriptor, and hides what is wrong")
			case c.Code < "CW3" && c.never() && setting.MatchString(r.Command):
				says("no timer runs that a setting could shorten")
			case strings.Contains(strings.ToLower(r.Command+r.Effect), "keepalive"):
				says("keepalive mends nothing here")
			case c.runtime.Database() && signal.MatchString(r.Command) && !strings.Contains(r.Command, "-CONT"):
				says("a database's process gets no signal")
			case harmful.MatchString(r.Command + r.Effect):
				says("nobody does this to a production host")
			case c.Code == "CW113" && (signal.MatchString(r.Command) || strings.Contains(r.Command, "restart")):
				says("no process holds it")
			case first.MatchString(r.Command):
				says("init")
			}
		}
	})
}

// TestEvery_complete: a reader finds something to do, or is told why there is nothing, and every command is a line that can be pasted.
func TestEvery_complete(t *testing.T) {
	plainWords := regexp.MustCompile(`^[ -~]+$`)
	every(t, func(name string, c *Case) {
		if len(c.Remedies) == 0 && c.Code != "CW112" && c.Code != "CW111" && c.Code != "CW202" && !strings.Contains(name, "of a pod's uid") && len(c.Processes) > 0 {
			t.Errorf("%s: nothing helps", name)
		}
		if c.Code < "CW3" && len(c.NotRemedies) == 0 {
			t.Errorf("%s: no word on what does not help", name)
		}
		for _, r := range c.Remedies {
			if !plainWords.MatchString(r.Command) || r.Effect == "" || r.Risk == "" || strings.ContainsAny(r.Effect+r.Risk, "\n") {
				t.Errorf("%s: %+v", name, r)
			}
		}
		for _, n := range c.NotRemedies {
			if n.What == "" || n.Why == "" {
				t.Errorf("%s: %+v", name, n)
			}
		}
		for _, k := range c.Verify {
			if !plainWords.MatchString(k.Command) || k.Shows == "" {
				t.Errorf("%s: %+v", name, k)
			}
		}
		if b := c.Bug; b != nil {
			if !plainWords.MatchString(b.What) || (b.Runtime == nil) != (c.runtime == "") || b.Look == nil {
				t.Errorf("%s: %+v", name, b)
			}
			for _, k := range b.Look {
				if !plainWords.MatchString(k.Command) || k.Shows == "" || strings.Contains(k.Command, "{pid}") || strings.Contains(k.Command, "{port}") {
					t.Errorf("%s: %+v", name, k)
				}
			}
		}
	})
}

// TestPlans: each cause that can be a finding has its row, and no other code has one.
func TestPlans(t *testing.T) {
	for _, code := range report.Codes() {
		if _, ok := plans[code]; ok == (code >= "CW5") {
			t.Errorf("%s: has a row: %v", code, ok)
		}
	}
	for code := range plans {
		if !slices.Contains(report.Codes(), code) {
			t.Errorf("%s is no code", code)
		}
	}
}
