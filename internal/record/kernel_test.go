package record_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/tcp"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// form is a text about the sockets of a namespace, and what it shows of them.
type form struct {
	name                         string
	command                      []string // nil for /proc/net/tcp{,6}
	listeners                    bool
	timers, inodes, info, memory bool
	cookies, backlog             bool
	owners                       bool
}

var forms = []form{
	{name: "ss_tanoiemp", command: []string{"ss", "-tanoiemp"}, listeners: true, timers: true, inodes: true, info: true, memory: true, cookies: true, backlog: true, owners: true},
	{name: "ss_tanoieO", command: []string{"ss", "-tanoieO"}, listeners: true, timers: true, inodes: true, info: true, cookies: true, backlog: true},
	{name: "ss_tn", command: []string{"ss", "-tn"}},
	{name: "netstat_natpo", command: []string{"netstat", "-natpoW"}, listeners: true, timers: true, owners: true},
	{name: "netstat_natpoee", command: []string{"netstat", "-natpoWee"}, listeners: true, timers: true, inodes: true, owners: true},
	{name: "proc", listeners: true, timers: true, inodes: true},
}

func (f *form) text(t *testing.T) []byte {
	t.Helper()
	if f.command == nil {
		four, err := os.ReadFile("/proc/thread-self/net/tcp")
		if err != nil {
			t.Fatal(err)
		}
		six, err := os.ReadFile("/proc/thread-self/net/tcp6")
		if err != nil {
			t.Fatal(err)
		}
		return append(four, six...)
	}
	path, err := exec.LookPath(f.command[0])
	if err != nil {
		nstest.Missing(t, f.command[0])
	}
	out, err := exec.Command(path, f.command[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func dump(t *testing.T) map[tcp.Tuple]tcp.Socket {
	t.Helper()
	conn, err := inetdiag.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sockets, _, err := conn.Sockets(t.Context(), inetdiag.Query{Extensions: inetdiag.WithInfo | inetdiag.WithCongestion | inetdiag.WithMemory}, nil)
	if err != nil {
		t.Fatal(err)
	}
	byTuple := map[tcp.Tuple]tcp.Socket{}
	for _, s := range sockets {
		if s.State != tcp.Bound {
			byTuple[tcp.Tuple{Local: s.Local, Peer: s.Peer}] = s
		}
	}
	return byTuple
}

// TestParse_kernel reads what ss, netstat and the kernel say of every scene and holds it against sock_diag's answers of just before and just after.
func TestParse_kernel(t *testing.T) {
	nstest.Require(t)
	for _, fam := range nstest.Families() {
		for _, scene := range nstest.Scenes() {
			t.Run(fam.String()+"/"+scene.Name, func(t *testing.T) {
				t.Parallel()
				nstest.New(t).Do(func() {
					scene.Build(t, fam)
					for i := range forms {
						// A timer can fire and be armed anew between the dumps, which then agree with each other and not with the text.
						var wrong []string
						for range 5 {
							if wrong = judge(t, &forms[i]); len(wrong) == 0 {
								break
							}
						}
						if len(wrong) > 0 {
							t.Error(strings.Join(wrong, "\n"))
						}
					}
				})
			})
		}
	}
}

func judge(t *testing.T, f *form) (wrong []string) {
	t.Helper()
	before, text, after := dump(t), f.text(t), dump(t)
	snapshot, source, err := record.Parse(bytes.NewReader(text), time.Unix(1, 0), record.Limits{})
	if err != nil {
		return []string{fmt.Sprintf("%s: %v\n%s", f.name, err, text)}
	}
	if source.Skipped.Lines != 0 || len(source.Details) != source.Sockets {
		wrong = append(wrong, fmt.Sprintf("%s: %+v\n%s", f.name, source, text))
	}
	seen := 0
	for i, got := range snapshot.Namespaces[0].Sockets {
		tuple := tcp.Tuple{Local: got.Local, Peer: got.Peer}
		a, ok := before[tuple]
		b, still := after[tuple]
		if !ok || !still || a.State != b.State {
			continue // it changed meanwhile
		}
		seen++
		c := comparison{form: f, got: &got, detail: &source.Details[i], before: &a, after: &b}
		c.all()
		if f.owners && a.Inode != 0 {
			c.equal("holders", len(snapshot.Holders.Of(got.Inode)) > 0, true)
		}
		if len(c.wrong) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %v %v: %v\n%s", f.name, got.State, tuple, c.wrong, text))
		}
	}
	want := 0
	for tuple, s := range before {
		if _, still := after[tuple]; still && (f.listeners || !tcp.SetOf(tcp.Listen, tcp.SynReceived, tcp.TimeWait).Has(s.State)) {
			want++
		}
	}
	if seen < want {
		wrong = append(wrong, fmt.Sprintf("%s: %d sockets, want %d\n%s", f.name, seen, want, text))
	}
	return wrong
}

// comparison holds one socket as text against the kernel's own words.
type comparison struct {
	*form
	got           *tcp.Socket
	detail        *record.Detail
	before, after *tcp.Socket
	wrong         []string
}

func (c *comparison) equal(what string, got, want any) {
	if got != want {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %v, want %v", what, got, want))
	}
}

func (c *comparison) all() {
	g, w := c.got, c.before
	c.equal("family", g.Family, w.Family)
	c.equal("state", g.State, w.State)
	c.equal("receive queue", g.RecvQueue, w.RecvQueue)
	if w.State != tcp.Listen || c.backlog || c.name == "ss_tn" {
		c.equal("send queue", g.SendQueue, w.SendQueue)
	}
	mini := w.Mini() || w.State == tcp.SynReceived
	c.equal("timer known", c.detail.TimerKnown, c.timers || w.State == tcp.Listen)
	c.equal("inode known", c.detail.InodeKnown, c.inodes || w.State == tcp.TimeWait || w.State == tcp.SynReceived || w.Mini() && c.timers)
	if c.timers {
		c.timer()
	}
	switch {
	case c.inodes:
		c.equal("inode", g.Inode, w.Inode)
		c.equal("uid", g.UID, w.UID)
	case !mini && c.detail.TimerKnown:
		c.equal("stand-in inode", g.Inode > 1<<31, true)
		c.equal("uid", g.UID, record.UnknownUID)
	}
	if c.cookies {
		c.equal("cookie", g.Cookie, w.Cookie)
		c.equal("shutdown", g.Shutdown, w.Shutdown)
		c.equal("v6only", g.V6Only, w.V6Only)
	} else {
		c.equal("cookie made up", record.StandIn(g.Cookie), true)
	}
	if c.memory && !mini && g.More().Memory != c.after.More().Memory { // an answer to a repeated SYN was dropped, say
		c.equal("memory", g.More().Memory, w.More().Memory)
	}
	if c.form.info {
		c.equal("congestion", g.More().Congestion, w.More().Congestion)
	}
	c.info()
}

func (c *comparison) timer() {
	g, a, b := c.got.Timer, c.before.Timer, c.after.Timer
	if a.Kind != b.Kind || a.Count != b.Count || b.Expires > a.Expires {
		return // it fired
	}
	c.equal("timer", g.Kind, a.Kind)
	if c.before.State == tcp.SynReceived && !strings.HasPrefix(c.name, "ss_") && g.Count < a.Count {
		// /proc shows num_timeout of a request, sock_diag num_retrans, which the answers to repeated SYNs raise as well.
		g.Count = a.Count
	}
	c.equal("count", g.Count, a.Count)
	if g.Kind != tcp.TimerNone && (g.Expires > a.Expires || g.Expires+c.detail.Expires < b.Expires) {
		c.wrong = append(c.wrong, fmt.Sprintf("expires in %v + %v, want %v to %v", g.Expires, c.detail.Expires, b.Expires, a.Expires))
	}
}

// printed are the fields that ss 6.1 prints when they are not zero.
var printed = []tcp.Field{
	tcp.RTO, tcp.Backoff, tcp.RTT, tcp.RTTVar, tcp.ATO, tcp.SndMSS, tcp.PMTU, tcp.RcvMSS, tcp.AdvMSS, tcp.SndCwnd, tcp.BytesSent, tcp.BytesRetrans, tcp.BytesAcked,
	tcp.BytesReceived, tcp.SegsOut, tcp.SegsIn, tcp.DataSegsOut, tcp.DataSegsIn, tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv, tcp.DeliveryRate, tcp.Delivered,
	tcp.DeliveredCE, tcp.BusyTime, tcp.Unacked, tcp.Retrans, tcp.TotalRetrans, tcp.Lost, tcp.DSACKDups, tcp.Reordering, tcp.ReordSeen, tcp.RcvRTT, tcp.RcvSpace,
	tcp.RcvSSThresh, tcp.NotSentBytes, tcp.RcvOOOPack, tcp.SndWnd,
}

func (c *comparison) info() {
	for f := range tcp.Fields() {
		n, known := c.got.Info.Uint(f)
		a, sent := c.before.Info.Uint(f)
		b, _ := c.after.Info.Uint(f)
		if !known {
			continue
		}
		low, high := min(a, b), max(a, b)
		switch {
		case c.name == "proc" && (f == tcp.RTO || f == tcp.ATO):
			low -= min(low, 9_999) // cut to 10 ms
		case f == tcp.BusyTime || f == tcp.RwndLimited || f == tcp.SndbufLimited:
			low -= min(low, 999)
		case f == tcp.RTT || f == tcp.RTTVar || f == tcp.RcvRTT || f == tcp.MinRTT:
			low, high = low-low/100_000, high+high/100_000 // six digits
		}
		if !sent || n < low || n > high {
			c.wrong = append(c.wrong, fmt.Sprintf("%v %d, want %d to %d (sent: %v)", f, n, low, high, sent))
		}
	}
	if !c.form.info || c.before.State == tcp.Listen {
		return
	}
	for _, f := range printed {
		a, _ := c.before.Info.Uint(f)
		if rtt, _ := c.before.Info.Uint(tcp.RTT); f == tcp.RTTVar && rtt == 0 {
			continue // printed together
		}
		if b, _ := c.after.Info.Uint(f); a != 0 && a == b && !c.got.Info.Has(f) {
			c.wrong = append(c.wrong, fmt.Sprintf("%v not known, want %d", f, a))
		}
	}
}

// TestParse_kernelOwner names this process as the owner, by ss with the descriptor.
func TestParse_kernelOwner(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		made := nstest.Build(t, "close_wait", nstest.IPv6)
		for i := range forms {
			f := &forms[i]
			snapshot, _, err := record.Parse(bytes.NewReader(f.text(t)), time.Time{}, record.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			holders := snapshot.Holders.Of(socketAt(t, snapshot.Namespaces[0].Sockets, made.Subject.Local).Inode)
			switch fd := made.Subject.FD; {
			case !f.owners && holders != nil, f.owners && (len(holders) != 1 || holders[0].PID != os.Getpid()):
				t.Errorf("%s: holders %v", f.name, holders)
			case f.owners && f.command[0] == "ss" && holders[0].FD != fd, f.owners && f.command[0] == "netstat" && holders[0].FD != -1:
				t.Errorf("%s: descriptor %d, want %d", f.name, holders[0].FD, fd)
			}
		}
	})
}

func socketAt(t *testing.T, sockets []tcp.Socket, local netip.AddrPort) *tcp.Socket {
	t.Helper()
	for i := range sockets {
		if sockets[i].Local.AddrPort() == local && sockets[i].State != tcp.Listen {
			return &sockets[i]
		}
	}
	t.Fatalf("no socket at %v", local)
	return nil
}
