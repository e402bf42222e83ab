package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/tcp"
)

// fuzz hands a format's variants, and each of their lines, to a target.
func fuzz(f *testing.F, prefix string) {
	f.Helper()
	seeds := 0
	for _, v := range variants {
		if !strings.HasPrefix(v.name, prefix) {
			continue
		}
		f.Add(v.text)
		for line := range strings.Lines(v.text) {
			f.Add(line)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatalf("no seeds for %q", prefix)
	}
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(sane)
}

// odd is what is no output of any one program, or hardly.
var odd = []string{
	"$ cat /proc/net/tcp\n  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4294967295 1\n   1: 0100007F:1F91 00000000:0000 01\n",
	"$ ss --tcp --options --wide --numeric\nESTAB 0 0 10.0.0.1%if7:22 10.0.0.2:50000\nESTAB 0 0 10.0.0.1:22 [fe80::1]:50000\nLISTEN 0 128 *:22 *:*\nLISTEN 0 128 0.0.0.0:23 *:*\n",
	"tcp4       0      0  127.0.0.1.22           127.0.0.1.50000        ESTABLISHED\n  TCP    10.0.0.1:135   10.0.0.2:50000   ESTABLISHED\n",
	"timer:(timewait,30sec,0)\n", "on (1e3/x/0)\n", "timewait (1.5/0/0)\n", "udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:*\n", strings.Repeat("x", 1<<17) + "\nESTAB 0 0 10.0.0.1:22 10.0.0.2:50000\n",
	strings.Repeat("ESTAB 0 0 10.0.0.1:22 10.0.0.2:50000\n", 10_002),
}

// sane holds what must be true of any text: no panic, no more sockets than lines, everything in step, and the same answer with Windows' line ends.
func sane(t *testing.T, text string) {
	snapshot, source, err := record.Parse(strings.NewReader(text), time.Time{}, record.Limits{Sockets: 10_000})
	if source == nil || source.Ignored+source.Skipped.Lines > source.Lines || len(source.Skipped.First) > source.Skipped.Lines {
		t.Fatalf("source %+v", source)
	}
	if err != nil {
		if snapshot != nil {
			t.Fatal("a snapshot with an error")
		}
		return
	}
	sockets := snapshot.Namespaces[0].Sockets
	if len(sockets) > source.Lines || len(sockets) != source.Sockets || len(sockets) != len(source.Details) || source.Repeated > len(sockets) {
		t.Fatalf("%d sockets, source %+v", len(sockets), source)
	}
	cookies := map[tcp.Cookie]bool{}
	for i := range sockets {
		s, d := &sockets[i], &source.Details[i]
		switch {
		case s.Family != tcp.IPv4 && s.Family != tcp.IPv6, s.State == 0, !s.Local.IsValid(), !s.Peer.IsValid(), (s.Family == tcp.IPv4) != s.Local.Addr().Is4(),
			s.Timer.Expires < 0, s.Cookie == 0, d.Line < 1 || d.Line > source.Lines, s.Local.Addr().Zone() != "":
			t.Fatalf("socket %+v, %+v", s, d)
		case record.StandIn(s.Cookie) && cookies[s.Cookie] && !strings.Contains(text, "sk:8"):
			t.Fatalf("cookie %v twice", s.Cookie)
		}
		cookies[s.Cookie] = true
	}
	for inode := range snapshot.Holders.All() {
		if inode == 0 {
			t.Fatal("a holder of nothing")
		}
	}
	if !strings.Contains(text, "\r") {
		again, _, err := record.Parse(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")), time.Time{}, record.Limits{})
		if err != nil || again.Count() != len(sockets) {
			t.Fatalf("with \\r\\n: %v", err)
		}
	}
}

func FuzzParse_ss(f *testing.F)      { fuzz(f, "ss_") }
func FuzzParse_netstat(f *testing.F) { fuzz(f, "netstat_") }
func FuzzParse_proc(f *testing.F)    { fuzz(f, "proc") }
func FuzzParse_timer(f *testing.F)   { fuzz(f, "timer_") }

// FuzzParse_info fuzzes the words that follow the addresses.
func FuzzParse_info(f *testing.F) {
	seeds := []string{
		"timer:(on,9.004sec,13) uid:5 ino:12 sk:1a fwmark:0x1f cgroup:unreachable:2a v6only:1 --- tos:0x10",
		"skmem:(r1,rb2,t3,tb4,f5,w6,o7,bl8,d9) ts sack reno rto:204 backoff:1 rtt:0.031/0.015 mss:32768 retrans:0/1 busy:8ms rwnd_limited:8ms(100.0%)",
		"users:((\"a\",pid=1,fd=2),(\"b\",pid=3,tid=4,fd=5)) timer:(keepalive,119min,0)", "users:((\"sshd\",1021,3))", "delivery_rate 800bps delivered:1 app_limited snd_wnd:4",
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if !strings.ContainsAny(words, "\n\r") {
			sane(t, "ESTAB 0 0 10.0.0.1:22 10.0.0.2:50000 "+words+"\n\t "+words+"\n")
		}
	})
}
