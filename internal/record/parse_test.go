package record_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/tcp"
	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, text string) (*look.Snapshot, *record.Source) {
	t.Helper()
	snapshot, source, err := record.Parse(strings.NewReader(text), time.Unix(1000, 0), record.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return snapshot, source
}

// brief is a socket in one line: state, ends, queues, timer with resolution, inode and uid if known, holders.
func brief(snapshot *look.Snapshot, source *record.Source, i int) string {
	s, d := &snapshot.Namespaces[0].Sockets[i], &source.Details[i]
	line := fmt.Sprintf("%v %v %v > %v q %d/%d", s.Family, s.State, s.Local, s.Peer, s.RecvQueue, s.SendQueue)
	line += fmt.Sprintf(" %v %d %v+%v", s.Timer.Kind, s.Timer.Count, s.Timer.Expires, d.Expires)
	if d.InodeKnown {
		line += fmt.Sprintf(" ino %d", s.Inode)
	}
	if d.UIDKnown {
		line += fmt.Sprintf(" uid %d", s.UID)
	}
	for _, h := range snapshot.Holders.Of(s.Inode) {
		line += fmt.Sprintf(" %s/%d/%d", snapshot.Processes[h.PID].Comm, h.PID, h.FD)
	}
	return line
}

func briefs(snapshot *look.Snapshot, source *record.Source) []string {
	var lines []string
	for i := range snapshot.Namespaces[0].Sockets {
		lines = append(lines, brief(snapshot, source, i))
	}
	return lines
}

// variants are texts as people paste them, with the sockets in them.
var variants = []struct {
	name, text, format string
	skipped            int
	want               []string
}{
	{"timer_alone", "on (110.84/13/0)", "timer", 0, []string{"ipv4 established 0.0.0.0:0 > 0.0.0.0:0 q 0/0 retransmit 13 1m50.84s+10ms"}},
	{"timer_quoted", "`CLOSE_WAIT  on (110.84/13/0)`\r\n", "timer", 0, []string{"ipv4 close_wait 0.0.0.0:0 > 0.0.0.0:0 q 0/0 retransmit 13 1m50.84s+10ms"}},
	{"timer_of_ss", "timer:(persist,1min50sec,3)", "timer", 0, []string{"ipv4 established 0.0.0.0:0 > 0.0.0.0:0 q 0/0 persist 3 1m50s+1s"}},
	{
		"netstat_line", "tcp        1      0 10.0.0.3:80             203.0.113.9:5121        CLOSE_WAIT  on (110.84/13/0)\n", "netstat", 0,
		[]string{"ipv4 close_wait 10.0.0.3:80 > 203.0.113.9:5121 q 1/0 retransmit 13 1m50.84s+10ms"},
	},
	{
		"netstat_timers", `root@web-03:~# netstat -natpo | grep -v LISTEN
(Not all processes could be identified, non-owned process info
 will not be shown, you would have to be root to see it all.)
Active Internet connections (servers and established)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name     Timer
tcp        0      0 10.0.0.3:80             203.0.113.9:1           ESTABLISHED 2214/java            keepalive (6176.47/0/2)
tcp        0    990 10.0.0.3:80             203.0.113.9:2           CLOSE_WAIT  812/nginx: worker pr probe (0.70/0/2)
tcp        0      0 10.0.0.3:80             203.0.113.9:3           TIME_WAIT   -                    timewait (40.12/0/0)
tcp        0      0 10.0.0.3:80             203.0.113.9:4           ESTABLISHED -                    off (0.00/0/0)
tcp        0      1 10.0.0.3:80             203.0.113.9:5           LAST_ACK    -                    unkn-4 (3.20/0/7)
tcp        0      0 10.0.0.3:80             203.0.113.9:6           SYN_RECV    -                    on (2.56/1/0)
tcp6       0      0 :::443                  :::*                    LISTEN      9/haproxy            off (0.00/0/0)
tcp6       0      0 ::1:443                 ::1:50000               ESTABLISHED -                    on (0,20/0/0)
tcp6       0      0 192.0.2.1:443           192.0.2.7:50000         ESTABLISHED -                    off (0.00/0/0)
`, "netstat", 0,
		[]string{
			"ipv4 established 10.0.0.3:80 > 203.0.113.9:1 q 0/0 keepalive 2 1h42m56.47s+10ms java/2214/-1",
			"ipv4 close_wait 10.0.0.3:80 > 203.0.113.9:2 q 0/990 persist 2 700ms+10ms nginx: worker pr/812/-1",
			"ipv4 time_wait 10.0.0.3:80 > 203.0.113.9:3 q 0/0 timewait 0 40.12s+10ms ino 0",
			"ipv4 established 10.0.0.3:80 > 203.0.113.9:4 q 0/0 none 0 0s+0s",
			"ipv4 last_ack 10.0.0.3:80 > 203.0.113.9:5 q 0/1 persist 7 3.2s+10ms",
			"ipv4 syn_received 10.0.0.3:80 > 203.0.113.9:6 q 0/0 retransmit 1 2.56s+10ms ino 0",
			"ipv6 listen [::]:443 > [::]:0 q 0/0 none 0 0s+0s haproxy/9/-1",
			"ipv6 established [::1]:443 > [::1]:50000 q 0/0 retransmit 0 200ms+10ms",
			"ipv6 established [::ffff:192.0.2.1]:443 > [::ffff:192.0.2.7]:50000 q 0/0 none 0 0s+0s",
		},
	},
	{
		"netstat_user_inode", `Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name
tcp        0      0 127.0.0.1:8080          0.0.0.0:*               LISTEN      1000       2347878    1534/python3
tcp        0      0 127.0.0.1:8081          0.0.0.0:*               LISTEN      root       2347879    -
tcp        0      0 127.0.0.1:8082          0.0.0.0:*               LISTEN      www-data   2347880    -
`, "netstat", 0,
		[]string{
			"ipv4 listen 127.0.0.1:8080 > 0.0.0.0:0 q 0/0 none 0 0s+0s ino 2347878 uid 1000 python3/1534/-1",
			"ipv4 listen 127.0.0.1:8081 > 0.0.0.0:0 q 0/0 none 0 0s+0s ino 2347879 uid 0",
			"ipv4 listen 127.0.0.1:8082 > 0.0.0.0:0 q 0/0 none 0 0s+0s ino 2347880",
		},
	},
	{
		"netstat_cut_addresses", `tcp6       0      0 2001:db8::1:443         2001:db8:85a3::8a:50000 ESTABLISHED
tcp6       0      0 2001:db8::1:443         2001:db8::2:50001       ESTABLISHED
tcp6       0      0 2001:db8::1:443         2001:db8:85a3:8d3::8a2e:50000 ESTABLISHED
`, "netstat", 0,
		[]string{
			"ipv6 established [2001:db8::1]:443 > [2001:db8:85a3::8a]:50000 q 0/0 unknown 0 0s+0s",
			"ipv6 established [2001:db8::1]:443 > [2001:db8::2]:50001 q 0/0 unknown 0 0s+0s",
			"ipv6 established [2001:db8::1]:443 > [2001:db8:85a3:8d3::8a2e]:50000 q 0/0 unknown 0 0s+0s",
		},
	},
	{
		"netstat_may_be_cut", `tcp6       0      0 2001:db8::1:443         2001:db8:85a3::8a:50000 ESTABLISHED 7/a
tcp6       0      0 2001:db8::1:443         2001:db8::2:50001       ESTABLISHED 8/b
tcp        0      0 localhost:ssh           web:https               ESTABLISHED -
`, "netstat", 2,
		[]string{"ipv6 established [2001:db8::1]:443 > [2001:db8::2]:50001 q 0/0 unknown 0 0s+0s b/8/-1"},
	},
	{
		"ss_today", "bob@web:~$ sudo ss -tanoep\n[sudo] password for bob: \n" +
			"State      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n" +
			"LISTEN     0      5                  *:https            *:*     users:((\"we(b\",pid=7,fd=3),(\"we(b\",pid=8,fd=3)) ino:11 sk:5 v6only:0 <->\n" +
			"\x1b[1mESTAB\x1b[0m      0      0      [fe80::1]%eth0:22   [fe80::2]:50000 timer:(keepalive,119min,0) uid:33 ino:12 sk:6 cgroup:/a.slice <->   \r\n" +
			"CLOSE-WAIT 1 0 127.0.0.1%lo:22 127.0.0.1:50000 users:((\"Web Content\",pid=9,tid=9,fd=4),(\"Web Content\",pid=9,tid=10,fd=4)) timer:(on,9.004sec,13) ino:13 sk:7 -->\n" +
			"TIME-WAIT  0      0         10.0.0.1:22        10.0.0.2:50000 timer:(timewait,8.679ms,0) ino:0 sk:8\n",
		"ss", 0,
		[]string{
			"ipv6 listen [::]:443 > [::]:0 q 0/5 none 0 0s+0s ino 11 uid 0 we(b/7/3 we(b/8/3",
			"ipv6 established [fe80::1]:22 > [fe80::2]:50000 q 0/0 keepalive 0 1h59m0s+1m0s ino 12 uid 33",
			"ipv4 close_wait 127.0.0.1:22 > 127.0.0.1:50000 q 1/0 retransmit 13 9.004s+1ms ino 13 uid 0 Web Content/9/4",
			"ipv4 time_wait 10.0.0.1:22 > 10.0.0.2:50000 q 0/0 timewait 0 8.679s+1ms ino 0 uid 0",
		},
	},
	{
		"ss_before_4_14", `State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port
LISTEN     0      128                       *:22                       *:*      users:(("sshd",1021,3))
LISTEN     0      128                      :::22                      :::*      users:(("sshd",1021,4))
ESTAB      0      0          ::ffff:10.0.0.1:80          ::ffff:10.0.0.2:50000  timer:(on,,15)
ESTAB      0      0                 10.0.0.1:22                 10.0.0.2:50001  timer:(unknown,040ms,0)
`, "ss", 0,
		[]string{
			"ipv4 listen 0.0.0.0:22 > 0.0.0.0:0 q 0/128 none 0 0s+0s sshd/1021/3",
			"ipv6 listen [::]:22 > [::]:0 q 0/128 none 0 0s+0s sshd/1021/4",
			"ipv6 established [::ffff:10.0.0.1]:80 > [::ffff:10.0.0.2]:50000 q 0/0 retransmit 15 0s+1ms",
			"ipv4 established 10.0.0.1:22 > 10.0.0.2:50001 q 0/0 unknown 0 40ms+1ms",
		},
	},
	{
		"ss_one_state", "$ ss -tno state close-wait\nRecv-Q Send-Q Local Address:Port Peer Address:Port\n3 0 127.0.0.1:8080 127.0.0.1:36528\n", "ss", 0,
		[]string{"ipv4 close_wait 127.0.0.1:8080 > 127.0.0.1:36528 q 3/0 none 0 0s+0s"},
	},
	{
		"ss_all_protocols", `Netid State      Recv-Q Send-Q Local Address:Port     Peer Address:Port    Process
nl    UNCONN     0      0               rtnl:kernel               *
udp   UNCONN     0      0            0.0.0.0:68             0.0.0.0:*
	 skmem:(r0)
tcp   ESTAB      0      0          127.0.0.1:36522       127.0.0.1:8080
u_str ESTAB      0      0                  * 1                    * 2
`, "ss", 0, []string{"ipv4 established 127.0.0.1:36522 > 127.0.0.1:8080 q 0/0 unknown 0 0s+0s"}},
	{
		"proc", `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 2347878 1 00000000a96374e4 100 0 0 10 0
   3: 0100007F:1F90 0200000A:A0D8 08 000003E8:00000003 01:00002B4C 0000000D    33        0 2347887 2 000000000917973a 12000 4 28 1 7
   4: 0100007F:A0D8 0100007F:1F90 05 00000000:00000000 03:00001747 00000000     0        0 0 3 0000000096840589
   5: 00000000000000000000000001000000:1F91 B80D0120000000000000000001000000:857A 01 00000000:00000000 02:FFFFFFFD 00000000     0        2 9 1 0000000065421f51 20 0 0 10 -1
`, procFormat, 0,
		[]string{
			"ipv4 listen 127.0.0.1:8080 > 0.0.0.0:0 q 3/0 none 0 0s+0s ino 2347878 uid 0",
			"ipv4 close_wait 127.0.0.1:8080 > 10.0.0.2:41176 q 3/1000 retransmit 13 1m50.84s+10ms ino 2347887 uid 33",
			"ipv4 fin_wait_2 127.0.0.1:41176 > 127.0.0.1:8080 q 0/0 timewait 0 59.59s+10ms ino 0 uid 0",
			"ipv6 established [::1]:8081 > [2001:db8::1]:34170 q 0/0 keepalive 2 0s+10ms ino 9 uid 0",
		},
	},
	{
		"mail", "> State Recv-Q Send-Q Local Address:Port Peer Address:Port\n> ESTAB\u00a00\u00a00\u00a010.0.0.1:22 10.0.0.2:1 timer:(on,200ms,0)\n> \n> what is this?\n", "ss", 1,
		[]string{"ipv4 established 10.0.0.1:22 > 10.0.0.2:1 q 0/0 retransmit 0 200ms+1ms"},
	},
	{
		"ss_cut_lines", "ESTAB 0 0 10.0.0.1:22 10.0.0.2:1 timer:(on,2\nESTAB 0 0 10.0.0.1:22 10.0.0.2:2 users:((\"a\",pid=1\nESTAB 0 0 10.0.0.1:22 10.0.0.2:3 tim\nESTAB 0 0 10.0.0.1:22 10.0.0.2:4 timer:(on,200ms,0)\n", "ss", 0,
		[]string{
			"ipv4 established 10.0.0.1:22 > 10.0.0.2:1 q 0/0 unknown 0 0s+0s",
			"ipv4 established 10.0.0.1:22 > 10.0.0.2:2 q 0/0 unknown 0 0s+0s",
			"ipv4 established 10.0.0.1:22 > 10.0.0.2:3 q 0/0 unknown 0 0s+0s",
			"ipv4 established 10.0.0.1:22 > 10.0.0.2:4 q 0/0 retransmit 0 200ms+1ms",
		},
	},
}

const procFormat = "/proc/net/tcp"

func TestParse(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			for _, text := range []string{v.text, strings.ReplaceAll(v.text, "\n", "\r\n"), "\n\n$ \n" + v.text, "    " + strings.ReplaceAll(v.text, "\n", "\n    ")} {
				snapshot, source := parse(t, text)
				if diff := cmp.Diff(v.want, briefs(snapshot, source)); diff != "" {
					t.Errorf("(-want +got)\n%s\n%q", diff, text)
				}
				if source.Format != v.format || source.Skipped.Lines != v.skipped || source.Sockets != len(v.want) {
					t.Errorf("source %+v", source)
				}
			}
		})
	}
}

func TestParse_snapshot(t *testing.T) {
	snapshot, source := parse(t, "tcp 0 0 10.0.0.1:22 10.0.0.2:1 CLOSE_WAIT on (0.20/0/0)\ntcp 0 0 10.0.0.1:22 10.0.0.2:2 LAST_ACK off (0.00/0/0)")
	sockets := snapshot.Namespaces[0].Sockets
	a, b := sockets[0], sockets[1]
	switch {
	case !snapshot.TakenAt.Equal(time.Unix(1000, 0)), snapshot.Namespaces[0].Name != "", snapshot.Namespaces[0].Sysctls != nil, snapshot.HoldersComplete:
		t.Errorf("snapshot %+v", snapshot)
	case !record.StandIn(a.Cookie), a.Cookie == b.Cookie, a.Inode == 0, a.Inode == b.Inode, a.UID != record.UnknownUID, a.Unaccepted(), b.Orphan():
		t.Errorf("sockets %+v, %+v", a, b)
	case snapshot.Sought(&a), snapshot.Holders.Of(a.Inode) != nil:
		t.Error("owners were looked for")
	}
	want := []look.Missing{{Code: "CW501", Message: "the text does not name the owners of 2 sockets", Remedy: "sudo ss -tanoiemp"}}
	if diff := cmp.Diff(want, snapshot.Missing); diff != "" {
		t.Error(diff)
	}
	for f, want := range map[tcp.Field]uint64{tcp.Retransmits: 0, tcp.Probes: 0} {
		if n, ok := a.Info.Uint(f); n != want || !ok {
			t.Errorf("%v %d, %v", f, n, ok)
		}
	}
	if source.Lines != 2 || len(source.Unknown) == 0 {
		t.Errorf("source %+v", source)
	}
}

// TestParse_standInInode gives no inode that another socket really has.
func TestParse_standInInode(t *testing.T) {
	snapshot, _ := parse(t, "ESTAB 0 0 1.1.1.1:1 2.2.2.2:2\nESTAB 0 0 1.1.1.1:1 2.2.2.2:3 ino:4294967295 sk:1\nESTAB 0 0 1.1.1.1:1 2.2.2.2:4\n")
	sockets := snapshot.Namespaces[0].Sockets
	if sockets[0].Inode != 1<<32-2 || sockets[1].Inode != 1<<32-1 || sockets[2].Inode != 1<<32-3 {
		t.Errorf("inodes %d %d %d", sockets[0].Inode, sockets[1].Inode, sockets[2].Inode)
	}
}

func TestParse_several(t *testing.T) {
	const listener = "tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN off (0.00/0/0)\n"
	text := "$ netstat -ntlo\n" + listener + listener + "$ ss -tn\nESTAB 0 0 10.0.0.1:80 10.0.0.2:1\n$ ss -tno\nESTAB 0 0 10.0.0.1:80 10.0.0.2:1\nESTAB 0 0 10.0.0.1:80 10.0.0.2:2\n"
	snapshot, source := parse(t, text)
	if source.Format != "netstat, ss" || source.Repeated != 1 || source.Sockets != 5 || source.Ignored != 3 || source.Skipped.Lines != 0 {
		t.Errorf("source %+v", source)
	}
	if s := snapshot.Namespaces[0].Sockets; s[2].Timer.Kind != record.TimerUnknown || s[3].Timer.Kind != tcp.TimerNone {
		t.Errorf("timers %v, %v", s[2].Timer, s[3].Timer)
	}
}

func TestParse_skipped(t *testing.T) {
	for text, reason := range map[string]string{
		"ESTAB 0 0 10.0.0.1:http-alt 10.0.0.2:1":               "use -n",
		"tcp 0 0 localhost:22 10.0.0.2:1 ESTABLISHED":          "host name",
		"tcp 0 0 10.0.0.1:22 10.0.0.2:1 VERBUNDEN":             "LC_ALL=C",
		"tcp6 0 0 2001:db8:85a3:8d3:131:443 ::1:1 ESTABLISHED": "netstat -W",
		"tcp4 0 0 10.0.0.1.22 10.0.0.2.1 ESTABLISHED":          "another operating system",
		"3 0 127.0.0.1:8080 127.0.0.1:36528":                   "no state",
		"\t cubic rto:204 rtt:1/2":                             "own line is missing",
		"UNCONN 0 0 0.0.0.0:68 0.0.0.0:*":                      "UDP",
		"0: 0100007F:1F90 00000000:0000 0A":                    "column",
		"0: 0100007F:1F90 00000000:0000 07 0:0 0:0 0 0 0 0":    "state",
		"what is this?":                     "not a line",
		"ESTAB 0 0 10.0.0.1:22 [::1]:1":     "different families",
		"ESTAB 0 0 10.0.0.1:22":             "no address",
		"ESTAB":                             "alone",
		strings.Repeat("x", 70<<10) + "\nz": "longer than",
		"tcp 0 0 1.1.1.1:1 2.2.2.2:2 CLOSE_WAIT on (1.00/256/0)\ntcp x": "",
	} {
		_, source, err := record.Parse(strings.NewReader(text), time.Time{}, record.Limits{})
		if reason == "" {
			continue
		}
		if !errors.Is(err, record.ErrUnreadable) || !strings.Contains(err.Error(), reason) || len(source.Skipped.First) == 0 || !strings.Contains(err.Error(), "for example") {
			t.Errorf("%.60q: %v, %+v", text, err, source.Skipped)
		}
	}
}

func TestParse_nothing(t *testing.T) {
	for _, text := range []string{"", "\n", "$ ls\n"} {
		if _, _, err := record.Parse(strings.NewReader(text), time.Time{}, record.Limits{}); !errors.Is(err, record.ErrUnreadable) {
			t.Errorf("%q: %v", text, err)
		}
	}
	// A host without such sockets is an answer.
	snapshot, _ := parse(t, "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n")
	if snapshot.Count() != 0 {
		t.Error("sockets out of nothing")
	}
}

func TestParse_limits(t *testing.T) {
	line := "ESTAB 0 0 10.0.0.1:22 10.0.0.2:1\n"
	if _, _, err := record.Parse(strings.NewReader(line+line), time.Time{}, record.Limits{Sockets: 1}); !errors.Is(err, record.ErrTooMany) {
		t.Error(err)
	}
	if _, _, err := record.Parse(strings.NewReader(line+line), time.Time{}, record.Limits{Bytes: int64(2*len(line)) - 1}); !errors.Is(err, record.ErrTooLong) {
		t.Error(err)
	}
	if _, _, err := record.Parse(strings.NewReader(line+line), time.Time{}, record.Limits{Bytes: int64(2 * len(line)), Sockets: 2}); err != nil {
		t.Error(err)
	}
	_, source := parse(t, strings.Repeat("x", 200<<10)+"\n"+line)
	if source.Skipped.Lines != 1 || source.Sockets != 1 || source.Lines != 2 {
		t.Errorf("%+v", source)
	}
}

func TestParse_unknown(t *testing.T) {
	for text, want := range map[string][]string{
		"on (110.84/13/0)":                           {"state, addresses", "10 ms|elapsed time", "net.ipv4"},
		"ESTAB 0 0 10.0.0.1:22 10.0.0.2:1":           {"with -o", "with -i", "with -e", "with -p", "net.ipv4"},
		"tcp 0 0 10.0.0.1:22 10.0.0.2:1 ESTABLISHED": {"with -o", "no tcp_info", "10 ms", "-ee", "with -p", "cookies"},
		"ESTAB 0 0 1.1.1.1:2 2.2.2.2:1 timer:(on,11sec,1) users:((\"a\",pid=1,fd=2)) ino:1 sk:1 cubic rto:204 mss:1": {"snd_wnd", "tcpi_total_rto_time", "whole seconds"},
	} {
		_, source := parse(t, text)
		all := strings.Join(source.Unknown, "\n")
		for _, word := range want {
			if one, other, _ := strings.Cut(word, "|"); !strings.Contains(all, one) && (other == "" || !strings.Contains(all, other)) {
				t.Errorf("%q: %q not in\n%s", text, word, all)
			}
		}
	}
}
