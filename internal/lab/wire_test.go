package lab

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

// TestWire follows a connection whose peer closes its window and vanishes.
func TestWire(t *testing.T) {
	here, there := netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("10.0.0.2:999")
	mapped := netip.MustParseAddrPort("[::ffff:10.0.0.1]:80") // as an IPv6 socket names itself
	w := newWire(mapped, there)
	sent := func(seq uint32, n int, flags string) stage.Segment { return segment(here, there, seq, n, flags) }
	var got []string
	for _, s := range []stage.Segment{
		segment(there, here, 1, 0, "S"), sent(100, 0, "S."), segment(there, here, 2, 0, "."),
		sent(101, 50, "P."), sent(151, 10, "P."), sent(101, 50, "P."), sent(101, 50, "P."), // the first comes again
		segment(there, here, 2, 0, "."), sent(160, 0, "."), sent(160, 0, "."), // window probes
		sent(161, 0, "F."), sent(161, 0, "F."), segment(there, here, 2, 0, "R"),
		segment(there, netip.MustParseAddrPort("10.0.0.1:81"), 2, 0, "R"), // another connection
	} {
		if seen := w.read(&s); seen != nil {
			got = append(got, describe(seen))
		}
	}
	want := []string{
		"<- SYN", "-> SYN-ACK", "<- ACK, window 0", "-> data 50 bytes", "-> data 10 bytes", "-> data 50 bytes, retransmission 1", "-> data 50 bytes, retransmission 2",
		"<- ACK, window 0", "-> probe", "-> probe, the 2nd", "-> FIN", "-> FIN, retransmission 1", "<- RST",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func segment(from, to netip.AddrPort, seq uint32, n int, flags string) stage.Segment {
	s := stage.Segment{From: from, To: to, Seq: seq, Len: n}
	for _, f := range flags {
		switch f {
		case 'S':
			s.SYN = true
		case 'F':
			s.FIN = true
		case 'R':
			s.RST = true
		case 'P':
			s.PSH = true
		case '.':
			s.ACK = true
		}
	}
	return s
}

func TestMatch(t *testing.T) {
	pid := 7
	found := report.Finding{
		Code: "CW105", Severity: report.SeverityCritical, Count: 5, Ends: report.Ends{Kind: "unknown"}, Processes: []report.Process{{PID: pid}},
		Culprits: []report.Culprit{{What: "blocked_in_write", PID: &pid}},
	}
	other := report.Finding{Code: "CW201", Severity: report.SeverityWarning}
	small := report.Finding{Code: "CW114", Severity: report.SeverityInfo}
	me, another := &Process{PID: pid}, &Process{PID: 8}
	for name, c := range map[string]struct {
		findings []report.Finding
		want     Expected
		right    bool
	}{
		"as wanted":       {[]report.Finding{small, found}, Expected{"CW105", 5, me, "blocked_in_write", me, "unknown"}, true},
		"nothing asked":   {[]report.Finding{found}, Expected{Code: "CW105"}, true},
		"absent":          {[]report.Finding{small}, Expected{Code: "CW105"}, false},
		"not alone":       {[]report.Finding{found, other}, Expected{Code: "CW105"}, false},
		"count":           {[]report.Finding{found}, Expected{Code: "CW105", Count: 4}, false},
		"holder":          {[]report.Finding{found}, Expected{Code: "CW105", Holder: another}, false},
		"culprit":         {[]report.Finding{found}, Expected{Code: "CW105", Culprit: another}, false},
		"what it is at":   {[]report.Finding{found}, Expected{Code: "CW105", What: "sleeping"}, false},
		"ends":            {[]report.Finding{found}, Expected{Code: "CW105", Ends: "never"}, false},
		"nothing at all":  {nil, Expected{Code: "CW105"}, false},
		"one of two fits": {[]report.Finding{other, found}, Expected{Code: "CW201"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, why := match(&report.Report{Findings: c.findings}, c.want)
			if (f != nil) != c.right || (why == "") != c.right {
				t.Errorf("finding %v, reason %q", f, why)
			}
		})
	}
}

// TestScenes_complete: what the list and the help show of a scene is there, and no name is used twice.
func TestScenes_complete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scenes() {
		if seen[s.Name] || s.Title == "" || s.Teaches == "" || s.play == nil || len(s.programs) == 0 {
			t.Errorf("scene %q: twice, or without a title, a text, a play or programs", s.Name)
		}
		seen[s.Name] = true
		if len(s.Name)+len(s.Title) > 100 {
			t.Errorf("scene %q: its line in the list is too long", s.Name)
		}
	}
}
