package remedies

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

func TestRuntimeOf(t *testing.T) {
	for want, list := range map[Runtime][]look.Process{
		Java:       {{Exe: "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", Comm: "pool-1-thread-1"}},
		Python:     {{Exe: "/usr/bin/python3.11", Comm: "gunicorn"}, {Comm: "gunicorn", Cmdline: "/usr/bin/python3 /usr/bin/gunicorn app"}},
		PHP:        {{Exe: "/usr/sbin/php-fpm8.2"}, {Comm: "php-fpm8.2", Cmdline: "php-fpm: pool www"}},
		Ruby:       {{Exe: "/usr/bin/ruby3.1", Cmdline: "puma 5.6.5 (tcp://0.0.0.0:3000) [app]"}, {Cmdline: "puma: cluster worker 0", Comm: "puma"}},
		PostgreSQL: {{Exe: "/usr/lib/postgresql/15/bin/postgres"}, {Cmdline: "postgres: main app 10.0.0.3(51214) SELECT"}},
		Nginx:      {{Exe: "/usr/sbin/nginx", Cmdline: "nginx: worker process"}, {Cmdline: "nginx: worker process", Comm: "nginx"}},
		Go:         {{Exe: "/usr/bin/dockerd", Go: true, Comm: "dockerd"}},
		MySQL:      {{Exe: "/usr/sbin/mariadbd"}},
		Envoy:      {{Exe: "/usr/local/bin/envoy", Comm: "wrk:worker_0"}},
		"":         {{}, {Exe: "/opt/app/server", Comm: "server"}, {Exe: "/bin/sleep", Comm: "sleep", Cmdline: "sleep 600"}},
	} {
		for _, p := range list {
			if got := RuntimeOf(&p); got != want {
				t.Errorf("%+v: %q, want %q", p, got, want)
			}
		}
	}
	if got := RuntimeOf(nil); got != "" {
		t.Errorf("nobody: %q", got)
	}
}

// TestRestart pins the command for each kind of owner.
func TestRestart(t *testing.T) {
	want := map[string]string{
		"unit": "systemctl restart payments.service", "user unit": "systemctl --user restart sync.service", "scope": "kill 62", "docker": "docker restart web",
		"podman": "podman restart " + strings.Repeat("0a", 32), "containerd": "crictl stop 0a0a0a0a0a0a0", "container": "kill 62",
		"pod": "kubectl -n shop delete pod cart-0", "pod's uid": "crictl stop 0a0a0a0a0a0a0", "process": "kill 62",
		"nasty unit": "kill 62",
	}
	for name, w := range owners() {
		command, _ := restartCommand([]*look.Process{{PID: 62, Workload: w}}, "")
		if command != want[name] {
			t.Errorf("%s: %q, want %q", name, command, want[name])
		}
	}
	if command, _ := restartCommand([]*look.Process{{PID: 1}}, ""); command != "" {
		t.Errorf("init: %q", command)
	}
	if command, _ := restartCommand([]*look.Process{{PID: 5}, {PID: 7}}, ""); command != "kill 5 7" {
		t.Errorf("two: %q", command)
	}
}

// TestBugs: every runtime has its file, every file its runtime; all sections are for codes, and any.txt knows every cause of a program.
func TestBugs(t *testing.T) {
	files, err := fs.Glob(bugs, "bugs/*.txt")
	if err != nil || len(files) != len(Runtimes())+1 {
		t.Errorf("%d files for %d runtimes, %v", len(files), len(Runtimes()), err)
	}
	for _, r := range append(Runtimes(), "any") {
		list := sections(r)
		if len(list) == 0 {
			t.Errorf("%s has no sections", r)
		}
		for _, s := range list {
			for _, code := range s.codes {
				if code != "threads" && !slices.Contains(report.Codes(), code) {
					t.Errorf("%s: a section for %q", r, code)
				}
			}
			if s.what == "" && len(s.look) == 0 {
				t.Errorf("%s: the section %v says nothing", r, s.codes)
			}
			for _, k := range s.look {
				if k.Command == "" || k.Shows == "" || strings.Contains(k.Shows, "|") || strings.Count(k.Command, "'")%2 != 0 {
					t.Errorf("%s: %v: %+v", r, s.codes, k)
				}
			}
		}
	}
	for code := range plans {
		programs := code < "CW3" && code != "CW112" && code != "CW113" && code != "CW203" && code != "CW204"
		if programs && find(sections("any"), code, "") == nil {
			t.Errorf("any.txt has nothing on %s", code)
		}
	}
}

func TestBug_prefers(t *testing.T) {
	server, client := "server", "client"
	for _, test := range []struct {
		code, exe string
		role      *string
		want      string
	}{
		{"CW101", "/usr/bin/node", &server, "allowHalfOpen"},
		{"CW101", "/usr/bin/node", &client, "res.resume"},
		{"CW101", "/opt/daemon", &client, "opens a connection"},
		{"CW101", "/opt/daemon", nil, "Some path"},
		{"CW111", "/usr/bin/node", nil, "does not run"},
		{"CW107", "/usr/lib/postgresql/15/bin/postgres", &server, "client_connection_check_interval"},
	} {
		f := &report.Finding{Code: test.code, Role: test.role, Processes: []report.Process{{PID: 62}}}
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: test.exe}})
		if f.Bug == nil || !strings.Contains(f.Bug.What, test.want) {
			t.Errorf("%+v: %+v", test, f.Bug)
		}
	}
	for exe, want := range map[string][]string{"/usr/bin/node": {"nothing was sent back", "allowHalfOpen"}, "/opt/daemon": {"nothing was sent back", "without close()."}} {
		for code, commands := range map[string]int{"CW101": 0, "CW102": 1} {
			f := &report.Finding{Code: code, Role: &server, Count: 5, Unanswered: new(3), Processes: []report.Process{{PID: 62}}}
			if Advise(f, map[int]*look.Process{62: {PID: 62, Exe: exe}}); f.Bug == nil || !strings.Contains(f.Bug.What, want[0]) || code == "CW101" && !strings.Contains(f.Bug.What, want[1]) || len(f.Bug.Look) < commands {
				t.Errorf("%s of %s that owes answers: %+v", code, exe, f.Bug)
			}
			f.Unanswered = new(2)
			if Advise(f, nil); strings.Contains(f.Bug.What, want[0]) {
				t.Errorf("%s where most were answered: %s", code, f.Bug.What)
			}
		}
	}
	f := &report.Finding{Code: "CW312"}
	if Advise(f, nil); f.Bug != nil {
		t.Errorf("a setting is no program's bug: %+v", f.Bug)
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"nginx.service": "nginx.service", "a b": "'a b'", "x'; rm -rf /": `'x'\''; rm -rf /'`, "": "''", "pod-1_x@y": "pod-1_x@y", "--force": "'./--force'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	blue := "blue"
	for want, n := range map[string]*report.Netns{
		"ss": nil, "ip netns exec blue ss": {Inode: 2, Name: &blue}, "nsenter -t 77 -n ss": {Inode: 3, PID: new(77)},
	} {
		if got := (&Case{Finding: &report.Finding{Netns: n}}).within("ss"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestVerify_network: what asks the network does so in the finding's, and each figure of a queue has its command.
func TestVerify_network(t *testing.T) {
	pid := 77
	f := &report.Finding{
		Code: "CW104", Count: 3, Netns: &report.Netns{Inode: 3, PID: &pid}, Local: &report.Endpoint{Address: "127.0.0.1", Port: 80}, Processes: []report.Process{{PID: 62}},
		Victims: report.Victims{Count: 3, Listener: &report.Endpoint{Address: "127.0.0.1", Port: 80}},
	}
	commands := func() (list []string) {
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: "/usr/bin/redis-server"}})
		for _, k := range append(slices.Clone(f.Verify), f.Bug.Look...) {
			list = append(list, k.Command)
		}
		return list
	}
	for code, want := range map[string][]string{
		"CW104": {"nsenter -t 77 -n ss -tanoie state connected '( sport = :80 )'", "nsenter -t 77 -n ss -tln '( sport = :80 )'", "nsenter -t 77 -n nstat -az TcpExtListenOverflows TcpExtListenDrops"},
		"CW105": {"nsenter -t 77 -n ss -tanpoie state close-wait '( sport = :80 )'", "nsenter -t 77 -n ss -tln '( sport = :80 )'"},
	} {
		f.Code = code
		for _, command := range want {
			if list := commands(); !slices.Contains(list, command) {
				t.Errorf("%s: %q is not among %q", code, command, list)
			}
		}
	}
	f.Code, f.Netns, f.Victims = "CW110", nil, report.Victims{}
	if list := commands(); !strings.HasPrefix(list[0], "nsenter -t 62 -n lsof ") {
		t.Errorf("lsof says the same of live sockets outside of their namespace: %q", list)
	}
}

// TestInherited_once: where the heir is the only holder, ending it is one remedy.
func TestInherited_once(t *testing.T) {
	pid := 62
	f := &report.Finding{Code: "CW109", Processes: []report.Process{{PID: pid}}, Culprits: []report.Culprit{{What: "inherited", PID: &pid}}}
	Advise(f, map[int]*look.Process{62: {PID: 62, Exe: "/bin/sleep"}})
	if len(f.Remedies) != 1 || f.Remedies[0].Command != "kill 62" {
		t.Errorf("%+v", f.Remedies)
	}
}

// TestAsk: a database's own tool by itself talks to the server at the usual place of the host, and does there what was meant for another.
func TestAsk(t *testing.T) {
	blue, host, server := "blue", "host", "server"
	local := func(address string, port uint16) *report.Endpoint {
		return &report.Endpoint{Address: address, Port: port}
	}
	for _, test := range []struct {
		netns   *report.Netns
		local   *report.Endpoint
		command string
		want    string
	}{
		{nil, local("127.0.0.1", 6379), "redis-cli shutdown save", "redis-cli shutdown save"},
		{&report.Netns{Name: &host}, local("::", 6379), "redis-cli shutdown save", "redis-cli shutdown save"},
		{nil, nil, "redis-cli shutdown save", "redis-cli shutdown save"},
		{nil, local("::", 6380), "redis-cli shutdown save", "redis-cli -h 127.0.0.1 -p 6380 shutdown save"},
		{nil, local("::ffff:192.0.2.1", 3307), "mysqladmin shutdown", "mysqladmin -h 192.0.2.1 -P 3307 shutdown"},
		{&report.Netns{Inode: 3, Name: &blue}, local("2001:db8::1", 5432), "psql -c 'SELECT 1'", "ip netns exec blue psql -h 2001:db8::1 -p 5432 -c 'SELECT 1'"},
		{nil, local("::", 6380), "pg_ctl restart -m fast", "pg_ctl restart -m fast"},
	} {
		c := &Case{Finding: &report.Finding{Netns: test.netns, Role: &server, Local: test.local}}
		if got := c.ask(test.command); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	client := "client"
	if got := (&Case{Finding: &report.Finding{Role: &client, Local: local("192.0.2.1", 45000)}}).ask("redis-cli PING"); got != "redis-cli PING" {
		t.Errorf("the port of a client is no server's: %q", got)
	}
}

// TestHandler: what is asked to end the work ends it, and nothing but it.
func TestHandler(t *testing.T) {
	server := "server"
	inside := &report.Netns{Inode: 3, PID: new(77)}
	for _, test := range []struct {
		code, exe string
		netns     *report.Netns
		culprit   string
		want      string // the first remedy
	}{
		{"CW107", "/usr/bin/redis-server", nil, "busy_cpu", "redis-cli SCRIPT KILL"},
		{"CW106", "/usr/bin/redis-server", nil, "busy_cpu", "redis-cli SCRIPT KILL"},
		{"CW106", "/usr/bin/redis-server", nil, "blocked_in_read", "closewait show peer 10.0.0.7:8080"}, // keys are moved there
		{"CW107", "/usr/lib/postgresql/15/bin/postgres", nil, "", `psql -c "SELECT pg_cancel_backend(62), pg_cancel_backend(63)"`},
		{"CW102", "/usr/lib/postgresql/15/bin/postgres", inside, "", `nsenter -t 77 -n psql -c "SELECT pg_terminate_backend($(awk '/^NSpid:/ {print $NF}' /proc/62/status)), ` +
			`pg_terminate_backend($(awk '/^NSpid:/ {print $NF}' /proc/63/status))"`},
		{"CW102", "/usr/sbin/mariadbd", nil, "", "mysql -e 'SHOW FULL PROCESSLIST'"},
		{"CW106", "/usr/bin/python3.11", nil, "blocked_in_read", "closewait show peer 10.0.0.7:8080"},
		{"CW107", "/usr/sbin/varnishd", nil, "blocked_in_read", "wait"}, // and then see for whom
	} {
		f := &report.Finding{Code: test.code, Role: &server, Netns: test.netns, Processes: []report.Process{{PID: 62}, {PID: 63}}}
		if test.culprit != "" {
			f.Culprits = []report.Culprit{{PID: new(62), What: test.culprit, Peer: &report.Endpoint{Address: "10.0.0.7", Port: 8080}}}
		}
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: test.exe}, 63: {PID: 63, Exe: test.exe}})
		if len(f.Remedies) == 0 || f.Remedies[0].Command != test.want {
			t.Errorf("%+v: %+v", test, f.Remedies)
		}
		if test.culprit != "busy_cpu" && slices.ContainsFunc(f.Remedies, func(r report.Remedy) bool { return strings.Contains(r.Command, "SCRIPT") }) {
			t.Errorf("%+v", f.Remedies)
		}
		if test.want == "wait" && f.Remedies[1].Command != "closewait show peer 10.0.0.7:8080" {
			t.Errorf("%+v", f.Remedies)
		}
	}
}

// TestStopped: a signal lets those run on whom a signal has stopped, and nobody whom a debugger holds.
func TestStopped(t *testing.T) {
	for state, want := range map[byte]string{'T': "kill -CONT 62", 't': "grep TracerPid /proc/62/status", 0: "kill -CONT 62"} {
		f := &report.Finding{Code: "CW111", Processes: []report.Process{{PID: 62}}, Culprits: []report.Culprit{{PID: new(62), What: "stopped"}}}
		Advise(f, map[int]*look.Process{62: {PID: 62, State: state, Exe: "/usr/bin/socat"}})
		if len(f.Remedies) == 0 || f.Remedies[0].Command != want {
			t.Errorf("%q: %+v", state, f.Remedies)
		}
	}
}

// TestStopped_beside: who holds the connection as well and runs needs no signal.
func TestStopped_beside(t *testing.T) {
	f := &report.Finding{Code: "CW111", Processes: []report.Process{{PID: 62}, {PID: 63}}, Culprits: []report.Culprit{{PID: new(63), What: "stopped"}}}
	Advise(f, map[int]*look.Process{62: {PID: 62, State: 'S'}, 63: {PID: 63, State: 'T'}})
	if f.Remedies[0].Command != "kill -CONT 63" {
		t.Errorf("%+v", f.Remedies)
	}
}

// TestNotReading_owes: a server that has read requests and answered none may have handed them on: whom to is looked at before it is ended.
func TestNotReading_owes(t *testing.T) {
	for unanswered, want := range map[int]string{0: "kill 62", 2: "kill 62", 3: "lsof +E -a -p 62 -d '^mem'"} {
		f := &report.Finding{Code: "CW102", Count: 4, Unanswered: &unanswered, Processes: []report.Process{{PID: 62}}}
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: "/usr/sbin/lighttpd"}})
		if f.Remedies[0].Command != want || f.Remedies[len(f.Remedies)-1].Command != "kill 62" {
			t.Errorf("%d of 4: %+v", unanswered, f.Remedies)
		}
	}
}

// TestNotReading_caused: what keeps the program that should answer comes before a restart.
func TestNotReading_caused(t *testing.T) {
	for _, code := range []string{"CW101", "CW102"} {
		f := &report.Finding{Code: code, Count: 4, Unanswered: new(4), CausedBy: new("f1"), Processes: []report.Process{{PID: 62}}}
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: "/usr/sbin/nutcracker"}})
		if f.Remedies[0].Command != "closewait show f1" || f.Remedies[len(f.Remedies)-1].Command != "kill 62" {
			t.Errorf("%s: %+v", code, f.Remedies)
		}
	}
}

// TestBlocked_noPeer: where a worker waits for a pipe, a file or a datagram, who has its other end comes before a restart.
func TestBlocked_noPeer(t *testing.T) {
	for code, first := range map[string]int{"CW105": 0, "CW106": 0, "CW107": 1} {
		f := &report.Finding{
			Code: code, Netns: &report.Netns{PID: new(77)}, Processes: []report.Process{{PID: 62}},
			Culprits: []report.Culprit{{PID: new(62), TID: new(62), FD: new(1), What: "blocked_in_write"}},
		}
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: "/usr/bin/python3.11"}})
		if len(f.Remedies) != first+2 || f.Remedies[first].Command != "nsenter -t 77 -n lsof +E -a -p 62 -d 1" { // it asks the network for the other ends of local sockets
			t.Errorf("%s: %+v", code, f.Remedies)
		}
	}
}

// TestBlocked_uninterruptible: what a thread waits for in the kernel comes before a restart, whose signal may wait for that, too.
func TestBlocked_uninterruptible(t *testing.T) {
	for code, first := range map[string]int{"CW105": 0, "CW106": 0, "CW107": 1} {
		f := &report.Finding{Code: code, Processes: []report.Process{{PID: 62}}, Culprits: []report.Culprit{{PID: new(62), TID: new(64), What: "uninterruptible"}}}
		Advise(f, map[int]*look.Process{62: {PID: 62, Exe: "/usr/bin/python3.11"}})
		if len(f.Remedies) != first+2 || f.Remedies[first].Command != "cat /proc/62/task/64/stack" || !strings.HasSuffix(f.Remedies[first].Effect, "a signal to end it may wait, too") {
			t.Errorf("%s: %+v", code, f.Remedies)
		}
	}
}

// TestHandler_scripts: programs that work for clients that have left are ended with what they have started, which has their output as well.
func TestHandler_scripts(t *testing.T) {
	executed := func(pid, parent int, children ...int) *look.Process {
		return &look.Process{PID: pid, PPID: parent, Exe: "/bin/sh", Activity: &look.Activity{Executed: true, Children: children}}
	}
	processes := map[int]*look.Process{62: executed(62, 1, 70, 71), 70: executed(70, 62, 80), 80: executed(80, 70), 71: executed(71, 62), 90: executed(90, 1)}
	processes[63], processes[72] = executed(63, 1, 72, 73), executed(72, 63, 80)
	f := &report.Finding{Code: "CW107", Processes: []report.Process{{PID: 63}}, Culprits: []report.Culprit{{PID: new(63), What: "sleeping", Syscall: new("wait4")}}}
	if Advise(f, processes); f.Remedies[1].Command != "kill 72 80" {
		t.Errorf("it waits for the end of one: %+v", f.Remedies)
	}
	for culprit, want := range map[int]string{70: "kill 70 80", 62: "kill 62", 90: "kill 62"} {
		f := &report.Finding{Code: "CW107", Processes: []report.Process{{PID: 62}}, Culprits: []report.Culprit{{PID: &culprit, What: "sleeping"}}}
		if Advise(f, processes); f.Remedies[1].Command != want {
			t.Errorf("%d: %+v", culprit, f.Remedies)
		}
	}
}
